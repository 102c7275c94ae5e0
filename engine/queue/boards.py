"""The boards of a repository: one for each project in it, since what a job means depends on where it is run.

Projects are told apart by their work tree and by their folder in there, both as the repository names them, so that it
does not matter where a machine mounts it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import BadInput
from assay.engine.project import Project
from assay.engine.queue.board import HOUR, Board
from assay.engine.queue.jobs import Job, State


def board_of(project: Project) -> Board:
    """The board of a project."""
    return Board(f"{project.state}/{_place(project)}", project.world.command)


def all_jobs(project: Project) -> Iterator[tuple[State, str, Job]]:
    """The jobs of all projects in a project's repository, as `Board.jobs` gives them."""
    yield from Board(f"{project.state}/queue").jobs()
    above = f"{project.state}/queues"
    for name in sorted(os.listdir(above)) if os.path.isdir(above) else ():
        yield from Board(f"{above}/{name}").jobs()


def forget_gone(project: Project) -> None:
    """Removes the boards of work trees that their repository does not know any more, with all that is on them.

    Nobody can see their jobs or carry them out. A board stays while anybody works there, and for an hour after.
    """
    above = f"{project.state}/queues"
    for name in sorted(os.listdir(above)) if os.path.isdir(above) else ():
        if "@worktrees%2F" in name and not os.path.lexists(f"{project.repo.common_dir}/{_tree_of(name)}"):
            board = Board(f"{above}/{name}", project.world.command)
            if _is_quiet(board):
                disk.remove_tree(board.folder)


def _is_quiet(board: Board) -> bool:
    """Whether nobody is at work on a board, and nothing has happened there for an hour."""
    from assay.engine.queue import roster  # which readers do without

    inside = (board.folder, *(entry.path for entry in os.scandir(board.folder)))
    if time.time() - max(os.lstat(path).st_mtime for path in inside) < HOUR or roster.workers(board.folder):
        return False
    for place in board.places("running"):
        with suppress(BadInput):  # which is nobody's job
            claim = board.claim("running", place)
            if claim is None:
                return False
            claim.release()
    return True


def _tree_of(name: str) -> str:
    """The Git folder of the work tree whose board has a name, below the repository's."""
    from urllib.parse import unquote

    return unquote(name.rpartition("@")[2])


def _place(project: Project) -> str:
    tree = os.path.relpath(project.repo.git_dir, project.repo.common_dir)
    if tree == "." and not project.prefix:
        return "queue"
    from urllib.parse import quote  # 5 ms, for the few projects that need it

    return f"queues/{quote(project.prefix.rstrip('/'), safe='')}@{quote('' if tree == '.' else tree, safe='')}"
