"""Which commits are here with all they need: those that some ref reaches.

That a commit is in the object database proves nothing, since it may be what a fetch that was killed left behind; that
a ref reaches it does, because refs are written last (law 1).
"""

from __future__ import annotations

from assay.engine.git.objects import COMMIT, TAG, parse_commit, parse_tag
from assay.engine.git.repository import Repository
from assay.engine.model import Oid


class Reachable:
    """Answers for commits; of trees and files it knows nothing and says no.

    The tips of refs are read at once, the history below them only when somebody asks for a commit that is here and is
    no tip.

    Args:
        repo: The repository.
    """

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._known = {oid for _, oid in repo.refs.iterate("refs/")}
        head = repo.head()
        if head is not None:
            self._known.add(head)
        self._is_whole = False

    def __call__(self, oid: Oid) -> bool:
        """Whether the commit is complete here."""
        if oid in self._known:
            return True
        if self._is_whole or oid not in self._repo.objects or self._repo.objects.read(oid)[0] != COMMIT:
            return False
        self._walk()
        return oid in self._known

    def _walk(self) -> None:
        self._is_whole = True
        stack = list(self._known)
        while stack:
            oid = stack.pop()
            kind, data = self._repo.objects.read(oid)
            if kind == TAG:
                next_ones: tuple[Oid, ...] = (parse_tag(data)[0],)
            else:
                next_ones = () if kind != COMMIT or oid in self._repo.shallow else parse_commit(data).parents
            new = [one for one in next_ones if one not in self._known]
            self._known.update(new)
            stack += new
