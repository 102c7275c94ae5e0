"""What else a run leaves behind for its experiment, beside the outputs that its stages declare.

Loggers write metrics, plots and logged parameters that no stage names, and list them at the top level of dvc.yaml. All
of that is a result, and would be last time's if it were taken from the start snapshot; so it is taken as it is at the
end. What a stage reads stays as it was when the run began.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from assay.engine.errors import AssayError
from assay.engine.git.index import read_index
from assay.engine.git.workfiles import ignore_rules
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.source import Source
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stage import PipelineFile, Stage
from assay.engine.project import Project
from assay.engine.workspace.files import files_below, outputs_of, transient, within

_ANY = Source("", "")


def late(project: Project, pipeline: Pipeline) -> list[str]:
    """The work tree paths that belong to an experiment as they are at the end of its run.

    These are what stands under ``metrics``, ``plots`` and ``params`` in a dvc.yaml and is read by no stage, and a
    dvc.yaml whose stages are still the same.

    Args:
        project: The project.
        pipeline: Its stages as they were run.
    """
    files = _files_now(project, pipeline)
    found = [project.prefix + path for path in files]
    found += _reported(project, {**pipeline.files, **files}.values(), _read(pipeline))
    is_apart = within({*outputs_of(project, pipeline), *transient(project)})
    return [path for path in found if not is_apart(path)]


def _files_now(project: Project, pipeline: Pipeline) -> Mapping[str, PipelineFile]:
    """The pipeline files that are not what they were, as far as their stages are."""
    changed = [path for path, file in pipeline.files.items() if _text(file) != project.read(path)]
    if not changed:
        return {}
    try:
        now = load(project).files
    except AssayError:  # somebody is editing; the start snapshot has what was run
        return {}
    return {path: now[path] for path in changed if path in now and _bare(now[path]) == _bare(pipeline.files[path])}


def _text(file: PipelineFile) -> bytes | None:
    """What a pipeline file held; None where it has no stage that knows."""
    return next((stage.source.text.encode() for stage in file.stages), None)


def _bare(file: PipelineFile) -> list[Stage]:
    return [stage._replace(source=_ANY) for stage in file.stages]


def _reported(project: Project, files: Iterable[PipelineFile], read: Collection[str]) -> Iterator[str]:
    """What dvc.yaml files name at their top level: the paths themselves, and the files below them."""
    is_read, rules = within(read), ignore_rules(project.repo)
    index = read_index(project.repo.index_path).offsets
    for file in files:
        for name in (*file.metrics, *file.plots, *file.params):
            if is_read(name) or is_outside(name):
                continue
            path = project.prefix + name
            yield path
            yield from (below for below in files_below(project, path) if below in index or not rules.ignored(below))


def _read(pipeline: Pipeline) -> set[str]:
    """What stages and templates read."""
    stages = pipeline.stages.values()
    given = {dep.path for stage in stages for dep in stage.deps}
    given.update(dep.path for stage in stages for dep in stage.params)
    return given.union(*(file.inputs for file in pipeline.files.values()))
