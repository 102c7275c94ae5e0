"""Every error a person can meet, each with a sentence, a hint and an exit code.

::

    AssayError                       255  something went wrong; the sentence says what
    ├── Refused                        1  the command says no, nothing was changed
    │   ├── WouldLose                  1  going on would destroy work that exists nowhere else
    │   └── NameTaken                  1  an experiment or branch of that name exists
    ├── ConfigError                  251  a setting is wrong or missing
    ├── NotAProject                  253  no .assay or .dvc here or above
    ├── UsageError                   254  the words on the command line
    │   └── UnknownTarget            255  one of them should name a stage or data, and names none
    ├── BadInput                     255  a file of the project cannot be understood
    ├── Locked                       255  somebody else holds a lock; its owner is named
    ├── StageFailed                  255  a stage command ended with a non-zero status
    ├── GitError                     255  the repository cannot be used as asked
    │   ├── NoRepository             255  no Git repository here or above
    │   ├── UnknownRevision          255
    │   ├── MissingObject            255
    │   ├── CorruptObject            255
    │   ├── RefConflict              255  a ref is not what it was expected to be
    │   └── UnsafePath               255  a path that must never be written
    ├── StoreError                   255  the cache
    │   ├── MissingArtifact          255
    │   └── CorruptArtifact          255
    └── RemoteError                  255  anything beyond this machine
        ├── KeyMissing               255
        ├── AccessDenied             255
        ├── CorruptRemote            255
        └── Unavailable              255  no answer, or "try again later"

Exit codes are DVC's: 0 done, 1 the command says no, 251 config, 252 interrupted, 253 not a project,
254 usage, 255 any other error.
"""

from __future__ import annotations


class AssayError(Exception):
    """Something a person has to know.

    Args:
        message: One sentence that names the thing it is about (file, key, ref, URL).
        hint: What to do next, as a sentence or a command; empty when there is nothing to add.
    """

    exit_code = 255

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(AssayError):
    """The command says no, and has changed nothing."""

    exit_code = 1


class WouldLose(Refused):
    """Going on would destroy content that exists nowhere else; the paths are named."""


class NameTaken(Refused):
    """An experiment or a branch of that name exists already.

    Args:
        message: As for all.
        hint: As for all.
        commit: The id of the commit that was to get the name, where it is made already.
    """

    def __init__(self, message: str, hint: str = "", commit: bytes = b"") -> None:
        super().__init__(message, hint)
        self.commit = commit


class ConfigError(AssayError):
    """A setting is wrong or missing."""

    exit_code = 251


class NotAProject(AssayError):
    """No project here or in any folder above."""

    exit_code = 253


class UsageError(AssayError):
    """The words on the command line do not make a command."""

    exit_code = 254


class UnknownTarget(UsageError):
    """A word that should name a stage or data names none."""

    exit_code = 255


class BadInput(AssayError):
    """A file of the project cannot be understood.

    Args:
        path: The file, relative to the project.
        problem: What is wrong, without a full stop.
        line: 1-based line, when known.
        key: The key inside the file, when known.
        hint: As for AssayError.
    """

    def __init__(self, path: str, problem: str, *, line: int = 0, key: str = "", hint: str = "") -> None:
        where = path + (f", line {line}" if line else "") + (f", {key}" if key else "")
        super().__init__(f"{where}: {problem}.", hint)
        self.path = path
        self.line = line
        self.key = key


class Locked(AssayError):
    """Somebody else holds a lock."""


class StageFailed(AssayError):
    """A stage command ended with a non-zero status.

    Args:
        stage: The stage's address.
        status: The command's exit status; negative when a signal ended it.
        tail: The last lines it printed.
        log: Path of the whole log; empty when there is none.
    """

    def __init__(self, stage: str, status: int, tail: str = "", log: str = "") -> None:
        how = f"exited with {status}" if status >= 0 else f"was ended by signal {-status}"
        super().__init__(
            f"Stage {stage!r} failed: its command {how}.",
            f"The whole output is in {log}." if log else "",
        )
        self.stage = stage
        self.status = status
        self.tail = tail
        self.log = log


class GitError(AssayError):
    """The Git repository cannot be used as asked."""


class NoRepository(GitError):
    """No Git repository here or in any folder above."""


class UnknownRevision(GitError):
    """No commit by that name, or more than one."""


class MissingObject(GitError):
    """A Git object that something points to is not in the object database."""


class CorruptObject(GitError):
    """A Git object or pack whose bytes are not what its name says."""


class RefConflict(GitError):
    """A ref is not what it was expected to be, or its name clashes with another's."""


class UnsafePath(GitError):
    """A path that must never be written: absolute, with '..', inside .git, through a symlink."""


class StoreError(AssayError):
    """The cache cannot do what was asked."""


class MissingArtifact(StoreError):
    """An artifact is not in the cache."""


class CorruptArtifact(StoreError):
    """An artifact's bytes are not what its digest says."""


class RemoteError(AssayError):
    """Something beyond this machine failed."""


class KeyMissing(RemoteError):
    """The remote has nothing under that key."""


class AccessDenied(RemoteError):
    """The remote refuses these credentials, or asks for some."""


class CorruptRemote(RemoteError):
    """What the remote sent is not what its name says."""


class Unavailable(RemoteError):
    """No answer, or one that says "try again later": the same request may succeed in a moment."""
