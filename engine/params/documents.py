"""Files of parameters and metrics as data, and edits of them that touch nothing else.

The kind is told by the suffix, in any case: ``.json``, ``.toml``, ``.py``, and YAML for every other. `edit` splices
text: comments, order, quotes, blank lines, CRLF and a byte order mark stay as they are. Every single edit is read
again and compared with the data it was to give; where no splice does, nothing is changed and the sentence says why.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from assay.engine.errors import BadInput, Refused
from assay.engine.model import Override
from assay.engine.params.blockyaml import load_fast
from assay.engine.params.keys import dotted, same

if TYPE_CHECKING:  # what only editing needs is loaded when something is edited
    from assay.engine.params.changes import Edit

Kind = Literal["yaml", "json", "toml", "python"]
_SUFFIXES: dict[str, Kind] = {".json": "json", ".toml": "toml", ".py": "python"}
_EMPTY: dict[Kind, str] = {"json": "{}\n"}
_BOM = "\ufeff"
_OURS, _THEIRS = (re.compile(mark, re.MULTILINE) for mark in (r"^<{7} ", r"^={7}\r?$"))


def kind(path: str) -> Kind:
    """How a file of this name is written."""
    return _SUFFIXES.get("." + path.rpartition("/")[2].rpartition(".")[2].lower(), "yaml")


def read(path: str, data: bytes) -> Any:
    """The data of a file; an empty YAML file holds an empty map.

    Args:
        path: Its name, for its kind and for errors.
        data: Its content.

    Raises:
        BadInput: It is not UTF-8, or not of its kind.
    """
    return parse(path, decoded(path, data))


def decoded(path: str, data: bytes) -> str:
    """The text of a file, line breaks and byte order mark included. Raises BadInput when it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(path, "it is not UTF-8 text", line=data.count(b"\n", 0, error.start) + 1) from error


def parse(path: str, text: str) -> Any:
    """The data of a file whose text is at hand. Raises BadInput."""
    text = text.removeprefix(_BOM)
    try:
        return _READERS[kind(path)](text, path)
    except RecursionError as error:
        raise BadInput(path, "it is nested too deeply") from error
    except BadInput as error:
        conflict = _conflict(path, text)
        if conflict is None:
            raise
        raise conflict from error


def _conflict(path: str, text: str) -> BadInput | None:
    """That Git's marks of a conflict stand in a file; None when they do not."""
    begins = _OURS.search(text)
    if begins is None or not _THEIRS.search(text, begins.end()):
        return None
    line = text.count("\n", 0, begins.start()) + 1
    return BadInput(path, "a merge left a conflict here", line=line, hint="Keep one side, without the lines of marks.")


def edit(path: str, text: str, overrides: Sequence[Override]) -> str:
    """The text with the overrides carried out, and every other byte as it was.

    Args:
        path: The file's name, for its kind and for errors.
        text: Its content; empty when there is no such file.
        overrides: In order; their ``file`` is not looked at.

    Raises:
        UsageError: An override does not fit the data: an unknown key, one that is there already, ...
        Refused: The value cannot be changed in place, as one that others share through a YAML anchor.
        BadInput: The file is not of its kind.
    """
    from assay.engine.params.changes import applied

    data = parse(path, text.removeprefix(_BOM) or _EMPTY.get(kind(path), ""))
    return rewritten(path, text, applied(data, overrides, path))


def rewritten(path: str, text: str, wanted: Any) -> str:
    """The text made to hold other data, and every byte as it was that the difference is not about.

    Args:
        path: The file's name, for its kind and for errors.
        text: Its content; empty when there is no such file.
        wanted: The data.

    Raises:
        Refused: A value cannot be changed in place.
        BadInput: The file is not of its kind.
    """
    from assay.engine.params.changes import carried_out, difference

    mark = _BOM if text.startswith(_BOM) else ""
    body = text.removeprefix(_BOM) or _EMPTY.get(kind(path), "")
    data = parse(path, body)
    for step in difference(data, wanted, whole_lists=kind(path) in ("toml", "python")):
        data = carried_out(data, step)
        body = _carry_out(path, body, step, data)
    if not same(data, wanted):
        raise Refused(f"{path} cannot be changed as asked; nothing was changed.")
    return mark + body


def _carry_out(path: str, text: str, step: Edit, wanted: Any) -> str:
    """The first proposed text that holds the wanted data."""
    from assay.engine.params.places import CannotEdit

    why = "no way to write it keeps the rest as it is"
    try:
        for proposal in _proposer(kind(path))(text, step):
            if _holds(path, proposal, wanted):
                return proposal
    except CannotEdit as error:
        why = str(error)
    raise Refused(f"{dotted(step.place)} cannot be changed in {path}: {why}.", "Edit the file by hand.")


def _holds(path: str, text: str, wanted: Any) -> bool:
    try:
        return same(parse(path, text), wanted)
    except BadInput:
        return False


def _proposer(kind: Kind) -> Callable[[str, Edit], Iterator[str]]:
    if kind == "yaml":
        from assay.engine.params.edit_yaml import propose
    elif kind == "json":
        from assay.engine.params.edit_json import propose
    elif kind == "toml":
        from assay.engine.params.edit_toml import propose
    else:
        from assay.engine.params.pyparams import propose
    return propose


def _read_yaml(text: str, path: str) -> Any:
    data = load_fast(text, path)
    return {} if data is None else data


def _read_json(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(path, f"it is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", line=error.lineno) from error
    except ValueError as error:
        raise BadInput(path, "it holds a number that is too long") from error


def _read_toml(text: str, path: str) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        line = place.split(",")[0].removeprefix("line ")
        problem = f"it is not TOML: {message[:1].lower()}{message[1:]}"
        raise BadInput(path, problem, line=int(line) if line.isdecimal() else 0) from error


def _read_python(text: str, path: str) -> Any:
    from assay.engine.params.pyparams import load

    return load(text, path)


_READERS: dict[Kind, Callable[[str, str], Any]] = {
    "yaml": _read_yaml,
    "json": _read_json,
    "toml": _read_toml,
    "python": _read_python,
}
