"""Converted projects, judged by real DVC: what it reads is up to date, and so is what it made once converted."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil

import pytest
import yaml

from tests import projects


@pytest.fixture
def native(tmp_path, assay):
    """A native project with data of odd names, an experiment, and uncached metrics."""
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    (folder / "pics/ü b").mkdir(parents=True)
    (folder / "pics/ü b/ä.txt").write_text("a\r\nb\n")
    (folder / "pics/empty").write_text("")
    assay("add", "pics", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    assay("run", "-n", "one", "-S", "train.lr=0.2", cwd=folder)
    assay("baseline", "-m", "second", "--from", "one", cwd=folder)
    return folder


def test_dvc_finds_everything_up_to_date_and_can_go_on(native, assay, dvc_process):
    assay("convert", "--to", "dvc", cwd=native)
    assert dvc_process.run(native, "status").out == "Data and pipelines are up to date.\n"
    assay("baseline", "-m", "from now on with DVC", cwd=native)
    shutil.rmtree(native / "pics")
    shutil.rmtree(native / "data")
    done = dvc_process.run(native, "checkout")
    assert done.code == 0, done.err
    assert (native / "pics/ü b/ä.txt").read_bytes() == b"a\r\nb\n"
    before = (native / "dvc.lock").read_bytes()
    assert dvc_process.repro(native) == []
    assert (native / "dvc.lock").read_bytes() == before
    assert dvc_process.repro(native, force=True) == ["prepare", "train"]
    assert (native / "dvc.lock").read_bytes() == before


def test_dvc_shows_the_experiments_of_both_times(native, assay, dvc_process):
    assay("convert", "--to", "dvc", cwd=native)
    assay("baseline", "-m", "third", cwd=native)
    assay("run", "-n", "later", "-S", "train.lr=0.3", cwd=native)
    shown = dvc_process.run(native, "exp", "show", "--csv")
    assert shown.code == 0, shown.err
    rows = {row["Experiment"]: row for row in csv.DictReader(io.StringIO(shown.out))}
    assert rows["later"]["train.lr"] == "0.3"
    assert rows["later"]["acc"] == "0.3"
    assert set(dvc_process.run(native, "exp", "list", "-A", "--name-only").out.split()) == {"later", "one"}


def test_dvcs_own_project_becomes_native_and_dvcs_again(dvc_process, assay):
    root = dvc_process.new()
    try:
        projects.write(root)
        (root / "data file").write_text("1\r\n")
        for words in (["add", "data file"], ["repro"], ["config", "cache.type", "hardlink"]):
            done = dvc_process.run(root, *words)
            assert done.code == 0, done.err
        before = (root / "dvc.lock").read_bytes()
        tracked = yaml.safe_load((root / "data file.dvc").read_text())
        objects = {path for path in (root / ".dvc/cache").rglob("*") if path.is_file()}
        assay("convert", "--to", "native", cwd=root)
        assert objects <= {path for path in (root / ".dvc/cache").rglob("*") if path.is_file()}
        assert "Stages that would run" not in assay("status", cwd=root).out
        assert "type = hardlink" in (root / ".assay/config").read_text()
        shutil.rmtree(root / "data")
        (root / "data file").unlink()
        assay("checkout", cwd=root)
        assert (root / "data file").read_bytes() == b"1\r\n"
        assay("convert", "--to", "dvc", cwd=root)
        assert (root / "dvc.lock").read_bytes() == before
        assert yaml.safe_load((root / "data file.dvc").read_text()) == tracked
        assert dvc_process.run(root, "status").out == "Data and pipelines are up to date.\n"
        assert dvc_process.run(root, "gc", "-w", "-f").code == 0
        assert dvc_process.run(root, "status").out == "Data and pipelines are up to date.\n"
    finally:
        dvc_process.drop(root)


def test_what_dvc_2_recorded_gets_dvc_3s_name(dvc_process, assay):
    root = dvc_process.new()
    try:
        (root / "old.txt").write_bytes(b"a\r\nb\n")
        digest = hashlib.md5(b"a\nb\n").hexdigest()
        (root / "old.txt.dvc").write_text(f"outs:\n- md5: {digest}\n  size: 6\n  path: old.txt\n")
        (root / ".gitignore").write_text("/old.txt\n")
        (root / ".dvc/cache" / digest[:2]).mkdir(parents=True)
        (root / ".dvc/cache" / digest[:2] / digest[2:]).write_bytes(b"a\r\nb\n")
        assert dvc_process.run(root, "status").out == "Data and pipelines are up to date.\n"
        assay("convert", "--to", "dvc", cwd=root)
        out = yaml.safe_load((root / "old.txt.dvc").read_text())["outs"][0]
        assert (out["hash"], out["md5"]) == ("md5", hashlib.md5(b"a\r\nb\n").hexdigest())
        assert dvc_process.run(root, "status").out == "Data and pipelines are up to date.\n"
        (root / "old.txt").unlink()
        assert dvc_process.run(root, "checkout").code == 0
        assert (root / "old.txt").read_bytes() == b"a\r\nb\n"
    finally:
        dvc_process.drop(root)


def test_dvcs_gc_leaves_what_only_assay_needs(native, assay, dvc_process):
    assay("convert", "--to", "dvc", cwd=native)
    dvc_process.run(native, "gc", "-w", "-f")
    assay("apply", "one", cwd=native)
    shutil.rmtree(native / "pics")
    assay("checkout", cwd=native)
    assert (native / "pics/empty").exists()
