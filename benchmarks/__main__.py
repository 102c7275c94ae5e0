"""``python -m benchmarks NAME [OPTIONS]``: one module of this folder per benchmark, each with a `main(words)`.

Names that are verbs of assay, one or several, are measured by `benchmarks.verbs`; `show`, alone, is `benchmarks.show`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import takewhile
from pathlib import Path

from benchmarks import verbs

NOT_BENCHMARKS = ("history", "measure")


def names() -> list[str]:
    """The benchmarks there are."""
    found = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return sorted(name for name in found if name not in NOT_BENCHMARKS)


def main(words: list[str]) -> int:
    """Runs one benchmark and returns its exit code."""
    first = list(takewhile(lambda word: not word.startswith("-"), words))
    if first and first != ["show"] and verbs.VERBS.keys() >= set(first):
        return verbs.main(words)
    if not words or words[0] not in names():
        print(f"usage: python -m benchmarks {{{','.join(names())}}} [--help]", file=sys.stderr)
        return 2
    code: int = import_module(f"benchmarks.{words[0]}").main(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
