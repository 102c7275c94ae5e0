"""Where data that is to be tracked would be tracked, and every reason why it cannot be.

All of this is found out before anything is written. A path that lies in tracked data joins it: the ``.dvc`` file of the
folder is the one that changes.
"""

from __future__ import annotations

import os
import posixpath
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import BadInput, Refused, UsageError
from assay.engine.git.index import read_index
from assay.engine.layout import MARKERS
from assay.engine.pipeline import spec
from assay.engine.pipeline.datafile import DataFile, DataOut
from assay.engine.pipeline.discover import DATA_ENDING, is_pipeline_file
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.stage import lock_path
from assay.engine.pipeline.targets import folders_above
from assay.engine.project import Project


class Place(NamedTuple):
    """Where a path is tracked.

    Attributes:
        path: The project path.
        data_file: The project path of its ``.dvc`` file.
        file: What that says now; None when it is not there yet.
        out: The out that is, or holds, the path; None when it is a new one.
    """

    path: str
    data_file: str
    file: DataFile | None = None
    out: DataOut | None = None

    @property
    def is_part(self) -> bool:
        """Whether the path lies inside a folder that is tracked as a whole."""
        return self.out is not None and self.out.path != self.path


class Places:
    """Finds places in a project as it is now.

    Args:
        project: The project.
        pipeline: Its stages and its data.
    """

    def __init__(self, project: Project, pipeline: Pipeline) -> None:
        self._project = project
        self._pipeline = pipeline
        self._ignored = spec.ignored(project)
        self._no_part = spec.no_part(project)
        self._writers = {out.path: stage.address for stage in pipeline.stages.values() for out in stage.outs}
        self._tracked = {out.path: (file, out) for file in pipeline.data.values() for out in file.outs}
        self._below = {folder: name for name in (*self._writers, *self._tracked) for folder in folders_above(name)}
        self._in_git = _names_in_git(project)

    def find(self, path: str, data_file: str = "") -> Place:
        """The place of a path.

        Args:
            path: The project path; nothing needs to be there.
            data_file: The project path of the ``.dvc`` file to use; empty for the one beside it.

        Raises:
            UsageError: A path that cannot be data: the project itself, something of Git's or assay's, a pipeline file.
            Refused: A stage writes it, Git tracks it, it is ignored, or something else is in the way.
        """
        self._check_name(path)
        known = self._known(path)
        if known is not None:
            file, out = known
            if file.is_import:
                hint = f"Remove {file.path} first to track it as your own."
                raise Refused(f"{out.path} is imported by {file.path}.", hint)
            if data_file and data_file != file.path:
                raise Refused(f"{path} is tracked by {file.path} already.", "Leave out --file.")
            return Place(path, file.path, file, out)
        self._check_others(path)
        return self._new(path, data_file or path + DATA_ENDING)

    def anew(self, path: str) -> Place:
        """The place of a path that is to be imported, also where its ``.dvc`` file imports it already.

        Raises:
            UsageError: As for `find`.
            Refused: As for `find`; or it is, or lies in, data that a ``.dvc`` file tracks together with more.
        """
        known = self._known(path)
        place = Place(path, known[0].path, *known) if known is not None and known[0].is_import else self.find(path)
        if place.is_part:
            raise Refused(f"{path} lies in data that {place.data_file} tracks as a whole.", "Name another path.")
        if place.file is not None and len(place.file.all_outs) != 1:
            raise Refused(f"{place.data_file} tracks more than {path}.", "Name another path.")
        return place

    def _known(self, path: str) -> tuple[DataFile, DataOut] | None:
        for name in (path, *folders_above(path)):
            if name in self._tracked:
                return self._tracked[name]
        return None

    def _check_name(self, path: str) -> None:
        if path == ".":
            raise UsageError("The project itself cannot be data.", "Name files or folders in it.")
        first = path.split("/")
        if ".git" in first or not set(MARKERS).isdisjoint(first):
            raise UsageError(f"{path} belongs to Git or assay and cannot be data.")
        disk.check_relative(path)
        name = first[-1]
        if name in (".gitignore", ".dvcignore", ".gitattributes") or self._is_pipeline_file(path):
            raise UsageError(f"{path} belongs to the project's description and cannot be data.")
        if "\n" in path or "\r" in path:
            raise BadInput(repr(path), "a name with a line break cannot be told to Git in .gitignore")
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            raise BadInput(
                path, "its name is not UTF-8, which a .dvc file cannot hold", hint="Rename it, or add its folder."
            ) from None
        if self._no_part(path, os.path.isdir(self._project.path(path))):
            raise Refused(f"{path} is ignored by .dvcignore.", "Take it out there first.")

    def _is_pipeline_file(self, path: str) -> bool:
        is_folder = os.path.isdir(self._project.path(path))
        locks = {lock_path(file) for file in self._pipeline.files}
        return not is_folder and (is_pipeline_file(posixpath.basename(path)) or path in locks)

    def _check_others(self, path: str) -> None:
        """Refuses what somebody else looks after: a stage, another ``.dvc`` file, Git."""
        for name in (path, *folders_above(path)):
            if name in self._writers:
                stage = self._writers[name]
                raise Refused(f"{path} is written by stage {stage}.", f"`assay commit {stage}` records it as it is.")
        name = self._below.get(path, "")
        if name in self._writers:
            raise Refused(f"{path} holds {name}, which stage {self._writers[name]} writes.", "Add what lies beside it.")
        if name:
            file = self._tracked[name][0]
            raise Refused(
                f"{path} holds {name}, which {file.path} tracks.", f"`assay data remove {file.path}` lets go of it."
            )
        if self._project.prefix + path in self._in_git:
            raise Refused(
                f"{path} is tracked by Git already.",
                f"Stop that first: `git rm -r --cached {path}` and a commit; or, without git, move it away, "
                f"`assay baseline -m MSG {path}`, and move it back.",
            )

    def _new(self, path: str, data_file: str) -> Place:
        if not data_file.endswith(DATA_ENDING) or posixpath.basename(data_file) == DATA_ENDING:
            raise UsageError(f"{data_file} is no name for a .dvc file.", "It must end in .dvc.")
        file = self._pipeline.data.get(data_file)
        if file is not None:
            raise Refused(f"{data_file} tracks {', '.join(out.path for out in file.all_outs) or 'nothing'} already.")
        if self._ignored(data_file, False):
            raise Refused(
                f"{data_file} would be ignored by Git or .dvcignore, and with it the data.", "Change that first."
            )
        with disk.Folder(self._project.root) as folder:
            is_there = folder.stat(data_file) is not None  # no way through a symlink
        if is_there:
            raise Refused(f"{data_file} is in the way.", "Move it away, or name another with --file.")
        return Place(path, data_file)


def _names_in_git(project: Project) -> set[str]:
    """Every path of the index, and every folder that holds one."""
    index = read_index(project.repo.index_path)
    names = {*index.offsets, *index.conflicts}
    folders: set[str] = set()
    for path in names:
        cut = path.rfind("/")
        while cut > 0 and path[:cut] not in folders:
            folders.add(path[:cut])
            cut = path.rfind("/", 0, cut)
    return names | folders
