"""Makes tracked files the user's own: links into the cache become copies that may be edited."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine import disk
from assay.engine.data.items import selected
from assay.engine.errors import BadInput
from assay.engine.pipeline.outputs import detach
from assay.engine.pipeline.spec import load
from assay.engine.project import Project
from assay.engine.workspace.hold import hold


def unprotect(project: Project, targets: Sequence[str], *, folder: str = "") -> int:
    """Replaces links by copies and returns how many there were.

    Args:
        project: The project.
        targets: Tracked paths or paths in them, ``.dvc`` files, stages.
        folder: The project path that they are relative to.

    Raises:
        UsageError: A target means nothing.
        BadInput: It is not there.
    """
    with hold(project) as held:
        chosen = selected(project, load(project), targets, folder=folder)
        paths = [path for found in chosen for path in (found.parts or (found.item.path,))]
        held.using(write=paths)
        with disk.Folder(project.root) as root:
            for path in paths:
                if root.stat(path) is None:
                    raise BadInput(path, "is not there", hint="`assay checkout` brings it.")
            try:
                return sum(detach(root, path) for path in paths)
            except OSError as error:
                raise disk.no_space(error, str(error.filename or project.root)) from error
