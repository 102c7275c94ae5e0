"""How long it takes to compare experiments, by how many there are; beside DVC on the same commits.

*cold* is with the tool's own index or cache of experiments deleted, *indexed* with it in place; the file system's cache
is warm in both. That both tools say the same of every experiment is checked before anything is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import history
from benchmarks.measure import ROOT, Measured, measure, print_table, save

NOT_RUN = "not run"


@dataclass(frozen=True)
class Tool:
    """One of the two programs: how it is started, in which clone, and how its cache is deleted."""

    name: str
    command: tuple[str, ...]
    folder: Path
    forget: Callable[[], None]

    def run(self, *words: str, repeat: int, cold: bool = False) -> Measured:
        """Measures one of its commands."""
        before = self.forget if cold else lambda: None
        return measure([*self.command, *words], self.folder, environment(self.folder), repeat=repeat, before=before)

    def said(self, *words: str) -> str:
        """What one of its commands prints."""
        command = [*self.command, *words]
        return subprocess.run(
            command, cwd=self.folder, env=environment(self.folder), check=True, capture_output=True, text=True
        ).stdout


def environment(folder: Path) -> dict[str, str]:
    """Variables for both tools: no settings of the user's, nothing sent anywhere."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPYCACHEPREFIX") if name in os.environ}
    return {**kept, "HOME": str(folder.parent), "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1"}


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/show.json."""
    args = _arguments(words)
    results = []
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as folder:
        for count in args.experiments:
            print(f"{count} experiments ...", file=sys.stderr, flush=True)
            results.append(_measure(count, Path(folder) / str(count), args))
            shutil.rmtree(Path(folder) / str(count))
    _print(results)
    print(f"\nwritten to {save('show', {'repeat': args.repeat, 'against': args.against, 'results': results})}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks show", description=__doc__)
    parser.add_argument("--experiments", type=int, nargs="+", default=[10, 100, 1000, 10000], metavar="N")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command; the median counts (5)")
    parser.add_argument("--against", choices=("dvc",), help="measure this tool too")
    parser.add_argument("--dvc", default=".venv-dvc", help="a virtual environment that has DVC (.venv-dvc)")
    parser.add_argument("--dvc-limit", type=int, default=10**9, metavar="N", help="beyond so many DVC is not run")
    parser.add_argument("--folder", help="where to make the repositories; on a fast disk with room")
    args = parser.parse_args(words)
    if args.against and not os.access(f"{args.dvc}/bin/dvc", os.X_OK):
        parser.error(f"there is no DVC at {args.dvc}/bin/dvc; benchmarks/README.md says how to install it")
    return args


def _measure(count: int, folder: Path, args: argparse.Namespace) -> dict[str, object]:
    ours = _assay(count, folder / "assay")
    repeat: int = args.repeat
    found: dict[str, object] = {
        "experiments": count,
        "assay cold": ours.run("show", "--json", repeat=repeat, cold=True),
        "assay indexed": ours.run("show", "--json", repeat=repeat),
        "assay top 20": ours.run("show", "--top", "20", "--sort-by", "acc", repeat=repeat),
        "assay list": ours.run("list", repeat=repeat),
    }
    if args.against and count <= args.dvc_limit:
        theirs = _dvc(count, folder / "dvc", args.dvc)
        _check_equal(ours, theirs)
        found["dvc cold"] = theirs.run("exp", "show", "--json", repeat=repeat, cold=True)
        found["dvc indexed"] = theirs.run("exp", "show", "--json", repeat=repeat)
        found["dvc list"] = theirs.run("exp", "list", repeat=repeat)
    return found


def _assay(count: int, folder: Path) -> Tool:
    history.write(folder, count)
    shutil.rmtree(folder / ".dvc")  # where both folders are, the project is DVC's

    def forget() -> None:
        for path in (folder / ".git" / "assay").glob("records.db*"):
            path.unlink()

    return Tool("assay", (sys.executable, "-m", "assay"), folder, forget)


def _dvc(count: int, folder: Path, place: str) -> Tool:
    history.write(folder, count)
    return Tool(
        "dvc", (f"{place}/bin/dvc",), folder, lambda: shutil.rmtree(folder / ".dvc/tmp/exps/cache", ignore_errors=True)
    )


def _check_equal(ours: Tool, theirs: Tool) -> None:
    """Both tools must show the same experiments with the same parameters and metrics."""
    mine = {
        row["name"]: (row["params"], row["metrics"])
        for baseline in json.loads(ours.said("show", "--json"))["baselines"]
        for row in baseline["experiments"]
    }
    other = {}
    for state in json.loads(theirs.said("exp", "show", "--json")):
        for entry in state["experiments"] or ():
            data = entry["revs"][0]["data"]
            parts = [{file: part["data"] for file, part in data[kind].items()} for kind in ("params", "metrics")]
            other[entry["name"]] = tuple(parts)
    if mine != other:
        odd = sorted(name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name))
        raise RuntimeError(f"assay and DVC do not say the same of {len(odd)} experiments, first {odd[0]}")


def _print(results: Sequence[dict[str, object]]) -> None:
    columns = ("assay cold", "assay indexed", "assay top 20", "assay list", "dvc cold", "dvc indexed", "dvc list")
    lines = [["experiments", *columns, "cold", "indexed"]]
    for found in results:
        medians = {name: value.median for name, value in found.items() if isinstance(value, Measured)}
        cells = [f"{medians[name]:.2f} s" if name in medians else NOT_RUN for name in columns]
        for kind in ("cold", "indexed"):
            theirs = medians.get(f"dvc {kind}")
            cells.append(f"{theirs / medians[f'assay {kind}']:.0f}x" if theirs else "")
        lines.append([str(found["experiments"]), *cells])
    print_table(lines)
