"""Everyday verbs in a DVC project, each tool in its own copy of the same project.

``python -m benchmarks run save show add checkout status --against dvc`` names the verbs to measure. What a verb works
on is made anew before each run where the verb changes it, outside the measured time; the file system's cache is warm.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import history
from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.show import environment

PIPELINE = "stages:\n  work:\n    cmd: echo 1 > out.txt\n    params: [lr]\n    outs: [out.txt]\n"


class Tool(NamedTuple):
    """One of the two programs: how it is started, and what it calls the experiment verbs."""

    name: str
    command: tuple[str, ...]
    experiments: tuple[str, ...]

    def verb(self, *words: str) -> list[str]:
        """The words of a command."""
        return [*self.command, *words]

    def experiment(self, *words: str) -> list[str]:
        """The words of a command about experiments."""
        return [*self.command, *self.experiments, *words]


Row = tuple[str, Measured]


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/verbs.json."""
    args = _arguments(words)
    tools = [Tool("assay", (sys.executable, "-m", "assay"), ())]
    if args.against:
        tools.append(Tool("dvc", (f"{args.dvc}/bin/dvc",), ("exp",)))
    rows: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as top:
        for verb in args.verbs:
            for tool in tools:
                print(f"{verb}, {tool.name} ...", file=sys.stderr, flush=True)
                for row, measured in VERBS[verb](tool, Path(top) / f"{verb}-{tool.name}", args):
                    rows.setdefault(row, {})[tool.name] = measured
                shutil.rmtree(Path(top) / f"{verb}-{tool.name}")
    _print(rows, [tool.name for tool in tools])
    print(f"\nwritten to {save('verbs', {'repeat': args.repeat, 'files': args.files, 'rows': rows})}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("verbs", nargs="+", choices=tuple(VERBS), metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command; the median counts (5)")
    parser.add_argument("--files", type=int, default=20_000, help="files of 1 kB that are added (20,000)")
    parser.add_argument("--experiments", type=int, default=1000, help="experiments that are shown (1,000)")
    parser.add_argument("--against", choices=("dvc",), help="measure this tool too")
    parser.add_argument("--dvc", default=".venv-dvc", help="a virtual environment that has DVC (.venv-dvc)")
    parser.add_argument("--folder", help="where to make the projects; on a fast disk with room")
    args = parser.parse_args(words)
    args.dvc = os.path.abspath(args.dvc)
    return args


def committed_project(folder: Path) -> dict[str, str]:
    """Makes a committed DVC project with one stage; returns the variables for commands in it."""
    env = environment(folder) | {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com"}
    env |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
    for path, text in {
        ".dvc/config": "[core]\n    analytics = false\n    check_update = false\n",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        "dvc.yaml": PIPELINE,
        "params.yaml": "lr: 0.1\n",
        ".gitignore": "/data\n/out.txt\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    for command in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-qm", "first"]):
        subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return env


def _run(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    env = committed_project(folder)
    again = tool.experiment("run", "-f", "-n", "again")
    yield "run of one stage, `echo`", measure(again, folder, env, repeat=args.repeat)


def _save(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    env = committed_project(folder)
    _quietly(tool.experiment("run", "-n", "first"), folder, env)
    yield "save", measure(tool.experiment("save", "-f", "-n", "same"), folder, env, repeat=args.repeat)


def _show(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    history.write(folder, args.experiments)
    shutil.rmtree(folder / ".assay")
    env = environment(folder)

    def forget() -> None:
        shutil.rmtree(folder / ".dvc/tmp/exps/cache", ignore_errors=True)
        for path in (folder / ".git/assay").glob("records.db*"):
            path.unlink()

    show, few = tool.experiment("show", "--json"), max(1, args.repeat // 2)
    yield f"show --json, {args.experiments:,}, cold", measure(show, folder, env, repeat=few, before=forget)
    yield f"show --json, {args.experiments:,}, indexed", measure(show, folder, env, repeat=args.repeat)


def _add(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    env, add = committed_project(folder), tool.verb("add", "data")
    few = max(1, args.repeat // 2)
    yield f"add {args.files:,} files", measure(add, folder, env, repeat=few, before=lambda: _fill(folder, args.files))
    yield "add, one new file", measure(add, folder, env, repeat=args.repeat, before=lambda: _one_more(folder))
    yield "add, nothing new", measure(add, folder, env, repeat=args.repeat)


def _checkout(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    env = committed_project(folder)
    _fill(folder, args.files)
    _quietly(tool.verb("add", "data"), folder, env)
    checkout = tool.verb("checkout", "data.dvc")
    few, gone = max(1, args.repeat // 2), lambda: shutil.rmtree(folder / "data")
    yield f"checkout {args.files:,} files", measure(checkout, folder, env, repeat=few, before=gone)
    yield "checkout, nothing to do", measure(checkout, folder, env, repeat=args.repeat)


def _status(tool: Tool, folder: Path, args: argparse.Namespace) -> Iterator[Row]:
    env = committed_project(folder)
    _fill(folder, args.files)
    _quietly(tool.verb("add", "data"), folder, env)
    _quietly(tool.verb("repro"), folder, env)
    yield f"status, {args.files:,} files", measure(tool.verb("status"), folder, env, repeat=args.repeat)
    yield f"data status, {args.files:,} files", measure(tool.verb("data", "status"), folder, env, repeat=args.repeat)


VERBS: dict[str, Callable[[Tool, Path, argparse.Namespace], Iterator[Row]]] = {
    "run": _run,
    "save": _save,
    "show": _show,
    "add": _add,
    "checkout": _checkout,
    "status": _status,
}


def _quietly(command: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)


def _fill(folder: Path, files: int) -> None:
    """All files anew, and no trace of them in the project."""
    for place in ("data", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(folder / place, ignore_errors=True)
    (folder / "data.dvc").unlink(missing_ok=True)
    (folder / ".dvc/tmp").mkdir()
    content = os.urandom(1024 * files)
    for number in range(files):
        path = folder / "data" / f"{number % 100:02}" / f"{number:06}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[number * 1024 : (number + 1) * 1024])


def _one_more(folder: Path) -> None:
    (folder / "data" / "00" / f"more-{os.urandom(4).hex()}").write_bytes(os.urandom(1024))


def _print(rows: dict[str, dict[str, Measured]], names: Sequence[str]) -> None:
    lines = [["", *names, "ratio", *(f"{name} CPU" for name in names)]]
    for row, by_tool in rows.items():
        found = [by_tool[name] for name in names]
        ratio = f"{found[1].median / found[0].median:.1f}x" if len(found) > 1 else ""
        cpu = [f"{sorted(each.cpu)[len(each.cpu) // 2]:.2f} s" for each in found]
        lines.append([row, *(f"{each.median:.3f} s" for each in found), ratio, *cpu])
    print_table(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
