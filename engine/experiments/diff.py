"""How two experiments, commits or the workspace differ: metrics, parameters, data, code files, installed packages.

Nothing is written and nothing from the repository is executed. What cannot be read on a side is a sentence in
``errors``; the rest is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.engine.experiments.changed_code import CodeChange, changed_code, in_git
from assay.engine.experiments.changed_data import Data, DataChange, changed_data, data_of
from assay.engine.experiments.changed_packages import Packages, changed_packages
from assay.engine.experiments.compare import Changes, compare
from assay.engine.experiments.index import author_of
from assay.engine.experiments.patch import patch
from assay.engine.experiments.publish import without_trailers
from assay.engine.experiments.sides import Side, sides
from assay.engine.model import Oid
from assay.engine.pipeline.discover import DATA_ENDING
from assay.engine.project import Project
from assay.engine.workspace.files import within

SECTIONS = ("metrics", "params", "data", "code", "packages")
_LOCK = "dvc.lock"


class About(NamedTuple):
    """One of the two sides.

    Attributes:
        name: As it was asked for.
        commit: None for the workspace.
        time: The commit's, in seconds since 1970.
        author: ``Name <address>``.
        message: Without trailers.
    """

    name: str
    commit: Oid | None = None
    time: int | None = None
    author: str = ""
    message: str = ""


@dataclass(frozen=True)
class Difference:
    """What differs between two sides; a section that was not asked for is empty.

    Attributes:
        old: The first side.
        new: The second side.
        metrics: Changes by file and dotted key.
        params: Likewise.
        data: What stages write and read, and ``.dvc`` files name, by path.
        code: Files of the tree that are shown nowhere else, by path.
        packages: Installed packages.
        errors: By side's name and then by file: why it is not compared.
    """

    old: About
    new: About
    metrics: Changes
    params: Changes
    data: tuple[DataChange, ...]
    code: tuple[CodeChange, ...]
    packages: Packages
    errors: Mapping[str, Mapping[str, str]]
    _patch: Callable[[], Iterator[str]]

    def patch(self) -> Iterator[str]:
        """The changes of code files as the lines of a unified diff, while the project is open. Raises GitError."""
        return self._patch()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs, as far as it could be compared."""
        return not (self.metrics or self.params or self.data or self.code or self.packages.changes)


def diff(
    project: Project,
    old: str = "HEAD",
    new: str = "workspace",
    *,
    names: tuple[str, str] | None = None,
    sections: Collection[str] = SECTIONS,
    unchanged: bool = False,
    stages_only: bool = False,
) -> Difference:
    """Compares two sides.

    Args:
        project: The project.
        old: An experiment, any other revision, or "workspace".
        new: Likewise.
        names: What to call them; as they are spelled when it is None.
        sections: What to compare, some of `SECTIONS`.
        unchanged: Also parameters and metrics that are the same.
        stages_only: Of parameters, only those that stages read.

    Raises:
        UnknownRevision: A revision names no commit.
        GitError: The repository cannot be read as far as code and data need it.
    """
    one, other = sides(project, [old, new], names or ())
    metrics = [side.metrics() for side in (one, other)]
    params = [side.params(stages_only=stages_only) for side in (one, other)]
    errors = {one.name: dict(one.record.errors), other.name: dict(other.record.errors)}
    code: list[CodeChange] = []
    data: list[DataChange] = []
    if "code" in sections or "data" in sections:
        held = _data(project, one, other)
        code = changed_code(project, one, other, _shown_elsewhere((one, other), held))
        data = changed_data(*held, _code_test(project, (one, other), code))
        for side, found in zip((one, other), held, strict=True):
            errors[side.name].update(found.errors)
    chosen = tuple(code) if "code" in sections else ()
    return Difference(
        _about(one),
        _about(other),
        compare(metrics[0].found, metrics[1].found, unchanged=unchanged) if "metrics" in sections else {},
        compare(params[0].found, params[1].found, unchanged=unchanged) if "params" in sections else {},
        tuple(data) if "data" in sections else (),
        chosen,
        changed_packages(project, one, other) if "packages" in sections else Packages((), ()),
        {name: found for name, found in errors.items() if found},
        lambda: patch(project, one, other, chosen),
    )


def _about(side: Side) -> About:
    if side.commit is None:
        return About(side.name)
    record = side.record
    return About(side.name, side.commit, record.time, author_of(record), without_trailers(record.message))


def _data(project: Project, old: Side, new: Side) -> tuple[Data, Data]:
    """The data of both sides; in the workspace also what only the other side names."""
    if old.commit is None:
        after = data_of(project, new)
        return data_of(project, old, after.held), after
    before = data_of(project, old)
    return before, data_of(project, new, before.held)


def _shown_elsewhere(both: tuple[Side, Side], held: tuple[Data, Data]) -> Callable[[str], bool]:
    """Says of a project path that it is not code: data, what describes data, metrics, parameters."""
    written = within({path for data in held for path in data.written()})
    shown: set[str] = set()
    for side in both:
        whole = {path for path, keys in side.declared.params.items() if keys is None}
        shown.update(path for path in side.record.params if path in whole)
        shown.update(side.record.metrics)
    unreadable = {path for side in both for path in side.record.errors}

    def is_other(path: str) -> bool:
        if path in unreadable:
            return False
        is_description = path.endswith(DATA_ENDING) or path.rpartition("/")[2] == _LOCK
        return is_description or path in shown or written(path)

    return is_other


def _code_test(project: Project, both: tuple[Side, Side], code: Collection[CodeChange]) -> Callable[[str], bool]:
    """Says of a project path whether Git keeps it on a side, or would."""
    changed = {change.path for change in code}

    def is_code(path: str) -> bool:
        if any(in_git(project, side, path) for side in both):
            return True
        return path in changed or any(file.startswith(f"{path}/") for file in changed)

    return is_code
