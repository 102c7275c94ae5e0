"""How two experiments differ, as a value for programs and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.api.keyed import Keyed, natural
from assay.engine.experiments.values import MISSING

if TYPE_CHECKING:
    from datetime import datetime

    from assay.engine.experiments.changed_code import CodeChange
    from assay.engine.experiments.changed_data import DataChange
    from assay.engine.experiments.changed_packages import PackageChange
    from assay.engine.experiments.compare import Change, Changes
    from assay.engine.experiments.diff import About, Difference


class Side(NamedTuple):
    """One of the two sides.

    Attributes:
        name: As it was asked for.
        commit: 40 hexadecimal digits; None for the workspace.
        created: When the commit was made, in UTC; None for the workspace.
        author: ``Name <address>``; empty for the workspace.
        message: Without what assay adds below; empty for the workspace.
    """

    name: str
    commit: str | None
    created: datetime | None
    author: str
    message: str


class Diff:
    """What differs between two sides; it is true, where ``if`` asks, when something does.

    Args:
        difference: What `diff` found.
    """

    __slots__ = ("difference",)

    def __init__(self, difference: Difference) -> None:
        self.difference = difference
        """The same as the engine has it."""

    @property
    def old(self) -> Side:
        """The first side."""
        return _side(self.difference.old)

    @property
    def new(self) -> Side:
        """The second side."""
        return _side(self.difference.new)

    @property
    def metrics(self) -> Keyed[Change]:
        """Metrics that differ, by dotted key: ``.old``, ``.new`` (None for none), ``.change``, ``.percent``."""
        return _keyed(self.difference.metrics)

    @property
    def params(self) -> Keyed[Change]:
        """Parameters that differ, likewise."""
        return _keyed(self.difference.params)

    @property
    def data(self) -> tuple[DataChange, ...]:
        """Paths of data that differ: ``.path``, ``.status``, ``.old``, ``.new``."""
        return self.difference.data

    @property
    def code(self) -> tuple[CodeChange, ...]:
        """Files of code that differ: ``.path``, and ``.letter`` (A, M, D, T)."""
        return self.difference.code

    @property
    def packages(self) -> tuple[PackageChange, ...]:
        """Installed packages that differ: ``.name``, ``.old``, ``.new``."""
        return self.difference.packages.changes

    @property
    def errors(self) -> Mapping[str, Mapping[str, str]]:
        """By side and file, why it is not compared."""
        return self.difference.errors

    def patch(self) -> str:
        """The changes of code files as a unified diff; the lab must still be open. Raises GitError."""
        return "".join(self.difference.patch())

    def __bool__(self) -> bool:
        return not self.difference.is_empty

    def __repr__(self) -> str:
        found = self.difference
        counts = {
            "metrics": len(self.metrics),
            "params": len(self.params),
            "data": len(found.data),
            "code": len(found.code),
            "packages": len(found.packages.changes),
        }
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        return f"<Diff {found.old.name}..{found.new.name}: {told or 'nothing'}>"

    def _repr_html_(self) -> str:
        from assay.api.html import difference

        return difference(self)


def _side(about: About) -> Side:
    from datetime import datetime, timezone

    created = datetime.fromtimestamp(about.time, timezone.utc) if about.time else None
    return Side(about.name, about.commit.hex() if about.commit else None, created, about.author, about.message)


def _keyed(changes: Changes) -> Keyed[Change]:
    return Keyed({file: {key: _natural(change) for key, change in keys.items()} for file, keys in changes.items()})


def _natural(change: Change) -> Change:
    return change._replace(old=_value(change.old), new=_value(change.new), change=natural(change.change))


def _value(value: Any) -> Any:
    return None if value is MISSING else natural(value)
