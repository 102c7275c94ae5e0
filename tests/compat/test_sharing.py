"""Sharing through a folder and through a real S3 server, by the command line, with real Git as judge."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from assay.engine.store.digest import digest_bytes
from tests.programs import ROOT, find_bubblewrap


@pytest.fixture(params=["folder", "s3"])
def shared(request, tmp_path, assay, project):
    """A project with three experiments and a default remote; returns the words that clone it."""
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    (project / "notes.py").write_text("x = 1\n")
    assay("save", "-n", "three", cwd=project)
    if request.param == "folder":
        (tmp_path / "shared").mkdir()
        assay("remote", "add", "-d", "team", str(tmp_path / "shared"), cwd=project)
        return [str(tmp_path / "shared")]
    url, settings = request.getfixturevalue("s3")
    assay("remote", "add", "-d", "team", url, cwd=project)
    for key, value in settings.items():
        assay("config", "--local", f"remote.team.{key}", value, cwd=project)
    return [url, *(word for key, value in settings.items() for word in ("--option", f"{key}={value}"))]


def shown(assay, folder):
    return json.loads(assay("show", "--json", "--hide-workspace", cwd=folder).out)["baselines"]


def test_a_clone_has_everything_and_real_git_agrees(shared, assay, git, project, tmp_path):
    assay("push", cwd=project)
    url, *options = shared
    assay("clone", url, "elsewhere", *options, cwd=tmp_path)
    clone = tmp_path / "elsewhere"
    assert git("fsck", "--strict", "--no-dangling", cwd=clone) == ""
    assert git("status", "--porcelain=v2", cwd=clone) == ""
    refs = ("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", "refs/heads")
    assert git(*refs, cwd=clone) == git(*refs, cwd=project)
    assert shown(assay, clone) == shown(assay, project)
    for name in ("one", "two", "three"):
        assay("apply", name, cwd=clone)
        assay("apply", name, cwd=project)
        row = next(row for row in shown(assay, clone)[0]["experiments"] if row["name"] == name)
        assert digest_bytes("xxh128", (clone / "model.bin").read_bytes()).text == row["outs"]["model.bin"]["digest"]
        for path in ("model.bin", "data/upper.txt", "data/deep/count.txt", "params.yaml", "metrics.json"):
            assert (clone / path).read_bytes() == (project / path).read_bytes()


def test_pushing_again_sends_nothing(shared, assay, project):
    assay("push", cwd=project)
    assert "up to date" in assay("push", cwd=project).out


def test_two_people_share_experiments(shared, assay, project, tmp_path):
    assay("push", cwd=project)
    url, *options = shared
    assay("clone", url, "ann", *options, cwd=tmp_path)
    assay("run", "-n", "from-ann", "-S", "train.lr=0.9", cwd=tmp_path / "ann")
    assay("push", cwd=tmp_path / "ann")
    assay("pull", cwd=project)
    assert {row["name"] for row in shown(assay, project)[0]["experiments"]} == {"one", "two", "three", "from-ann"}
    assay("apply", "from-ann", cwd=project)
    assert "lr: 0.9" in (project / "params.yaml").read_text()


@pytest.mark.law(3)
def test_a_damaged_remote_object_is_named_and_nothing_wrong_arrives(assay, project, tmp_path):
    assay("run", "-n", "one", cwd=project)
    assay("remote", "add", "-d", "team", str(tmp_path / "shared"), cwd=project)
    (tmp_path / "shared").mkdir()
    assay("push", cwd=project)
    for pack in (tmp_path / "shared/packs").iterdir():
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 0xFF
        os.chmod(pack, 0o644)
        pack.write_bytes(data)
    said = assay("clone", str(tmp_path / "shared"), "elsewhere", cwd=tmp_path, code=None)
    assert said.code != 0
    assert "error: " in said.err
    clone = tmp_path / "elsewhere"
    if clone.exists():
        assert assay("apply", "one", cwd=clone, code=None).code != 0
        assert not (clone / "model.bin").exists()


def test_a_remote_that_may_only_be_read_says_so(s3_server, s3, assay, project):
    assay("run", "-n", "one", cwd=project)
    url, _ = s3
    assay("remote", "add", "-d", "team", url, cwd=project)
    for key, value in s3_server.settings(read_only=True).items():
        assay("config", "--local", f"remote.team.{key}", value, cwd=project)
    said = assay("push", cwd=project, code=255)
    assert "error: " in said.err
    assert url.partition("//")[2].partition("/")[0] in said.err


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [("/nowhere/at/all", 255, "/nowhere/at/all"), ("ftp://x/y", 254, "ftp"), ("s3://user:hunter2@b/p", 254, "")],
)
def test_a_remote_that_cannot_be_used_is_named(assay, project, url, code, says):
    said = assay("remote", "add", "-d", "team", url, cwd=project, code=None)
    if said.code == 0:
        said = assay("pull", cwd=project, code=None)
    assert said.code == code, said
    assert says in said.err
    assert "hunter2" not in said.err


def test_without_a_remote_push_says_how_to_add_one(assay, project):
    assay("run", "-n", "one", cwd=project)
    assert "assay remote add" in assay("push", cwd=project, code=251).err


FILL_AND_RUN = """\
cp -r /project /small/p && cd /small/p || exit
head -c 6000000 /dev/urandom > raw.txt
head -c 9000000 /dev/zero > /small/ballast 2>/dev/null
"$PYTHON" -m assay run -n two -S train.lr=0.5
echo code=$?
rm /small/ballast
printf 'hello\\n' > raw.txt
"$PYTHON" -m assay run -n three -S train.lr=0.5 && cp -r /small/p /outside/
"""


@pytest.mark.slow
@pytest.mark.law(1)
def test_a_full_disk_is_one_sentence_and_the_next_command_works(assay, project, git, tmp_path):
    bubblewrap = find_bubblewrap()
    if bubblewrap is None:
        pytest.skip("needs bubblewrap")
    assay("run", "-n", "one", cwd=project)
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "script.sh").write_text(FILL_AND_RUN)
    words = [bubblewrap, "--dev-bind", "/", "/", "--size", "9000000", "--tmpfs", "/small"]
    words += ["--bind", str(project), "/project", "--bind", str(outside), "/outside"]
    env = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*words, "sh", str(tmp_path / "script.sh")], capture_output=True, text=True, env=env, check=False
    )
    assert "code=255" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "space left" in done.stderr
    assert "Experiment three" in done.stdout
    assert git("fsck", "--strict", "--no-dangling", cwd=outside / "p") == ""
