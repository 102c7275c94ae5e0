"""Which files of the tree differ between two sides, apart from those that are shown as data, metrics or parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from assay.engine.experiments.sides import Side
from assay.engine.git.objects import MODE_FOLDER
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import Item, diff_trees, lookup
from assay.engine.model import Oid
from assay.engine.project import Project

Letter = Literal["A", "M", "D", "T"]
"""Added, modified, deleted, or of another type (a file where a symlink was)."""

_TYPE = 0o170000


class CodeChange(NamedTuple):
    """One file that is not the same on both sides.

    Attributes:
        path: Its project path; one outside the project starts with "../".
        old: The mode and blob of the first side; None for nothing.
        new: Those of the second side; the workspace's blob need not be in the object database.
        place: Its path in the work tree of the repository.
    """

    path: str
    old: Item | None
    new: Item | None
    place: str

    @property
    def letter(self) -> Letter:
        """What happened to it on the way from the first side to the second."""
        if self.old is None:
            return "A"
        if self.new is None:
            return "D"
        return "M" if self.old[0] & _TYPE == self.new[0] & _TYPE else "T"


def changed_code(project: Project, old: Side, new: Side, is_other: Callable[[str], bool]) -> list[CodeChange]:
    """What differs, by path.

    Args:
        project: The project.
        old: The first side.
        new: The second side.
        is_other: Says of a project path that it is shown as something else.
    """

    def skip(place: str) -> bool:
        return is_other(project_path(project.prefix, place))

    found: Mapping[str, tuple[Item | None, Item | None]]
    if old.commit is not None and new.commit is not None:
        objects = project.repo.objects
        differing = diff_trees(objects, _tree(project, old.commit), _tree(project, new.commit))
        found = {place: (one, other) for place, one, other in differing}
    elif old.commit is not None:
        found = _with_workspace(project, old.commit, skip)
    elif new.commit is not None:
        found = {place: (one, other) for place, (other, one) in _with_workspace(project, new.commit, skip).items()}
    else:
        found = {}
    changes = [CodeChange(project_path(project.prefix, place), *found[place], place) for place in sorted(found)]
    return [change for change in changes if not is_other(change.path)]


def _with_workspace(
    project: Project, commit: Oid, skip: Callable[[str], bool]
) -> dict[str, tuple[Item | None, Item | None]]:
    """Where the work tree differs from a commit: what the commit has, what lies there now."""
    tree = _tree(project, commit)
    changes = snapshot_changes(
        project.repo, tree, None, include_untracked=project.layout.takes_untracked, skip=skip, report=project.report
    )
    return {place: (_item(project, tree, place), now) for place, now in changes.items()}


def _item(project: Project, tree: Oid, place: str) -> Item | None:
    item = lookup(project.repo.objects, tree, place)
    return None if item is None or item.mode == MODE_FOLDER else (item.mode, item.oid)


def _tree(project: Project, commit: Oid) -> Oid:
    return project.repo.objects.read_commit(commit).tree


def in_git(project: Project, side: Side, path: str) -> bool:
    """Whether a commit has a project path, file or folder; False for the workspace."""
    if side.commit is None:
        return False
    return lookup(project.repo.objects, _tree(project, side.commit), project.prefix + path) is not None


def project_path(prefix: str, place: str) -> str:
    """A path of the work tree as one of the project; outside of it with leading "../"."""
    if place.startswith(prefix):
        return place[len(prefix) :]
    above, own = prefix.rstrip("/").split("/"), place.split("/")
    shared = 0
    while shared < len(above) and shared < len(own) - 1 and above[shared] == own[shared]:
        shared += 1
    return "../" * (len(above) - shared) + "/".join(own[shared:])
