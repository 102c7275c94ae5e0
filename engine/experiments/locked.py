"""What lock files say of dependencies and outputs, read thousands at a time.

A lock file as tools write it is a short list of shapes, and records want the digests only: one expression walks over
the text, in a tenth of the time that YAML takes. Whatever it does not know for certain is left to `pipeline.lock`,
which also says what is wrong; only what stands under ``params`` is not looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.engine.model import HEX_LENGTH, Artifact
from assay.engine.params import documents
from assay.engine.params.scalars import WORDS
from assay.engine.pipeline import lock

Described = Mapping[str, Any]
"""An artifact as records have it: ``hash``, ``digest``, ``size``, ``nfiles``; empty where no digest is known."""


class Locked(NamedTuple):
    """What one stage read and wrote, by path as its dvc.yaml spells it."""

    deps: Mapping[str, Described]
    outs: Mapping[str, Described]


_START = "schema: '2.0'\nstages:\n"
_PLAIN_BYTES = bytes([0x0A, *range(0x20, 0x7F)])
_TEXT = r"[^\n:#]*(?:(?::(?=\S)|(?<=\S)#)[^\n:#]*)*"
_FOLDED = rf"(?:[A-Za-z_/$]|\./){_TEXT}(?:\n      +[^\s:#]{_TEXT})*"
_COMMAND = rf"(?:{_FOLDED}|'(?:[^'\n]|'')*')"
_STAGE = rf"  ([A-Za-z_][A-Za-z0-9_-]*):\n    cmd:(?: ({_COMMAND})|(?:\n    - {_COMMAND})+)\n"
_PART = r"    (?:(deps|outs):\n|(params):\n(?:      +\S.*\n)+)"
_ITEM = (
    r"    - path: ((?:\.\./)*[A-Za-z_][A-Za-z0-9_./+=@-]*)\n"
    r"(?:      hash: (xxh128|sha256|md5)\n)?"
    r"      (md5|digest): (?:\n        )?(?!(?:0b[01]+|[0-9]+(?:e[0-9]+)?)\n)([0-9a-f]+)(\.dir)?\n"
    r"      size: (0|[1-9][0-9]{0,17})\n"
    r"(?:      nfiles: (0|[1-9][0-9]{0,17})\n)?"
    r"(?:      isexec: true\n)?"
)
_TOKENS = f"({_ITEM}|{_PART}|{_STAGE})"
_KEYS = {
    "": ("md5-dos2unix", "md5"), "md5": ("md5", "md5"), "xxh128": ("xxh128", "digest"), "sha256": ("sha256", "digest")
}  # fmt: skip
"""By what stands under ``hash``: the hash, and the key that its digest stands under."""


def read(path: str, data: bytes) -> Mapping[str, Locked]:
    """The stages of a lock file.

    Args:
        path: Its path in the project, for errors.
        data: Its content.

    Raises:
        BadInput: It is not a lock file.
    """
    text = documents.decoded(path, data)
    found = None if data.translate(None, _PLAIN_BYTES) else scan(text)
    if found is not None:
        return found
    entries = lock.parse(text, path).stages.items()
    return {
        name: Locked(
            {path: described(artifact) for path, artifact in entry.deps.items()},
            {path: described(artifact) for path, artifact in entry.outs.items()},
        )
        for name, entry in entries
    }


def described(artifact: Artifact | None) -> Described:
    """What a record says of an artifact."""
    if artifact is None:
        return {}
    about: dict[str, Any] = {"hash": artifact.digest.algo, "digest": artifact.digest.text, "size": artifact.size}
    if artifact.nfiles is not None:
        about["nfiles"] = artifact.nfiles
    return about


def scan(text: str) -> dict[str, Locked] | None:
    """The stages of a printable text of the known shape; None for any other."""
    if not text.startswith(_START):
        return None
    stages: dict[str, dict[str, dict[str, Described]]] = {}
    parts: dict[str, dict[str, Described]] = {}
    items: dict[str, Described] | None = None
    covered = len(_START)
    tokens = re.compile(_TOKENS).findall(text, covered)  # here: most commands read records, and no lock file
    for token, path, algo, key, digest, ending, size, nfiles, part, params, name, command in tokens:
        covered += len(token)
        if path:
            hash_name, right_key = _KEYS[algo]
            if items is None or key != right_key or len(digest) != HEX_LENGTH[hash_name] or path in WORDS:
                return None
            items[path] = about = {"hash": hash_name, "digest": digest + ending, "size": int(size)}
            if nfiles:
                about["nfiles"] = int(nfiles)
        elif name:
            if name in stages or name in WORDS or (command and command in WORDS):
                return None
            parts = stages[name] = {}
            items = None
        elif not stages or (part or params) in parts:
            return None
        else:
            items = parts[part or params] = {}
    if covered != len(text) or any(parts.get("params") for parts in stages.values()):
        return None
    return {name: Locked(parts.get("deps", {}), parts.get("outs", {})) for name, parts in stages.items()}
