"""What a large pipeline costs when there is little to do: many stages in many files, all up to date; beside DVC.

Each tool has a project of its own with the same files: every file has a chain of stages, each stage reads a file and a
parameter and writes a file, and a chain begins with what another one ends with.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.show import environment


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/pipeline.json."""
    args = _arguments(words)
    tools = {"assay": [sys.executable, "-m", "assay"]}
    if args.dvc:
        tools["dvc"] = [args.dvc]
    rows: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as folder:
        for name, command in tools.items():
            print(f"{name} ...", file=sys.stderr, flush=True)
            project = _project(Path(folder) / name, command, args.files, args.stages // args.files)
            for row, measured in _measured(command, project, args.repeat).items():
                rows.setdefault(row, {})[name] = measured
    _print(rows, list(tools))
    print(f"\nwritten to {save('pipeline', {'repeat': args.repeat, 'stages': args.stages, 'rows': rows})}")
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command; the median counts (5)")
    parser.add_argument("--stages", type=int, default=200, help="stages in all (200)")
    parser.add_argument("--files", type=int, default=20, help="files that they are in (20)")
    parser.add_argument("--dvc", metavar="PATH", help="measure this DVC program too")
    parser.add_argument("--folder", help="where to make the projects; on a fast disk")
    return parser.parse_args(words)


def _project(folder: Path, command: Sequence[str], files: int, stages: int) -> Path:
    """A project whose stages have all run once."""
    folder.mkdir(parents=True)
    env = environment(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, env=env, check=True)
    subprocess.run([*command, "init"], cwd=folder, env=env, check=True, capture_output=True)
    for number in range(files):
        place = folder / f"part{number:02}"
        place.mkdir()
        (place / "dvc.yaml").write_text(_file(number, stages))
        (place / "params.yaml").write_text("".join(f"s{at}:\n  lr: 0.{at}\n" for at in range(stages)))
    (folder / "start.txt").write_text("start\n")
    subprocess.run([*command, "repro", "-P"], cwd=folder, env=env, check=True, capture_output=True)
    return folder


def _file(number: int, stages: int) -> str:
    lines = ["stages:"]
    before = f"../part{number - 1:02}/out{stages - 1}.txt" if number else "../start.txt"
    for at in range(stages):
        lines += [
            f"  s{at}:",
            f"    cmd: cat {before} > out{at}.txt",
            f"    deps:\n    - {before}",
            f"    params:\n    - s{at}.lr",
            f"    outs:\n    - out{at}.txt",
        ]
        before = f"out{at}.txt"
    return "\n".join(lines) + "\n"


def _measured(command: Sequence[str], folder: Path, repeat: int) -> dict[str, Measured]:
    env = environment(folder)
    parameter = folder / "part00" / "params.yaml"
    text = parameter.read_text()
    turns = iter(range(1_000_000))

    def changed() -> None:
        parameter.write_text(text.replace("0.0", f"0.0{next(turns)}1"))

    return {
        "status": measure([*command, "status"], folder, env, repeat=repeat),
        "repro -P, nothing to do": measure([*command, "repro", "-P"], folder, env, repeat=repeat),
        "repro -P --dry, nothing to do": measure([*command, "repro", "-P", "--dry"], folder, env, repeat=repeat),
        "repro of one changed stage": measure(
            [*command, "repro", "part00/dvc.yaml:s0"], folder, env, repeat=repeat, before=changed
        ),
    }


def _print(rows: dict[str, dict[str, Measured]], tools: list[str]) -> None:
    lines = [["", *tools, "ratio", "assay CPU"]]
    for row, by_tool in rows.items():
        ours = by_tool["assay"]
        ratio = f"{by_tool['dvc'].median / ours.median:.1f}x" if "dvc" in by_tool else "not run"
        cpu = f"{sorted(ours.cpu)[len(ours.cpu) // 2]:.3f} s"
        lines.append([row, *(f"{by_tool[tool].median:.3f} s" for tool in tools), ratio, cpu])
    print_table(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
