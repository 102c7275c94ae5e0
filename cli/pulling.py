"""``--pull``: what stages are about to read or to have, and is not here, comes from the remote before they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.model import Artifact
    from assay.engine.pipeline.choice import Choice
    from assay.engine.pipeline.spec import Pipeline


def pull_first(context: Context, pipeline: Pipeline, choice: Choice, *, run_cache: bool = True) -> None:
    """Fetches the run cache and the data of the stages that were chosen, and checks out data that is not here.

    What is here stays as it is, edited or not; outputs of stages come back as the stages are gone through. What
    cannot be fetched is said, and is the stages' affair.
    """
    from assay.engine.pipeline.repro import graph_of
    from assay.engine.pipeline.stage import Stage

    steps = graph_of(pipeline).steps(choice)
    nodes = [step.address if isinstance(step, Stage) else step.path for step in steps]
    paths = [out.path for step in steps if not isinstance(step, Stage) for out in step.outs]
    _pull(context, nodes, paths, pipeline, run_cache=run_cache)


def pull_for(context: Context, spec: RunSpec) -> None:
    """`pull_first` for a run: of the pipeline as its parameters make it; of a sweep, as those of its first run do.

    Raises:
        Refused: The parameters cannot be composed.
        UsageError: An override names no parameter, or there is nothing to run.
    """
    from assay.engine.experiments.prepare import prepare
    from assay.engine.experiments.sweep import combinations

    if spec.adhoc is not None:
        pull_paths(context, spec.adhoc.deps)
        return
    todo = prepare(context.project(), spec._replace(overrides=combinations(spec.overrides)[0]))
    pull_first(context, todo.pipeline, todo.choice)


def fetcher(context: Context) -> Callable[[Sequence[Artifact]], None]:
    """What brings outputs of runs that the run cache knows; what cannot be brought is the stages' affair."""

    def fetch(artifacts: Sequence[Artifact]) -> None:
        from assay.engine.errors import ConfigError, RemoteError
        from assay.engine.events import Warned
        from assay.remotes.artifacts.freight import Freight, Places, Wanted

        project = context.project()
        with Places(project) as places:
            try:
                Freight(project, places).bring(Wanted(artifact) for artifact in artifacts)
            except (ConfigError, RemoteError) as error:
                context.report(Warned(f"Outputs of an earlier run were not pulled: {error.message}"))

    return fetch


def pull_paths(context: Context, paths: Sequence[str]) -> None:
    """The same for what a command without a stage reads, as far as it is tracked."""
    from assay.remotes.targets import split

    tracked, _ = split(context.project(), paths, "")
    _pull(context, tracked, tracked, None, run_cache=True)


def _pull(
    context: Context, nodes: Sequence[str], paths: Sequence[str], pipeline: Pipeline | None, *, run_cache: bool
) -> None:
    """Fetches what ``nodes`` need, and checks out those of the paths that are not here."""
    from assay.engine.data.checkout import checkout
    from assay.engine.errors import ConfigError, RemoteError
    from assay.engine.events import Warned
    from assay.engine.pipeline.observe import Observer
    from assay.remotes.data import fetch_data, with_absent
    from assay.remotes.selection import Scope

    if not nodes:  # which would mean everything
        return
    project = context.project()
    try:
        done = fetch_data(project, Scope(tuple(nodes), pipeline=pipeline), run_cache=run_cache)
    except (ConfigError, RemoteError) as error:
        context.report(Warned(f"Nothing was pulled: {error.message}"))
        return
    for name, why in done.failed.items():
        context.report(Warned(f"{name} was not pulled: {why}"))
    observer = Observer(project)
    absent = [path for path in paths if not observer.exists(path) and path not in done.failed]
    if absent:
        checkout(project, absent, pipeline=with_absent(project, done, pipeline))
