"""Queueing experiments and carrying them out, beside DVC; each tool in its own copy of the same project.

``python -m benchmarks queue --against dvc``: one experiment is queued, a grid of twenty, and, by assay alone, of a
thousand; then eight jobs that only write a number are done, four at a time. Workers of an earlier run are never at
hand: DVC's, which wait for more for some seconds, are waited for.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.verbs import Tool, committed_project


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/queue.json."""
    args = _arguments(words)
    tools = [Tool("assay", (sys.executable, "-m", "assay"), ())]
    if args.against:
        tools.append(Tool("dvc", (f"{args.dvc}/bin/dvc",), ("exp",)))
    rows: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as top:
        for tool in tools:
            print(f"{tool.name} ...", file=sys.stderr, flush=True)
            for row, measured in _rows(tool, Path(top) / tool.name, args):
                rows.setdefault(row, {})[tool.name] = measured
    _print(rows, [tool.name for tool in tools])
    print(f"\nwritten to {save('queue', {'repeat': args.repeat, 'rows': rows})}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks queue", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each command; the median counts (3)")
    parser.add_argument("--against", choices=("dvc",), help="measure this tool too")
    parser.add_argument("--dvc", default=".venv-dvc", help="a virtual environment that has DVC (.venv-dvc)")
    parser.add_argument("--folder", help="where to make the projects; on a fast disk with room")
    args = parser.parse_args(words)
    args.dvc = os.path.abspath(args.dvc)
    return args


def _rows(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    env = committed_project(folder)
    env["PATH"] = f"{os.path.dirname(tool.command[0])}:{env['PATH']}"  # DVC starts its workers as `dvc`
    numbers = count(1)

    def grid(size: int) -> list[str]:
        values = ",".join(str(next(numbers)) for _ in range(size))
        return tool.experiment("run", "--queue", "-S", f"lr={values}")

    def eight() -> None:
        _until_idle(folder)
        subprocess.run(grid(8), cwd=folder, env=env, check=True, capture_output=True)

    yield "1 experiment queued", measure(grid(1), folder, env, repeat=args.repeat)
    yield "20 experiments queued", measure(grid(20), folder, env, repeat=args.repeat)
    subprocess.run(tool.verb("queue", "remove", "--all"), cwd=folder, env=env, check=True, capture_output=True)
    all_of_them = tool.experiment("run", "--run-all", "-j", "4")
    yield "8 jobs done, 4 at a time", measure(all_of_them, folder, env, repeat=args.repeat, before=eight)
    _until_idle(folder)
    _check_made(tool, folder, env, 8 * args.repeat)
    if tool.name == "assay":
        yield "1,000 experiments queued", measure(grid(1000), folder, env, repeat=args.repeat)


def _until_idle(folder: Path) -> None:
    """Waits until the workers that DVC keeps have ended."""
    numbers = [path.read_text() for path in (folder / ".dvc/tmp/exps/celery").glob("*.pid")]
    while any(number.isdigit() and _is_alive(int(number)) for number in numbers):
        time.sleep(0.5)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _check_made(tool: Tool, folder: Path, env: dict[str, str], wanted: int) -> None:
    """Raises RuntimeError when a queue was fast because it did not do its jobs."""
    listed = subprocess.run(
        ["git", "for-each-ref", "refs/exps/*/*/*"], cwd=folder, env=env, check=True, capture_output=True
    )
    made = listed.stdout.count(b"\n")
    if made != wanted:
        raise RuntimeError(f"{tool.name} made {made} experiments of {wanted}")


def _print(rows: dict[str, dict[str, Measured]], names: Sequence[str]) -> None:
    lines = [["", *names, "ratio", "assay CPU"]]
    for row, by_tool in rows.items():
        ours, theirs = by_tool["assay"], by_tool.get("dvc")
        ratio = f"{theirs.median / ours.median:.1f}x" if theirs else ""
        cells = [f"{by_tool[name].median:.3f} s" if name in by_tool else "" for name in names]
        lines.append([row, *cells, ratio, f"{sorted(ours.cpu)[len(ours.cpu) // 2]:.3f} s"])
    print_table(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
