"""`gc` and `fsck` as they are typed: what is printed, and the exit code."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def tidy(project, assay):
    """A project with two experiments; only the second is in the workspace."""
    assay("config", "gc.fresh", "0", cwd=project)
    for name, rate in (("one", "0.3"), ("two", "0.4")):
        assay("run", "-n", name, "-S", f"train.lr={rate}", cwd=project)
    return project


def test_a_dry_run_names_the_experiments_that_would_lose_data(tidy, assay):
    said = assay("gc", "-w", "--dry", cwd=tidy).out
    assert "would go to the trash, which keeps them for 14 days." in said
    assert "1 experiment: one" in said
    assert assay("gc", "-w", "--all-experiments", "--dry", cwd=tidy).out.count("experiment:") == 0


def test_what_went_comes_back_by_undo_and_by_itself(tidy, assay):
    assert "`assay undo` brings them back" in assay("gc", "-w", "-f", cwd=tidy).out
    (number,) = [line.split()[0] for line in assay("undo", "--list", cwd=tidy).out.splitlines() if "gc -w -f" in line]
    assay("apply", "one", cwd=tidy)
    assert (tidy / "model.bin").read_text().endswith("0.3\n")
    assert "Undid gc -w -f." in assay("undo", number, cwd=tidy).out
    assert not any((tidy / ".assay/cache/trash").iterdir())


def test_emptying_the_trash_is_for_good(tidy, assay):
    said = assay("gc", "-w", "-f", "--empty-trash", cwd=tidy).out
    assert "for good" in said
    assert "Deleted for good." in said
    assert "does not have model.bin" in assay("apply", "one", cwd=tidy, code=255).err


def test_a_sound_project_passes(tidy, assay):
    assert assay("fsck", cwd=tidy).out == "Everything is in order.\n"
    assert json.loads(assay("fsck", "--json", cwd=tidy).out) == {"schema": 1, "bad": [], "absent": 0}


def damage_model(folder) -> None:
    """Turns a bit in the model that the workspace has."""
    for pack in (folder / ".assay/cache/packs").glob("*.pack"):
        data = bytearray(pack.read_bytes())
        if b"HELLO\n0.4\n" in data:
            data[data.index(b"HELLO\n0.4\n")] ^= 1
            pack.chmod(0o644)
            pack.write_bytes(data)


def test_damage_is_told_with_who_needs_it(tidy, assay):
    damage_model(tidy)
    (bad,) = json.loads(assay("fsck", "--json", cwd=tidy, code=1).out)["bad"]
    assert (bad["kind"], bad["repaired"]) == ("artifact", False)
    assert bad["needed_by"] == [{"name": "the workspace", "path": "model.bin"}, {"name": "two", "path": "model.bin"}]
    said = assay("fsck", cwd=tidy).out
    assert said.startswith("Everything is in order.\n1 artifact that something names is not in the cache")


def test_what_is_repaired_is_told(tidy, assay):
    damage_model(tidy)
    said = assay("fsck", "--repair", cwd=tidy).out
    assert "(repaired)" in said
    assert "needed by two: model.bin" in said
    assert said.endswith("Everything is in order now.\n")
    assert assay("fsck", cwd=tidy).out == "Everything is in order.\n"


@pytest.fixture
def pushed(tidy, assay, tmp_path):
    """The same, with a remote that has the data of the workspace, but not that of the first experiment."""
    assay("remote", "add", "there", str(tmp_path / "remote"), "-d", cwd=tidy)
    assay("push", "two", cwd=tidy)
    return tidy


def test_what_the_remote_has_goes_too_and_pull_brings_it_back(pushed, assay):
    said = assay("gc", "-w", "--not-in-remote", "-f", "--empty-trash", cwd=pushed).out
    assert "; `assay pull` fetches what is needed." in said
    assert "1 experiment: one" in said
    (pushed / "model.bin").unlink()
    assay("pull", cwd=pushed)
    assert (pushed / "model.bin").read_text().endswith("0.4\n")


def test_what_the_remote_lacks_stays(pushed, assay):
    assay("gc", "-w", "--all-experiments", "--not-in-remote", "-f", cwd=pushed)
    assay("apply", "one", cwd=pushed)
    assert (pushed / "model.bin").read_text().endswith("0.3\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("-w", "--grace", "1d"), 254, "--grace is for --remote."),
        (("--remote", "nowhere"), 251, "nowhere"),
        (("--remote", "--grace", "soon"), 251, "--grace cannot be 'soon'"),
        (("--remote", "--empty-trash"), 254, "--empty-trash and -p are about the cache"),
        (("--remote", "-n", "0"), 254, "-n takes a number from 1 upwards, not 0."),
        (("-w", "--not-in-remote", "-r", "nowhere"), 251, "nowhere"),
        (("-w", "--not-in-remote"), 255, "holds nothing that assay wrote"),
    ],
)
def test_a_remote_that_cannot_be_asked_takes_nothing(pushed, assay, tmp_path, words, code, says):
    (tmp_path / "remote").rename(tmp_path / "gone")
    before = sorted(path for path in (pushed / ".assay/cache").rglob("*") if path.is_file())
    said = assay("gc", "-f", *words, cwd=pushed, code=code)
    assert says in said.err
    assert said.err.count("\n") <= 2
    assert sorted(path for path in (pushed / ".assay/cache").rglob("*") if path.is_file()) == before
