"""Queues experiments: one, or all that a sweep means, each with the state it is to start from.

All are captured from one look at the workspace, and become visible together: objects, then the refs that pin them,
then the board. When this returns they survive a power cut.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from assay.engine import disk
from assay.engine.errors import NameTaken, UsageError
from assay.engine.experiments import naming
from assay.engine.experiments.capture import Capture, Captured, refuse_missing
from assay.engine.experiments.isolated import undisturbed
from assay.engine.experiments.prepare import Prepared, RunSpec, composed, overridden, prepare
from assay.engine.experiments.publish import claim_name
from assay.engine.experiments.runfolder import refuse_absent
from assay.engine.experiments.start import baseline_of
from assay.engine.experiments.sweep import combinations
from assay.engine.git.batch import ObjectBatch
from assay.engine.model import Oid
from assay.engine.project import Project
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import PINNED, Job
from assay.engine.workers.specs import to_data


def enqueue(project: Project, spec: RunSpec, *, copies: tuple[str, ...] = ()) -> list[Job]:
    """Queues the experiments that a specification means; its overrides may ask for several values.

    Args:
        project: The project.
        spec: What to run. With several values and a name, experiments are called ``name-1``, ``name-2``, ...
        copies: Project paths that each run gets copied from the workspace when it begins.

    Returns:
        The jobs, in the order in which they will be run.

    Raises:
        NameTaken: A name is in use, or waits to be.
        Refused: There is no commit to start from, or what a stage reads would not be there.
        UsageError: An override names no parameter, or there is nothing to run.
    """
    if spec.manner.dry:
        raise UsageError("What is queued will run, so --dry does not go with it.", "Leave out one of them.")
    refuse_absent(project, copies)
    baseline = baseline_of(project)
    specs = [spec._replace(overrides=chosen) for chosen in combinations(spec.overrides)]
    names = _names(project, baseline, spec, len(specs))
    now = time.time_ns()

    def capture() -> tuple[Prepared, list[Captured]]:
        runs = composed(project, specs)
        first = prepare(project, runs[0])
        state = Capture(project, first.pipeline, baseline)
        with project.repo.objects.batch() as batch:
            found = list(_captured(project, state, batch, first, runs, names))
        return first, found

    first, states = undisturbed(project, capture)
    created, _ = project.world.clock.now()
    jobs = [
        Job(project.world.ids.nonce(), name, baseline, state.commit, created,
            to_data(one, first.choice), copies)
        for one, name, state in zip(specs, names, states, strict=True)
    ]  # fmt: skip
    refuse_missing(project, first, states[0].commit, copies)
    disk.sync_tree(project.repo.common_dir)
    with project.repo.refs.transaction() as transaction:
        for job in jobs:
            transaction.create(PINNED + job.number, job.commit)
    board_of(project).publish(jobs, now // 1_000_000, project.world.ids.nonce())
    return jobs


def _captured(
    project: Project,
    state: Capture,
    batch: ObjectBatch,
    first: Prepared,
    specs: Sequence[RunSpec],
    names: Sequence[str],
) -> Iterator[Captured]:
    """The state of each run; where parameters make other stages, these are checked as well."""
    shapes = {path for file in first.pipeline.files.values() for path in file.inputs}
    for spec, name in zip(specs, names, strict=True):
        if spec is specs[0]:
            writes = first.writes
        else:
            writes = {**_kept(first, spec), **overridden(project, first.pipeline, spec)}
            if not shapes.isdisjoint(writes):
                writes = prepare(project, spec).writes
        yield state.commit(batch, writes, name)


def _kept(first: Prepared, spec: RunSpec) -> dict[str, bytes]:
    """What a command on the line makes of dvc.yaml, which is the same for all runs of a sweep."""
    if spec.adhoc is None:
        return {}
    from assay.engine.pipeline.adhoc import FILE

    return {FILE: first.writes[FILE]} if FILE in first.writes else {}


def _names(project: Project, baseline: Oid, spec: RunSpec, count: int) -> list[str]:
    """The names of the experiments, none of which is in use or about to be."""
    waiting = {job.name for _, _, job in board_of(project).jobs("queued", "running") if job.baseline == baseline}
    if spec.name is None:
        found: list[str] = []
        taken = set(waiting)
        for _ in range(count):
            found.append(naming.fresh(project.repo.refs, baseline, project.world.ids, taken))
            taken.add(found[-1])
        return found
    claim_name(project, baseline, spec.name, force=True)
    names = [spec.name] if count == 1 else [f"{spec.name}-{number}" for number in range(1, count + 1)]
    for name in names:
        if name in waiting:
            raise NameTaken(f"An experiment {name!r} is in the queue already.", "Choose another name with -n.")
        claim_name(project, baseline, name, force=spec.manner.force)
    return names
