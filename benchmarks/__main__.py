"""``python -m benchmarks NAME [OPTIONS]``: one module of this folder per benchmark, each with a `main(words)`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

NOT_BENCHMARKS = ("history", "measure")


def names() -> list[str]:
    """The benchmarks there are."""
    found = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return sorted(name for name in found if name not in NOT_BENCHMARKS)


def main(words: list[str]) -> int:
    """Runs one benchmark and returns its exit code."""
    if not words or words[0] not in names():
        print(f"usage: python -m benchmarks {{{','.join(names())}}} [--help]", file=sys.stderr)
        return 2
    code: int = import_module(f"benchmarks.{words[0]}").main(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
