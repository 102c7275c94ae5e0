"""What a target on the command line means: stages, groups of them, pipeline files, ``.dvc`` files, folders, patterns.

Targets are understood as DVC understands them, except that one that means nothing is an error, where DVC runs the
whole project for an empty folder or a pattern without a match; and that in a folder without a pipeline file the
nearest one above is meant, where DVC finds nothing. The stages need not fit together: who takes one away has to be
able to name it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from assay.engine.errors import UnknownTarget, UsageError
from assay.engine.pipeline.discover import NAME, is_pipeline_file
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.stage import Stage


class Names:
    """The names of a project's stages and data.

    Args:
        stages: By address.
        data: The ``.dvc`` files by path.
    """

    def __init__(self, stages: Mapping[str, Stage], data: Mapping[str, Any]) -> None:
        self.stages = stages
        self.data = data

    def own_file(self, folder: str) -> str:
        """The pipeline file that a folder's stages are in: its own, or the nearest above that has stages."""
        files = {stage.file for stage in self.stages.values()}
        return next((file for above in _at_and_above(folder) if (file := f"{above}{NAME}") in files), NAME)

    def matching(self, target: str, folder: str = "", *, recursive: bool = False, glob: bool = False) -> list[str]:
        """The nodes that a target means.

        Args:
            target: A stage (``train``, ``train@a``), the group of a stage, a pipeline file or ``.dvc`` file, or a
                file and a stage (``sub/dvc.yaml:train``).
            folder: The project path that it is relative to.
            recursive: Whether it may be a folder: all below it.
            glob: Whether the name in it is a pattern.

        Raises:
            UsageError: It means nothing.
        """
        file, name = _split(target, glob=glob)
        if recursive:
            below = placed(target, folder)
            inside = [node for node in (*self.data, *self.stages) if _is_below(self.file(node), below)]
            if inside:
                return inside
        path = placed(file, folder) if file else self.own_file(folder)
        if not name and path in self.data:
            return [path]
        found = [stage.address for stage in self.stages.values() if stage.file == path and _fits(stage, name, glob)]
        if not found:
            raise self._unknown(target, folder)
        return found

    def _unknown(self, target: str, folder: str) -> UsageError:
        """What was probably meant is spelled as it is typed in the folder, so that it can be copied."""
        seen = {self.seen_from(address, folder): stage for address, stage in self.stages.items()}
        if target in self.stages:
            hint = f"In this folder it is {self.seen_from(target, folder)!r}."
        else:
            alike = [word for word, stage in seen.items() if target in (stage.name, stage.group)][:2]
            hint = f"Did you mean {' or '.join(map(repr, alike))}?" if alike else nearest(target, seen)
        if not hint and seen:
            more = ", ..." if len(seen) > 20 else ""
            hint = f"There are: {', '.join(list(seen)[:20])}{more}."
        return UnknownTarget(f"There is no stage {target!r}.", hint)

    def file(self, node: str) -> str:
        """The pipeline file or ``.dvc`` file that a node is in."""
        return node if node in self.data else self.stages[node].file

    def seen_from(self, node: str, folder: str) -> str:
        """A node as it is typed in a folder, a project path: what `matching` understands there."""
        if not folder:
            return node
        if node in self.data:
            return posixpath.relpath(node, folder)
        stage = self.stages[node]
        file = posixpath.relpath(stage.file, folder)
        return stage.name if file == NAME else f"{file}:{stage.name}"


def _split(target: str, *, glob: bool) -> tuple[str, str]:
    """A target's file, "" for the folder's own, and its name there; what comes after an ``@`` may hold anything."""
    group, at, key = ("", "", "") if glob else target.partition("@")
    file, colon, name = (target if glob else group).rpartition(":")
    if colon:
        return file, name + at + key
    if is_pipeline_file(posixpath.basename(target)):
        return target, ""
    return "", target


def placed(path: str, folder: str) -> str:
    """A path that is relative to a folder, as a project path; "" is the project itself."""
    found = posixpath.normpath(posixpath.join(folder, path))
    if found == ".." or found.startswith(("../", "/")):
        raise UsageError(f"{path} lies outside the project.")
    return "" if found == "." else found


def _fits(stage: Stage, name: str, glob: bool) -> bool:
    if not name:
        return True
    if glob and fnmatchcase(stage.name, name):
        return True
    return name in (stage.name, getattr(stage, "group", ""))


def _is_below(file: str, folder: str) -> bool:
    return not folder or file.startswith(folder + "/")


def _at_and_above(folder: str) -> Iterator[str]:
    """A folder and those that it lies in, up to the project itself, each with a slash at its end ("" is the last)."""
    if folder:
        yield folder + "/"
        yield from (above + "/" for above in folders_above(folder))
    yield ""


def folders_above(path: str) -> Iterator[str]:
    """The folders that a path lies in, the nearest first."""
    cut = path.rfind("/")
    while cut > 0:
        path = path[:cut]
        yield path
        cut = path.rfind("/")
