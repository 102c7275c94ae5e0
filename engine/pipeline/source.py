"""A pipeline file's text, kept so that a mistake found at any later moment still names its line and key.

Lines are looked up only when there is something to say: the file is then composed once more into nodes with marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from assay.engine.errors import BadInput

Keys = tuple[str | int, ...]
"""The way from a document's root to a value: mapping keys and list positions."""


class Source(NamedTuple):
    """A file of a project.

    Attributes:
        path: Its path, relative to the project.
        text: Its text.
        root: The project's absolute path, so that an absolute path in the file can be one of the project's; empty
            where no absolute path is.
    """

    path: str
    text: str
    root: str = ""

    @property
    def names_root(self) -> bool:
        """Whether it spells the project's absolute path, so that what it says depends on where the project is."""
        return bool(self.root) and self.root in self.text

    def bad(self, keys: Sequence[str | int], problem: str, hint: str = "") -> BadInput:
        """The error for the value at ``keys``, ready to be raised."""
        return BadInput(self.path, problem, line=line_of(self.text, keys), key=spell(keys), hint=hint)


def spell(keys: Sequence[str | int]) -> str:
    """``stages.train.outs[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def line_of(text: str, keys: Sequence[str | int]) -> int:
    """The 1-based line of the deepest value on the way that exists; 0 when the text is not YAML."""
    from assay.engine.params import yaml12

    try:
        node = yaml12.compose(text, "")
    except BadInput:
        return 0
    line = 0
    for key in keys:
        children = getattr(node, "value", None)
        if not isinstance(children, list):
            break
        if isinstance(key, int):
            if key >= len(children) or isinstance(children[key], tuple):
                break
            node = children[key]
            line = node.start_mark.line + 1
            continue
        pair = next((pair for pair in children if isinstance(pair, tuple) and pair[0].value == str(key)), None)
        if pair is None:
            break
        line = pair[0].start_mark.line + 1
        node = pair[1]
    return line


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant; empty when nothing is near."""
    import difflib

    close = difflib.get_close_matches(word, list(known), 2, 0.7)
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""
