"""Has Hydra compose configurations, in a process of its own.

Composing may import modules and plugins of the user's, and Hydra keeps its state in globals: none of that shall be in
the process that writes experiments. The other process begins in the project's folder with the variables that stage
commands inherit, for a configuration may ask for them (``${oc.env:USER}``) and Python finds modules by them; it gets
no terminal to read from, and what it prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from assay.engine.errors import AssayError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.engine.ports import Configuration

PYTHON = sys.executable
"""The interpreter that has Hydra: this one, where ``pip install 'assay[hydra]'`` put it."""

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "composing.py")
_LINES_OF_HINT = 8


def compose(
    configuration: Configuration, overrides: Sequence[Sequence[str]], folder: str, environment: Mapping[str, str]
) -> list[str]:
    """The texts of a configuration composed with each of these lists of overrides.

    Args:
        configuration: Where it lies.
        overrides: For each text the words, in Hydra's grammar.
        folder: Absolute path of the folder to begin in.
        environment: The variables of the other process.

    Raises:
        Refused: Hydra is not installed, or says no.
    """
    asked = json.dumps({**configuration._asdict(), "overrides": [list(words) for words in overrides]})
    done = subprocess.run(  # noqa: S603 - our own program
        [PYTHON, _PROGRAM], input=asked.encode(), stdout=subprocess.PIPE, cwd=folder, env=environment, check=False
    )
    answers = [_answer(line, done.returncode) for line in done.stdout.splitlines()]
    if len(answers) != len(overrides):
        raise AssayError(f"Composing the parameters ended without an answer (status {done.returncode}).")
    return answers


def _answer(line: bytes, status: int) -> str:
    """One composed text. Raises Refused for an answer that says why there is none."""
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        raise AssayError(f"Composing the parameters ended in the middle of an answer (status {status}).") from None
    if "missing" in answer:
        raise Refused(
            "hydra.enabled asks for parameters that Hydra composes, and Hydra is not installed.",
            "Install it: `pip install 'assay[hydra]'`. With --no-hydra the parameters are taken as they are.",
        )
    if "problem" in answer:
        first, *more = [line.rstrip() for line in str(answer["problem"]).splitlines() if line.strip()] or ["no reason"]
        more = more[:_LINES_OF_HINT] + ["..."] * (len(more) > _LINES_OF_HINT)
        raise Refused(f"Hydra cannot compose the parameters: {first.rstrip('.')}.", "\n  ".join(more))
    return str(answer["text"])
