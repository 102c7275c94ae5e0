"""Sharing experiments through a Git server on this machine, over http and ssh, beside Git's own push and fetch.

The server is the real ``git http-backend`` behind a small host in this process, and a real sshd where there is one; it
holds all the experiments. Both tools do the same: one experiment that is new is pushed, and many are fetched by their
names into a clone that has only the baseline. The tools take turns, so that what else the machine does hits both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.repository import Repository
from assay.engine.git.trees import edit_tree
from assay.engine.model import ExpRef
from benchmarks import history
from benchmarks.measure import Measured, measure, print_table, save
from benchmarks.show import environment
from tests import githttp, sshserver

NEW = "brand-new"
ASSAY_DVC = (sys.executable, "-c", "from assay.cli.dvc.main import entry; entry()")


def main(words: list[str]) -> int:
    """Runs the benchmark, prints a table and writes results/git.json."""
    args = _arguments(words)
    with tempfile.TemporaryDirectory(dir=args.folder, prefix="assay-benchmark-") as name:
        folder = Path(name)
        print(f"{args.experiments} experiments ...", file=sys.stderr, flush=True)
        sender, server = folder / "sender", folder / "served" / "r.git"
        history.write(sender, args.experiments)
        _git(folder, "clone", "-q", "--mirror", str(sender / ".git"), str(server))
        _git(server, "pack-refs", "--all")
        rows = {}
        with _ways(folder, server) as ways:
            for way, url in ways.items():
                rows[f"push one, {way}"] = _push(sender, server, url, args.repeat)
            for way, url in ways.items():
                rows[f"fetch {args.fetch}, {way}"] = _fetch(folder, server, url, args.fetch, args.repeat)
    lines = [["work", "assay", "CPU", "git", "CPU", "assay / git"]]
    for row, (ours, git) in rows.items():
        cells = [cell for one in (ours, git) for cell in (f"{one.median:.2f} s", f"{median(one.cpu):.2f} s")]
        lines.append([row, *cells, f"{ours.median / git.median:.2f}"])
    print_table(lines)
    results = {row: {"assay": ours, "git": git} for row, (ours, git) in rows.items()}
    print(f"\nwritten to {save('git', {'experiments': args.experiments, 'repeat': args.repeat, 'rows': results})}")
    return 0


@contextmanager
def _ways(folder: Path, server: Path) -> Iterator[dict[str, str]]:
    """The URLs of the server, by the ways there; the home folder of both tools gets in."""
    with ExitStack() as stack:
        host = stack.enter_context(githttp.serving(server.parent))
        found = {"http": f"{host.url}/{server.name}"}
        program = sshserver.find_program()
        if program is not None:
            keys = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ssh = sshserver.start(program, keys)
            stack.callback(ssh.stop)
            settings = f"[core]\n\tsshCommand = ssh -F {ssh.configure(folder)}\n"
            (folder / ".gitconfig").write_text(settings)
            found["ssh"] = ssh.url(server)
        yield found


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks git", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command; the median counts (5)")
    parser.add_argument("--experiments", type=int, default=10_000, help="how many the server holds (10,000)")
    parser.add_argument("--fetch", type=int, default=1000, help="how many are fetched (1,000)")
    parser.add_argument("--folder", help="where to make the repositories; on a fast disk with room")
    return parser.parse_args(words)


def _push(sender: Path, server: Path, url: str, repeat: int) -> tuple[Measured, Measured]:
    """One new experiment, from a project that has all the others, too."""
    repo = Repository.open(str(sender / ".git"))
    baseline = repo.head()
    repo.close()
    assert baseline is not None
    name = ExpRef(baseline, NEW).refname

    def before() -> None:
        _git(server, "update-ref", "-d", name)
        _make_new(sender)

    ours = [*ASSAY_DVC, "exp", "push", "--no-cache", url, NEW]
    return _in_turns(ours, ["git", "push", "-q", url, f"{name}:{name}"], sender, repeat, before)


def _make_new(folder: Path) -> None:
    """Makes an experiment that nobody has, in place of the one that was made before."""
    repo = Repository.open(str(folder / ".git"))
    baseline = repo.head()
    assert baseline is not None
    tree = repo.objects.read_commit(baseline).tree
    with repo.objects.batch() as batch:
        changes = {"params.yaml": (0o100644, batch.add(BLOB, f"seed: {os.urandom(4).hex()}\n".encode()))}
        tree = edit_tree(batch, tree, changes)
        commit = batch.add(COMMIT, build_commit(tree, (baseline,), history.WHO, history.WHO, "new\n"))
    with repo.refs.transaction() as change:
        change.put(ExpRef(baseline, NEW).refname, commit)
    repo.close()


def _fetch(folder: Path, server: Path, url: str, count: int, repeat: int) -> tuple[Measured, Measured]:
    """Many experiments by their names, into a clone of the baseline."""
    empty, clone = folder / "empty", folder / "clone"
    if not empty.exists():
        _git(folder, "clone", "-q", "--single-branch", "--branch", "main", f"file://{server}", str(empty))
    refs = subprocess.run(
        ["git", "for-each-ref", f"--count={count}", "--format=%(refname)", "refs/exps/"],
        cwd=server, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip

    def before() -> None:
        shutil.rmtree(clone / ".git", ignore_errors=True)
        shutil.copytree(empty, clone, dirs_exist_ok=True)

    before()
    names = [ref.rpartition("/")[2] for ref in refs]
    ours = [*ASSAY_DVC, "exp", "pull", "--no-cache", url, *names]
    return _in_turns(ours, ["git", "fetch", "-q", url, *(f"{ref}:{ref}" for ref in refs)], clone, repeat, before)


def _in_turns(
    ours: Sequence[str], theirs: Sequence[str], folder: Path, repeat: int, before: Callable[[], None]
) -> tuple[Measured, Measured]:
    found: dict[str, list[Measured]] = {"ours": [], "theirs": []}
    for _ in range(repeat):
        for name, command in (("ours", ours), ("theirs", theirs)):
            found[name].append(measure(command, folder, environment(folder), repeat=1, before=before))
    ours_in_all, theirs_in_all = (
        Measured([one.wall[0] for one in some], [one.cpu[0] for one in some], max(one.memory for one in some))
        for some in found.values()
    )
    return ours_in_all, theirs_in_all


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
