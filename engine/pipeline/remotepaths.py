"""Dependencies and outputs at ``remote://name/path``, where the remote is a folder of this machine: files like others.

Those in remotes of other kinds stay URLs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from assay.engine.pipeline.stage import Dep, Out, PipelineFile, Stage

if TYPE_CHECKING:
    from assay.engine.config import Config

_PREFIX = "remote://"
_FILE = "file://"
T = TypeVar("T", Dep, Out)


def with_local_remotes(files: Mapping[str, PipelineFile], config: Config) -> Mapping[str, PipelineFile]:
    """The same pipeline files, with the places of this machine that their ``remote://`` stands for.

    Args:
        files: By path.
        config: Says where the remotes are.
    """
    if not any(one.path.startswith(_PREFIX) for file in files.values() for one in _elsewhere(file)):
        return files
    folders = {
        name: folder for name, keys in config.named("remote").items() if (folder := _folder(keys.get("url", "")))
    }
    return {
        path: file._replace(stages=tuple(_stage(one, folders) for one in file.stages)) for path, file in files.items()
    }


def _elsewhere(file: PipelineFile) -> list[Dep | Out]:
    found: list[Dep | Out] = []
    for stage in file.stages:
        found += [dep for dep in stage.deps if dep.place == "url"]
        found += [out for out in stage.outside if out.place == "url"]
    return found


def _folder(url: str) -> str:
    """The folder that a remote's URL names; empty when it is none."""
    path = url.removeprefix(_FILE)
    return path if os.path.isabs(path) else ""


def _stage(stage: Stage, folders: Mapping[str, str]) -> Stage:
    return stage._replace(
        deps=tuple(_found(dep, folders) for dep in stage.deps),
        outside=tuple(_found(out, folders) for out in stage.outside),
    )


def _found(one: T, folders: Mapping[str, str]) -> T:
    name, _, below = one.path.removeprefix(_PREFIX).partition("/")
    if not one.path.startswith(_PREFIX) or name not in folders:
        return one
    return one._replace(path=os.path.normpath(f"{folders[name]}/{below}"), place="outside")
