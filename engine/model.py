"""The frozen values every other module speaks in.

Paths inside a project are POSIX strings relative to a root that the context names ("a/b", never "./a");
bytes in file names that are not UTF-8 travel as surrogate escapes, as in `os.fsdecode`. Absolute paths are
plain `str`. Times are whole seconds since 1970 in UTC with an offset in minutes for display.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NewType

Oid = NewType("Oid", bytes)
"""A Git object id in its 20-byte binary form; `.hex()` gives the usual text."""

HashName = Literal["xxh128", "sha256", "md5", "md5-dos2unix"]
HASH_NAMES: tuple[HashName, ...] = ("xxh128", "sha256", "md5", "md5-dos2unix")
HEX_LENGTH: Mapping[str, int] = {"xxh128": 32, "sha256": 64, "md5": 32, "md5-dos2unix": 32}

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Digest(NamedTuple):
    """The name of an artifact: which hash, its lower-case hexadecimal value, and file or directory.

    A directory's digest is that of its manifest; its text form ends in ``.dir``, as in DVC.
    """

    algo: HashName
    hex: str
    is_dir: bool = False

    @property
    def text(self) -> str:
        """The value as lock files hold it: the hexadecimal digits, with ``.dir`` for a directory."""
        return self.hex + ".dir" if self.is_dir else self.hex

    def __str__(self) -> str:
        return f"{self.algo}:{self.text}"


class Artifact(NamedTuple):
    """What an output or dependency was: its digest and what a lock file keeps beside it.

    ``size`` is in bytes (a directory's is the sum of its files), None where an old lock or ``.dvc`` file does not say;
    ``nfiles`` is None for a file.
    """

    digest: Digest
    size: int | None
    nfiles: int | None = None
    is_exec: bool = False


class Entry(NamedTuple):
    """One name in one level of a directory manifest; for a sub-directory the digest is its manifest's."""

    name: str
    digest: Digest
    size: int
    nfiles: int | None = None
    is_exec: bool = False


class Signature(NamedTuple):
    """Who and when, as a commit holds it; ``offset`` is minutes east of UTC."""

    name: str
    email: str
    time: int
    offset: int = 0


class ExpRef(NamedTuple):
    """An experiment's place among the refs, in the shape that DVC gives it: ``refs/exps/<2>/<38>/<name>``."""

    baseline: Oid
    name: str

    @property
    def refname(self) -> str:
        """The full ref name."""
        base = self.baseline.hex()
        return f"refs/exps/{base[:2]}/{base[2:]}/{self.name}"


def start_of(refname: str) -> Oid | None:
    """The baseline that an experiment's ref lies below, with a name or without; None for a ref of another shape."""
    if refname[:10] != "refs/exps/" or refname[12:13] != "/" or refname[51:52] not in ("", "/"):
        return None
    if len(refname) < 51 or "/" in refname[52:]:
        return None
    try:
        return Oid(bytes.fromhex(refname[10:12] + refname[13:51]))
    except ValueError:
        return None


OverrideKind = Literal["set", "add", "force", "delete"]


class Override(NamedTuple):
    """One ``-S`` word, parsed; the grammar is that of Hydra 1.3's basic overrides.

    ``set`` changes a key that exists, ``add`` (``+``) one that does not, ``force`` (``++``) either, ``delete``
    (``~``) takes it away, and with ``has_value`` only if it is equal. ``package`` is what stands after ``@``, for
    configurations that Hydra composes; None where there is no ``@``.
    """

    text: str
    file: str | None
    kind: OverrideKind
    key: tuple[str, ...]
    value: Any = None
    has_value: bool = True
    package: str | None = None


class Experiment(NamedTuple):
    """Everything a commit says about an experiment; it depends on the commit alone.

    ``params`` and ``metrics`` map a file to its content; ``deps`` and ``outs`` map a path to a dictionary with
    ``hash``, ``digest``, ``size`` and ``nfiles``; ``errors`` maps a file to the sentence that says why it is not shown.
    ``time`` is the committer's, which is what experiments are ordered by.
    """

    commit: Oid
    parents: tuple[Oid, ...]
    message: str
    author: Signature
    params: Mapping[str, Any] = _NOTHING
    metrics: Mapping[str, Any] = _NOTHING
    deps: Mapping[str, Mapping[str, Any]] = _NOTHING
    outs: Mapping[str, Mapping[str, Any]] = _NOTHING
    errors: Mapping[str, str] = _NOTHING
    time: int = 0


class AdHoc(NamedTuple):
    """A command given after ``--``, what it reads and writes, and the folder it runs in; project paths."""

    command: tuple[str, ...]
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    wdir: str = ""
