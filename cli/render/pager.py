"""Long results a page at a time, through the user's own pager."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from typing import TextIO


def write(text: str, out: TextIO, pager: str, environment: Mapping[str, str]) -> None:
    """Shows a text through a pager; writes it as it is when there is none or it does not start.

    Args:
        text: What to show.
        out: Where it goes without a pager.
        pager: The command; empty or ``cat`` for none.
        environment: The pager's variables; ``less`` is told to keep colours and long lines.
    """
    words = _words(pager)
    if not words or words == ["cat"]:
        out.write(text)
        return
    try:
        variables = {"LESS": "FRSX", "LV": "-c", **environment}
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=variables)  # noqa: S603 - the user's own words
    except OSError:
        out.write(text)
        return
    try:
        process.communicate(text.encode("utf-8", "backslashreplace"))
    except BrokenPipeError:  # the reader has seen enough
        process.wait()
    except KeyboardInterrupt:  # Ctrl-C is the pager's
        process.wait()
        raise


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []
