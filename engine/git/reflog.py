"""The reflog: a line per change of a branch or of HEAD, as Git writes it.

Git makes a log for branches, remote-tracking branches, notes and HEAD where the repository has a work tree
(`core.logAllRefUpdates`), and goes on with any log that exists. Experiment refs get none, as in DVC.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal

from assay.engine import disk
from assay.engine.git.reffolders import emptied
from assay.engine.model import Oid, Signature

LogPolicy = Literal["never", "usual", "always"]
"""Which refs get a log when they have none: none, branches and the like, all."""

_USUAL = ("refs/heads/", "refs/remotes/", "refs/notes/")
_NONE = "0" * 40


def wants_log(name: str, path: str, policy: LogPolicy) -> bool:
    """Whether a change of the ref ``name`` is logged, its log being at ``path``."""
    if policy == "always" or (policy == "usual" and (name == "HEAD" or name.startswith(_USUAL))):
        return True
    return os.path.isfile(path)


def line(old: Oid | None, new: Oid, who: Signature, message: str) -> bytes:
    """One line of a reflog."""
    sign = "-" if who.offset < 0 else "+"
    hours, minutes = divmod(abs(who.offset), 60)
    name, email = (_clean(text) for text in (who.name, who.email))
    before = old.hex() if old else _NONE
    head = f"{before} {new.hex()} {name} <{email}> {who.time} {sign}{hours:02}{minutes:02}"
    return f"{head}\t{' '.join(message.split())}\n".encode("utf-8", "surrogateescape")


def append(path: str, text: bytes) -> Callable[[], None]:
    """Adds a line to the log at ``path``, making it when there is none; returns what takes the line back."""
    try:
        size = os.stat(path).st_size if os.path.isfile(path) else None
        emptied(path)
        disk.make_folders(os.path.dirname(path))
        disk.append(path, text)
    except OSError:
        _take_back(path, size)
        raise
    return lambda: _take_back(path, size)


def _take_back(path: str, size: int | None) -> None:
    if size is None:
        disk.unlink(path, missing_ok=True)
    else:
        disk.truncate(path, size)


def _clean(text: str) -> str:
    return "".join(char for char in text if char not in "<>\n\0").strip()
