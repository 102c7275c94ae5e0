"""The data sets of ``dvc.yaml``: what each is at present, according to the lock file, for stages that read ``ds://name``.

They live elsewhere and are never fetched; a stage is up to date while the lock file says the same of its data sets as
when the stage ran. A lock file that speaks of another address or revision than the ``dvc.yaml`` says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assay.engine.params import documents
from assay.engine.pipeline import lock
from assay.engine.pipeline.stage import Dep, PipelineFile, Stage, lock_path

PREFIX = "ds://"
_SPEC = {"dvc": ("name", "url", "type", "path", "rev"), "url": ("name", "url", "type"), "dc": ("name", "url", "type")}
_MEMBERS = ("name", "url", "type", "path", "rev", "rev_lock", "version", "created_at", "meta", "files")


def with_datasets(files: Mapping[str, PipelineFile], read: Callable[[str], bytes | None]) -> Mapping[str, PipelineFile]:
    """The same pipeline files, each dependency on a data set knowing what that is now.

    Args:
        files: By path.
        read: Gives a lock file by its project path.

    Raises:
        BadInput: A lock file that is needed is not one.
    """
    if not any(dep.place == "dataset" for file in files.values() for stage in file.stages for dep in stage.deps):
        return files
    known: dict[str, Mapping[str, Any] | None] = {}
    for path, file in files.items():
        if file.datasets:
            beside = lock_path(path)
            known.update(_known(file, lock.parse(documents.decoded(beside, read(beside) or b""), beside).data))
    return {
        path: file._replace(stages=tuple(_stage(stage, known) for stage in file.stages)) for path, file in files.items()
    }


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two lock files say the same of a data set; members that are empty or false may be left out."""
    return one is not None and other is not None and _without_defaults(one) == _without_defaults(other)


def _known(file: PipelineFile, locked: Mapping[str, Any]) -> dict[str, Mapping[str, Any] | None]:
    listed = locked.get("datasets")
    items = {item.get("name"): item for item in listed if isinstance(item, dict)} if isinstance(listed, list) else {}
    return {str(spec.get("name")): _current(spec, items.get(spec.get("name"))) for spec in file.datasets}


def _current(spec: Mapping[str, Any], item: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    members = _SPEC.get(str(spec.get("type")))
    if item is None or members is None or any((spec.get(key) or "") != (item.get(key) or "") for key in members):
        return None
    kept = _without_defaults(item)
    return {key: kept[key] for key in (*_MEMBERS, *kept) if key in kept}


def _stage(stage: Stage, known: Mapping[str, Mapping[str, Any] | None]) -> Stage:
    if all(dep.place != "dataset" for dep in stage.deps):
        return stage
    return stage._replace(deps=tuple(_dep(dep, known) for dep in stage.deps))


def _dep(dep: Dep, known: Mapping[str, Mapping[str, Any] | None]) -> Dep:
    name = dep.path.removeprefix(PREFIX).split("/")[0]
    return dep._replace(dataset=known.get(name)) if dep.place == "dataset" else dep


def _without_defaults(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {key: _without_defaults(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if key == "relpath" or item not in (None, False, [], {})}
    return [_without_defaults(item) for item in value] if isinstance(value, list) else value
