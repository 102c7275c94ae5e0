"""assay: machine-learning experiments as Git commits, with no Git installed.

For Python programs and notebooks::

    import assay

    lab = assay.open()
    best = lab.show(sort_by="acc", top=1)[0]
    print(best.name, best.params["train.lr"], best.metrics["acc"])

`open` gives a `Lab`: the experiments of a project, and the verbs about them. Everything is loaded when it is first
used, so that importing the package costs next to nothing. docs/guide/python.md shows it at work.

The package is four storeys: ``engine`` decides, ``remotes`` reaches beyond this machine, ``api`` is the one object that
programs and the command line share, ``cli`` talks to a person. docs/architecture.md draws them.
"""

from __future__ import annotations

from assay.version import __version__

TYPE_CHECKING = False  # typing itself takes longer to import than this package may

if TYPE_CHECKING:
    from os import PathLike

    from assay.api.comparison import Diff
    from assay.api.keyed import Keyed
    from assay.api.lab import Lab
    from assay.api.records import Experiments, Record
    from assay.engine.errors import (
        AssayError,
        BadInput,
        ConfigError,
        GitError,
        Locked,
        MissingArtifact,
        NameTaken,
        NotAProject,
        Refused,
        StageFailed,
        UnknownRevision,
        UsageError,
        WouldLose,
    )
    from assay.engine.events import Reporter
    from assay.engine.experiments.compare import Change

__all__ = [
    "AssayError",
    "BadInput",
    "Change",
    "ConfigError",
    "Diff",
    "Experiments",
    "GitError",
    "Keyed",
    "Lab",
    "Locked",
    "MissingArtifact",
    "NameTaken",
    "NotAProject",
    "Record",
    "Refused",
    "StageFailed",
    "UnknownRevision",
    "UsageError",
    "WouldLose",
    "__version__",
]

_PLACES = {
    "Change": "assay.engine.experiments.compare",
    "Diff": "assay.api.comparison",
    "Experiments": "assay.api.records",
    "Keyed": "assay.api.keyed",
    "Lab": "assay.api.lab",
    "Record": "assay.api.records",
}


def open(path: str | PathLike[str] = ".", report: Reporter | None = None) -> Lab:  # noqa: A001 - as in tarfile.open
    """Opens the project in a folder or above it.

    Args:
        path: The folder; a relative one starts at the current folder.
        report: Is told what happens while a verb works (`assay.engine.events`); nobody when it is None.

    Returns:
        The project's experiments and the verbs about them; close it, or use it in a ``with`` statement.

    Raises:
        NotAProject: There is none in the folder or above it.
        GitError: It is not inside a usable Git repository.
    """
    from assay.api.lab import Lab
    from assay.cli.wiring import Surroundings

    return Lab(Surroundings().open_project(path, report))


def __getattr__(name: str) -> object:
    """Loads what the package exports when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_PLACES.get(name, "assay.engine.errors")), name)
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "open"])
