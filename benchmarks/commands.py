"""What commands cost over what they have to do: start, list, save, run, many files of data; beside DVC and Git.

Each tool has a project of its own with the same files. ``save`` with many tracked files is compared with
``git status`` in the same repository; an output of many files belongs to a stage that runs ``true`` and keeps its
output (``persist``), and the same files are added as data that no stage writes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.show import environment

SMALL = "stages:\n  work:\n    cmd: echo 1 > out.txt\n    params: [lr]\n    outs: [out.txt]\n"
OUTPUT = "stages:\n  work:\n    cmd: 'true'\n    params: [lr]\n    outs: [{data: {persist: true}}]\n"


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/commands.json."""
    args = _arguments(words)
    tools = {"assay": (sys.executable, "-m", "assay")}
    if args.against:
        tools["dvc"] = (f"{args.dvc}/bin/dvc",)
    rows: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as folder:
        for name, command in tools.items():
            print(f"{name} ...", file=sys.stderr, flush=True)
            for row, measured in _small(name, command, Path(folder), args.repeat).items():
                rows.setdefault(row, {})[name] = measured
            for many in (_output, _added):
                for row, measured in many(name, command, Path(folder), args.files, args.repeat).items():
                    rows.setdefault(row, {})[name] = measured
        rows.update(_tracked(tools["assay"], Path(folder), args.tracked, args.repeat))
    _print(rows)
    print(f"\nwritten to {save('commands', {'repeat': args.repeat, 'rows': rows})}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks commands", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command; the median counts (5)")
    parser.add_argument("--files", type=int, default=20_000, help="files of 1 kB in the output (20,000)")
    parser.add_argument(
        "--tracked", type=int, default=50_000, help="files that Git tracks in the large project (50,000)"
    )
    parser.add_argument("--against", choices=("dvc",), help="measure this tool too")
    parser.add_argument("--dvc", default=".venv-dvc", help="a virtual environment that has DVC (.venv-dvc)")
    parser.add_argument("--folder", help="where to make the projects; on a fast disk with room")
    return parser.parse_args(words)


def _project(name: str, command: Sequence[str], folder: Path, pipeline: str = SMALL) -> Path:
    """A committed project with one stage."""
    folder.mkdir(parents=True)
    (folder / "dvc.yaml").write_text(pipeline)
    (folder / "params.yaml").write_text("lr: 0.1\n")
    (folder / ".gitignore").write_text("/data\n/out.txt\n")
    env = environment(folder)
    _run(["git", "init", "-q"], folder, env)
    _run([*command, "init"] if name == "assay" else [*command, "init", "-q"], folder, env)
    _commit(folder, env)
    return folder


def _commit(folder: Path, env: dict[str, str]) -> None:
    _run(["git", "add", "-A"], folder, env)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    _run(["git", *identity, "commit", "-qm", "first"], folder, env)


def _run(command: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)


def _small(name: str, command: Sequence[str], top: Path, repeat: int) -> dict[str, Measured]:
    folder = _project(name, command, top / f"{name}-small")
    env = environment(folder)
    verbs = (lambda *words: [*command, *words]) if name == "assay" else (lambda *words: [*command, "exp", *words])
    _run(verbs("run"), folder, env)
    return {
        "--version": measure([*command, "--version"], folder, env, repeat=repeat),
        "list": measure(verbs("list"), folder, env, repeat=repeat),
        "save, small project": measure(verbs("save", "-f", "-n", "same"), folder, env, repeat=repeat),
        "run of one stage, `echo`": measure(verbs("run", "-f", "-n", "again"), folder, env, repeat=repeat),
    }


def _output(name: str, command: Sequence[str], top: Path, files: int, repeat: int) -> dict[str, Measured]:
    folder = _project(name, command, top / f"{name}-output", OUTPUT)
    many = _Many(folder, files)
    env = environment(folder)
    first = measure([*command, "repro"], folder, env, repeat=max(1, repeat // 2), before=many.fresh)
    again = measure([*command, "repro", "-f"], folder, env, repeat=repeat, before=many.one_more)
    return {f"output of {files:,} files, first": first, "same with one new file": again}


def _added(name: str, command: Sequence[str], top: Path, files: int, repeat: int) -> dict[str, Measured]:
    folder = _project(name, command, top / f"{name}-added")
    many = _Many(folder, files)
    env = environment(folder)
    add, checkout, data = [*command, "add", "data"], [*command, "checkout", "data.dvc"], folder / "data"
    return {
        f"add {files:,} files": measure(add, folder, env, repeat=max(1, repeat // 2), before=many.fresh),
        "add, one new file": measure(add, folder, env, repeat=repeat, before=many.one_more),
        "add, nothing new": measure(add, folder, env, repeat=repeat),
        "data status": measure([*command, "data", "status"], folder, env, repeat=repeat),
        f"checkout {files:,} files": measure(
            checkout, folder, env, repeat=max(1, repeat // 2), before=lambda: shutil.rmtree(data)
        ),
    }


class _Many:
    """Many small files of data in a project."""

    def __init__(self, folder: Path, files: int) -> None:
        self._folder = folder
        self._files = files
        self._content = os.urandom(1024 * files)
        self._added = iter(range(1_000_000))
        (folder / ".dvc/tmp").mkdir(exist_ok=True) if (folder / ".dvc").exists() else None

    def fresh(self) -> None:
        """All files anew, and no trace of them in the project."""
        folder = self._folder
        shutil.rmtree(folder / "data", ignore_errors=True)
        for place in (".assay/cache", ".assay/tmp", ".dvc/cache", ".dvc/tmp", "dvc.lock", "data.dvc"):
            path = folder / place
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        for number in range(self._files):
            path = folder / "data" / f"{number % 100:02}" / f"{number:06}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._content[number * 1024 : (number + 1) * 1024])

    def one_more(self) -> None:
        """One file that was not there before."""
        (self._folder / "data" / "00" / f"more{next(self._added)}").write_bytes(os.urandom(1024))


def _tracked(command: Sequence[str], top: Path, count: int, repeat: int) -> dict[str, dict[str, Measured]]:
    folder = _project("assay", command, top / "tracked")
    env = environment(folder)
    for number in range(count):
        path = folder / f"p{number % 200:03}" / f"f{number:06}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"x = {number}\n")
    _commit(folder, env)
    _run(["git", "status"], folder, env)
    ours = measure([*command, "save", "-f", "-n", "same"], folder, env, repeat=repeat)
    git = measure(["git", "status", "--porcelain"], folder, env, repeat=repeat)
    return {f"save, {count:,} tracked files": {"assay": ours, "git status": git}}


def _print(rows: dict[str, dict[str, Measured]]) -> None:
    lines = [["", "assay", "other", "", "ratio", "assay CPU"]]
    for row, by_tool in rows.items():
        ours = by_tool["assay"]
        other = next(((name, found) for name, found in by_tool.items() if name != "assay"), None)
        cpu = f"{sorted(ours.cpu)[len(ours.cpu) // 2]:.3f} s"
        if other is None:
            lines.append([row, f"{ours.median:.3f} s", "not run", "", "", cpu])
        else:
            ratio = f"{other[1].median / ours.median:.1f}x"
            lines.append([row, f"{ours.median:.3f} s", f"{other[1].median:.3f} s", other[0], ratio, cpu])
    print_table(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
