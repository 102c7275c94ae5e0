"""``--pull``: what stages are about to read or to have, and is not here, comes from the remote before they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.pipeline.choice import Choice
    from assay.engine.pipeline.spec import Pipeline


def pull_first(context: Context, pipeline: Pipeline, choice: Choice) -> None:
    """Fetches the run cache and the data of the stages that were chosen, and checks out data that is not here.

    What is here stays as it is, edited or not; outputs of stages come back as the stages are gone through. What
    cannot be fetched is said, and is the stages' affair.
    """
    from assay.engine.data.checkout import checkout
    from assay.engine.errors import ConfigError, RemoteError
    from assay.engine.events import Warned
    from assay.engine.pipeline.observe import Observer
    from assay.engine.pipeline.repro import graph_of
    from assay.engine.pipeline.stage import Stage
    from assay.remotes.data import fetch_data
    from assay.remotes.selection import Scope

    project, steps = context.project(), graph_of(pipeline).steps(choice)
    nodes = tuple(step.address if isinstance(step, Stage) else step.path for step in steps)
    try:
        done = fetch_data(project, Scope(nodes), run_cache=True)
    except (ConfigError, RemoteError) as error:
        context.report(Warned(f"Nothing was pulled: {error.message}"))
        return
    for name, why in done.failed.items():
        context.report(Warned(f"{name} was not pulled: {why}"))
    observer = Observer(project)
    paths = [out.path for step in steps if not isinstance(step, Stage) for out in step.outs]
    absent = [path for path in paths if not observer.exists(path) and path not in done.failed]
    if absent:
        checkout(project, absent)
