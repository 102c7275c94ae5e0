"""A value as YAML text that readers of YAML 1.1 and of YAML 1.2 understand alike.

Floats have a point and a signed exponent (``1.0e-05``), and whatever either version would take for something else
than a text is quoted (``'yes'``, ``'1e5'``, ``'0o17'``).
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import yaml

from assay.engine.params import scalars
from assay.engine.params.places import CannotEdit

_FIRST = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`<=~]|-(?=[^\s\-])|--(?=[^\s\-])")


def render(value: Any, *, flow: bool, style: str = "") -> str:
    """A value on one line, so that readers of YAML 1.1 and of 1.2 see the same.

    Args:
        value: The data.
        flow: It will stand between brackets.
        style: The quote that the value it replaces was written with; a text keeps it.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _text(value, flow=flow, style=style)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        pairs = (f"{render(key, flow=True)}: {render(item, flow=True)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(render(item, flow=True) for item in value) + "]"
    raise CannotEdit(f"a {type(value).__name__} has no form in YAML")


def _float(value: float) -> str:
    """YAML 1.1 takes ``1e-05`` for a text: it wants a point before the exponent and a sign after it."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _text(text: str, *, flow: bool, style: str) -> str:
    if not text.isprintable():
        style = '"'
    elif not style and _is_plain(text, flow=flow):
        return text
    if style == '"':
        quoted = json.dumps(text, ensure_ascii=False)
        return "".join(one if one.isprintable() else _escape(one) for one in quoted)
    return "'" + text.replace("'", "''") + "'"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_plain(text: str, *, flow: bool) -> bool:
    """Whether a text needs no quotes to be one for every reader of YAML."""
    if not _FIRST.match(text) or text != text.strip() or text.endswith(":") or ": " in text or " #" in text:
        return False
    if flow and any(character in ",[]{}:?" for character in text):
        return False
    try:
        if not isinstance(scalars.plain(text), str):
            return False
    except ValueError:
        return False
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(text[0], [])
    return not any(pattern.match(text) for _, pattern in resolvers)


def block(key: Any, value: Any, indent: str) -> str:
    """A new entry of a block map, with maps below it as blocks."""
    head = f"{indent}{render(key, flow=False)}:"
    if not isinstance(value, dict) or not value:
        return f"{head} {render(value, flow=False)}"
    return "\n".join([head, *(block(inner, item, indent + "  ") for inner, item in value.items())])
