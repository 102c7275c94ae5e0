"""Putting experiments into the queue and following all of it: ``exp run --queue``, ``exp run --run-all``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from assay.cli.dvc.queue_logs import FOLLOWING
from assay.cli.dvc.queue_start import start_workers
from assay.cli.dvc.queued import tell_of_dvcs
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.model import Override
    from assay.engine.queue.jobs import Job, State

_LOOK = 0.2
_OVER = ("failed", "success")

APART = "To apply the results of an experiment to your workspace run:\n\n\tassay-dvc exp apply <exp>"
"""What is said of experiments that the workspace shows nothing of."""


def enqueue(context: Context, spec: RunSpec, copies: tuple[str, ...]) -> None:
    """Queues what a specification means, and says so of each experiment, with the parameters that it changes."""
    from assay.engine.experiments.sweep import combinations, is_sweep

    spec = spec._replace(overrides=tuple(map(_in_order, spec.overrides)))
    jobs = context.lab.enqueue(spec, copies)
    context.report.clear()
    for job, chosen in zip(jobs, combinations(spec.overrides), strict=True):
        if chosen:
            context.say(f"Queueing with overrides '{_by_file(chosen, of_sweep=is_sweep(spec.overrides))}'.")
        context.say(f"Queued experiment '{job.name}' for future execution.")


def _in_order(override: Override) -> Override:
    """A sweep in the one order that it has from here on, be that one by chance."""
    from assay.engine.params.overrides import in_any_order
    from assay.engine.params.sweeps import Choice, Range, choices

    if not isinstance(override.value, (Choice, Range)) or not override.value.shuffled:
        return override
    return override._replace(value=Choice(tuple(choices(override.value, in_any_order))))


def _by_file(overrides: Sequence[Override], *, of_sweep: bool) -> dict[str, list[str]]:
    """The overrides of one experiment by file, as DVC prints them: true and false of a sweep in Python's words."""
    found: dict[str, list[str]] = {}
    for override in overrides:
        text = override.text.removeprefix(f"{override.file}:")
        if of_sweep and isinstance(override.value, bool):
            text = f"{text.partition('=')[0]}={override.value}"
        found.setdefault(override.file or "params.yaml", []).append(text)
    return found


def run_all(context: Context, count: int) -> int:
    """Starts workers, shows what each task prints as it runs, and tells what came of all.

    Args:
        context: The project's.
        count: How many workers, at most.

    Returns:
        The exit code.

    Raises:
        AssayError: Some have failed.
    """
    from assay.engine.errors import AssayError
    from assay.engine.workers.control import overview

    tell_of_dvcs(context, ("queued", "running"), "exp run --run-all")
    entries = [entry for entry in overview(context.project()).entries if entry.state in ("running", "queued")]
    numbers = [entry.job.number for entry in entries if not entry.job.spec.get("alone")]
    if not numbers:
        return 0
    start_workers(context, count)
    context.say(FOLLOWING.format("all queued experiments"))
    try:
        ended = [_followed(context, number, count) for number in numbers]
    except KeyboardInterrupt:
        context.say(
            "Experiment(s) are still executing in the background. To abort execution use "
            "'assay-dvc queue kill' or 'assay-dvc queue stop'."
        )
        return 0
    made = [job.name for state, job in filter(None, ended) if state == "success"]
    if made:
        context.say(f"\nRan experiment(s): {', '.join(made)}\n{APART}")
    failed = [job.name for state, job in filter(None, ended) if state != "success"]
    if failed:
        raise AssayError(
            f"Failed to reproduce experiment(s) '{', '.join(failed)}'", "`assay-dvc queue logs NAME` says why."
        )
    return 0


def _followed(context: Context, number: str, count: int) -> tuple[State, Job] | None:
    """Shows what a task prints until it is over; what became of it, None when somebody takes it away before.

    A worker that dies is replaced, and a task that it had is shown from its beginning.
    """
    from assay.cli.follow import follow
    from assay.engine.queue import roster
    from assay.engine.queue.boards import board_of
    from assay.engine.workers.control import open_log

    board, shown = board_of(context.project()), ""
    while True:
        place = _place(context, number)
        job = board.read(*place) if place else None
        if place and job is not None:
            state = place[0]
            if job.log != shown and (state == "running" or (state in _OVER and job.log)):
                context.say(f"Reproducing experiment '{job.name}'")
                follow(context, open_log(context.project(), number)[0], number)
                shown = job.log
                continue
            if state in _OVER:
                return state, job
        elif not place:
            return None
        if not roster.workers(board.folder):
            start_workers(context, count)
        time.sleep(_LOOK)


def _place(context: Context, number: str) -> tuple[State, str] | None:
    """Where a job is on the board; looked for twice, since it may move meanwhile."""
    from assay.engine.queue.board import STATES
    from assay.engine.queue.boards import board_of

    board = board_of(context.project())
    for _ in range(2):
        for state in STATES:
            for place in board.places(state):
                if place.endswith(f".{number}"):
                    return state, place
    return None
