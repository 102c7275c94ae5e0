"""What `status -c`, `data status --not-in-remote` and `repro --pull` of `assay-dvc` say of a remote, DVC's say too."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.dvcsides import commit
from tests.filetree import write

FILES = {
    ".dvc/config": "[core]\n    remote = up\n['remote \"up\"']\n    url = ../../up\n",
    "a.txt": "hello\n",
    "d/1": "1\n",
    "d/2": "2\n",
    "s.txt": "9\n",
    "dvc.yaml": "stages:\n  one:\n    cmd: cat a.txt s.txt > b.txt\n    deps: [a.txt, s.txt]\n    outs: [b.txt]\n",
}


@pytest.fixture(scope="module")
def made(dvc_process):
    root = dvc_process.new()
    write(root, FILES)
    assert dvc_process.run(root, "add", "d", "s.txt").code == 0
    assert dvc_process.run(root, "repro").code == 0
    return root


@pytest.fixture
def sides(sides):
    """Both with an empty remote beside them."""
    for root in (sides.theirs, sides.ours):
        (root.parent / "up").mkdir()
    return sides


@pytest.fixture
def shared(sides, dvc_process):
    """Everything is in both remotes."""
    assert dvc_process.run(sides.theirs, "push", "--run-cache").code == 0
    shutil.copytree(sides.theirs.parent / "up", sides.ours.parent / "up", dirs_exist_ok=True)
    return sides


@pytest.mark.parametrize(
    "words", [["-c"], ["-c", "--json"], ["-r", "up"], ["-c", "s.txt"], ["-c", "-d", "one"], ["-c", "-q"]], ids=" ".join
)
def test_what_the_remote_lacks_is_new(sides, words):
    sides.same("status", *words)


def test_a_remote_that_has_everything_is_in_sync(shared):
    assert shared.same("status", "-c") == "Cache and remote 'up' are in sync.\n"
    shared.same("status", "-c", "--json")
    assert json.loads(shared.same("data", "status", "--not-in-remote", "--json", "--granular"))


def test_flags_about_the_remote_need_it(sides):
    sides.same("status", "-a")
    sides.same("status", "-j", "2")


@pytest.mark.parametrize("words", [[], ["--granular", "--json"], ["--json", "d"], ["-r", "up"]], ids=" ".join)
def test_data_status_names_what_the_remote_lacks(sides, words):
    sides.same("data", "status", "--not-in-remote", *words)


def test_missing_data_and_runs_come_from_the_remote_before_stages_run(shared, assay_dvc):
    shared.write({".dvc/cache": None, "b.txt": None, "s.txt": None})
    said = assay_dvc("repro", "--pull", cwd=shared.ours)
    assert "Running stage" not in said.out
    assert (shared.ours / "b.txt").read_text() == "hello\n9\n"
    assert (shared.ours / "s.txt").read_text() == "9\n"


def test_an_experiment_gets_what_it_needs_first(shared, assay_dvc):
    commit(shared.ours)
    shared.write({".dvc/cache": None, "b.txt": None, "s.txt": None})
    said = assay_dvc("exp", "run", "--pull", "-n", "e", cwd=shared.ours)
    assert "Running stage" not in said.out
    assert (shared.ours / "s.txt").read_text() == "9\n"


def test_without_a_remote_pulling_is_said_to_be_impossible_and_stages_run(shared, assay_dvc):
    shared.write({".dvc/config": "", "b.txt": None})
    said = assay_dvc("repro", "--pull", cwd=shared.ours)
    assert "Nothing was pulled" in said.err
    assert (shared.ours / "b.txt").exists()


def objects(root):
    """What the remote beside a project has of data."""
    up = root.parent / "up"
    return sorted(str(path.relative_to(up)) for path in up.rglob("*") if path.is_file() and "runs" not in path.parts)


@pytest.fixture
def edited(shared, dvc_process):
    """Both remotes have older data, too, and an object of DVC 2 that nothing needs."""
    shared.write({"s.txt": "10\n", "d/1": "one\n", "../up/ab/cdef0123456789abcdef0123456789": "old\n"})
    shared.same("add", "s.txt", "d")
    for root in (shared.theirs, shared.ours):
        assert dvc_process.run(root, "push").code == 0
    return shared


def test_what_nothing_needs_goes_from_the_remote_too(edited, dvc_process, assay_dvc):
    before = objects(edited.ours)
    dry = assay_dvc("gc", "-w", "-c", "--dry", cwd=edited.ours)
    assert "would go from" in dry.err
    assert objects(edited.ours) == before
    ours, theirs = assay_dvc("gc", "-w", "-c", "-f", cwd=edited.ours), dvc_process.run(edited.theirs, "gc", "-wcf")
    assert ours.out.splitlines()[1:] == theirs.out.splitlines()[2:]
    assert objects(edited.ours) == objects(edited.theirs) != before
    assert edited.same("status", "-c") == "Cache and remote 'up' are in sync.\n"


def test_what_kept_commits_need_stays_on_the_remote(sides, dvc_process, assay_dvc):
    commit(sides.ours)
    assay_dvc("push", cwd=sides.ours)
    before = objects(sides.ours)
    write(sides.ours, {"s.txt": "10\n", "d": None})
    assay_dvc("add", "s.txt", cwd=sides.ours)
    assay_dvc("remove", "d.dvc", cwd=sides.ours)
    shutil.rmtree(sides.ours / ".dvc/cache")
    assay_dvc("gc", "-a", "-c", "-f", cwd=sides.ours)
    assert objects(sides.ours) == before


def test_what_cannot_be_looked_into_stops_the_collection(edited, assay_dvc):
    listing = (edited.ours / "d.dvc").read_text().split("md5: ")[1].split("\n")[0]
    name = f"files/md5/{listing[:2]}/{listing[2:]}"
    for place in (edited.ours / ".dvc/cache", edited.ours.parent / "up"):
        (place / name).unlink()
    before = objects(edited.ours)
    said = assay_dvc("gc", "-w", "-c", "-f", cwd=edited.ours, code=255)
    assert "neither here nor on" in said.err
    assert objects(edited.ours) == before


@pytest.mark.parametrize("words", [["--not-in-remote", "-w"], ["-w", "-r", "nope"], []], ids=" ".join)
def test_what_does_not_go_together_fails_alike(sides, words):
    sides.same("gc", "-f", "-c", *words)
