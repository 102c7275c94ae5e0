"""Which installed packages differ between two sides.

Of an experiment it is the list that is kept with its log on the machine that made it; of the workspace it is what is
installed beside this interpreter now. A side without a list says nothing about packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.experiments import logs
from assay.engine.experiments.publish import installed_packages
from assay.engine.experiments.sides import Side
from assay.engine.project import Project


class PackageChange(NamedTuple):
    """A package whose version is not the same on both sides; None where it is not installed."""

    name: str
    old: str | None
    new: str | None


class Packages(NamedTuple):
    """What differs, and the sides that have no list, by name; nothing differs then."""

    changes: tuple[PackageChange, ...]
    unknown: tuple[str, ...]


def changed_packages(project: Project, old: Side, new: Side) -> Packages:
    """Compares the lists of two sides."""
    lists = [_listed(project, side) for side in (old, new)]
    unknown = [side.name for side, text in zip((old, new), lists, strict=True) if text is None]
    if unknown:
        return Packages((), tuple(unknown))
    one, other = (versions(text or "") for text in lists)
    names = sorted({*one, *other}, key=lambda name: (name.lower(), name))
    changes = [
        PackageChange(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)
    ]
    return Packages(tuple(changes), ())


def versions(text: str) -> Mapping[str, str]:
    """The versions in a list of lines ``name-version``; one that is installed several times has all of them."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, version = line.rpartition("-")
        found.setdefault(name or version, []).append(version if name else "")
    return {name: " ".join(each) for name, each in found.items()}


def _listed(project: Project, side: Side) -> str | None:
    return installed_packages(project) if side.commit is None else logs.packages(project, side.commit)
