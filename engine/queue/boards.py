"""The boards of a repository: one for each project in it, since what a job means depends on where it is run.

Projects are told apart by their work tree and by their folder in there, both as the repository names them, so that it
does not matter where a machine mounts it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from assay.engine.project import Project
from assay.engine.queue.board import Board
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


def _place(project: Project) -> str:
    tree = os.path.relpath(project.repo.git_dir, project.repo.common_dir)
    if tree == "." and not project.prefix:
        return "queue"
    from urllib.parse import quote  # 5 ms, for the few projects that need it

    return f"queues/{quote(project.prefix.rstrip('/'), safe='')}@{quote('' if tree == '.' else tree, safe='')}"
