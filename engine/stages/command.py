"""The words of a command line as one line for the shell.

A single word is a line that the shell understands already, as in ``stage add ... "a > b"``. Several words are quoted
so that a program gets each as it was typed. A word that needs quotes is written in double ones, as DVC writes it,
wherever that is right; templates (``${...}``) are left to be resolved.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_TEMPLATE = re.compile(r"\$\{[^{}]*\}")
_PLAIN = re.compile(r"[\w@%+=:,./-]+")
_ACTIVE_IN_QUOTES = re.compile(r'["$`\\!]')


def shell_line(words: Sequence[str]) -> str:
    """The line.

    Args:
        words: What was typed, one word or several.
    """
    return words[0] if len(words) == 1 else " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    inside = _TEMPLATE.sub("x", word)
    if not word or (" " in inside and not _ACTIVE_IN_QUOTES.search(inside)):
        return f'"{word}"'
    return word if _PLAIN.fullmatch(inside) else shlex.quote(word)
