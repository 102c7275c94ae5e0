"""`fsck --remote` as it is typed: what is printed, the exit code, and that the other verbs say so too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Assay = Callable[..., Any]


@pytest.fixture
def pushed(project: Path, assay: Assay, tmp_path: Path) -> Path:
    """A project with an experiment and a remote that has it."""
    assay("run", "-n", "one", cwd=project)
    assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=project)
    assay("push", cwd=project)
    return project


@pytest.fixture
def dvc_pushed(tmp_path: Path, assay: Assay) -> Path:
    """A project of DVC's kind with a folder of data, and a remote that has it."""
    root = tmp_path / "dvcproject"
    (root / "data").mkdir(parents=True)
    for name in ("a", "b"):
        (root / f"data/{name}.txt").write_text(f"content of {name}")
    assay("init", "--dvc", cwd=root)
    assay("add", "data", cwd=root)
    assay("baseline", "-m", "first", cwd=root)
    assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=root)
    assay("save", "-n", "one", cwd=root)
    assay("push", cwd=root)
    return root


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.is_file())


def test_a_whole_remote_is_in_order(pushed: Path, assay: Assay) -> None:
    assert assay("fsck", "--remote", cwd=pushed).out == "Everything is in order.\n"
    assert json.loads(assay("fsck", "--remote", "team", "--json", cwd=pushed).out) == {
        "schema": 1, "bad": [], "absent": 0,
    }  # fmt: skip


def test_damage_is_told_with_whose_it_is_and_mended(pushed: Path, assay: Assay, tmp_path: Path) -> None:
    pack = max(files(tmp_path / "remote", "packs/*.pack"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[10] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    assert assay("fsck", "--remote", "--fast", cwd=pushed).out == "Everything is in order.\n", "names and sizes are"
    said = assay("fsck", "--remote", cwd=pushed, code=1).out
    assert f"pack packs/{pack.name}: packs/{pack.name} is damaged" in said
    assert "needed by one: data" in said
    (bad,) = json.loads(assay("fsck", "--remote", "--json", cwd=pushed, code=1).out)["bad"]
    assert (bad["kind"], bad["name"], bad["repaired"]) == ("pack", f"packs/{pack.name}", False)
    said = assay("fsck", "--remote", "--repair", cwd=pushed).out
    assert "(repaired)" in said
    assert said.endswith("Everything is in order now.\n")
    (aside,) = files(tmp_path / "remote", "quarantine/packs/*")
    assert aside.read_bytes() == bytes(data)
    assert assay("fsck", "--remote", cwd=pushed).out == "Everything is in order.\n"


def test_what_nobody_here_has_is_told_with_who_may_have_it(pushed: Path, assay: Assay, tmp_path: Path) -> None:
    assay("clone", str(tmp_path / "remote"), "other", cwd=tmp_path)
    for folder in ("packs", "objects"):
        for path in files(tmp_path / "remote", f"{folder}/**/*"):
            path.unlink()
    for path in files(tmp_path / "other", ".assay/cache/packs/*.pack"):
        path.unlink()
    said = assay("fsck", "--remote", "--repair", cwd=tmp_path / "other", code=1).out
    assert "Nobody here has" in said
    assert "A U Thor <author@example.com> made what needs it and may have it" in said
    assert assay("fsck", "--remote", "--repair", cwd=pushed).out.endswith("Everything is in order now.\n")
    assert assay("fsck", "--remote", cwd=tmp_path / "other").out == "Everything is in order.\n"


def test_in_dvc_s_layout_a_listing_is_no_proof_of_its_files(dvc_pushed: Path, assay: Assay, tmp_path: Path) -> None:
    here, remote = dvc_pushed, tmp_path / "remote"
    [gone] = [path for path in files(remote, "files/md5/*/*") if path.read_bytes() == b"content of b"]
    gone.unlink()
    for words in (("fsck", "--remote"), ("fsck", "--remote", "--fast")):
        said = assay(*words, cwd=here, code=1).out
        assert f"md5:{gone.parent.name}{gone.name} is not on the remote" in said
        assert "needed by one: data" in said
    other = tmp_path / "other"
    said = assay("clone", str(remote), str(other), code=255).err
    assert f"{gone.parent.name}{gone.name} is not on the remote" in said
    assert assay("push", cwd=here).out.startswith("Pushed")
    assert assay("pull", cwd=other).code == 0
    assert (other / "data/b.txt").read_text() == "content of b"


@pytest.mark.parametrize("what", ["a file", "the listing"])
def test_in_dvc_s_layout_damage_is_mended(dvc_pushed: Path, assay: Assay, tmp_path: Path, what: str) -> None:
    here, remote = dvc_pushed, tmp_path / "remote"
    [path] = [one for one in files(remote, "files/md5/*/*") if (one.suffix == ".dir") == (what == "the listing")][-1:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    said = assay("fsck", "--remote", cwd=here, code=1).out
    assert path.name in said
    assert "needed by one: data" in said
    said = assay("clone", str(remote), str(tmp_path / "before"), code=255).err
    assert "is damaged: its content is not what its name says" in said
    assert assay("fsck", "--remote", "--repair", cwd=here).out.endswith("Everything is in order now.\n")
    assert files(remote, "quarantine/files/md5/*/*")
    assay("clone", str(remote), str(tmp_path / "after"))
    assert (tmp_path / "after/data/a.txt").read_text() == "content of a"


def test_bad_input_is_one_sentence(project: Path, assay: Assay, tmp_path: Path) -> None:
    for words, code, part in (
        (("fsck", "--fast"), 254, "--fast goes with --remote"),
        (("fsck", "--remote"), 251, "no remote"),
        (("fsck", "--remote", "nowhere"), 251, "no remote"),
    ):
        said = assay(*words, cwd=project, code=code)
        assert part in said.err
        assert said.err.startswith("error: ")
    assay("remote", "add", "-d", "team", str(tmp_path / "empty"), cwd=project)
    assert "holds nothing that assay wrote" in assay("fsck", "--remote", "--repair", cwd=project, code=255).err
    assert not (tmp_path / "empty").exists()
