"""The workspace's own data: what its pipeline files name now, and how it gets there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.engine.errors import AssayError
from assay.engine.pipeline import spec
from assay.engine.pipeline.discover import pipeline_files
from assay.engine.pipeline.tracked import Tracked, tracked
from assay.engine.project import Project
from assay.remotes.artifacts.freight import Data


def tracked_here(project: Project) -> Tracked:
    """What the pipeline files of the workspace name; manifests that stand in them are lent to the cache."""

    def outs_of(path: str) -> Iterable[str]:
        try:
            file = spec.resolved(project.read(path) or b"", path, project.read, root=project.root)
        except AssayError:
            return ()
        return [out.path for stage in file.stages for out in stage.outs]

    found = tracked(project.read, list(pipeline_files(project.root, spec.ignored(project), outs_of)), project.root)
    found.lend_to(project)
    return found


def check_out(project: Project, data: Data) -> Mapping[str, str]:
    """Puts data that the cache has into the workspace, unless that would lose something.

    Returns:
        What was left as it is, by path, with a sentence.
    """
    from assay.engine.pipeline.outputs import link_kinds
    from assay.engine.store import checkout

    kinds = link_kinds(project)
    left = {}
    for path, wanted in data.items():
        try:
            plan = checkout.plan(
                project.root, path, wanted.artifact, project.cache, project.stat_cache, ignored=spec.no_part(project)
            )
            checkout.carry_out(plan, kinds, report=project.report)
        except AssayError as error:
            left[path] = error.message
    project.stat_cache.flush()
    return left
