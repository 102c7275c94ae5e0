"""Bad input to the data verbs gets one sentence, the right exit code, and changes nothing."""

from __future__ import annotations

import os

import pytest

from tests.filetree import picture

BAD = f"outs:\n- md5: {'a' * 32}\n  path: x\n"


@pytest.fixture
def data(assay, project):
    """A project with tracked data, edited since."""
    (project / "raw").mkdir()
    (project / "raw/a").write_text("1")
    (project / "one").write_text("1")
    assay("add", "raw", "one", cwd=project)
    assay("baseline", "-m", "data", cwd=project)
    (project / "raw/a").write_text("edited")
    return project


@pytest.fixture
def refused(assay):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(project, code, *words, says=(), cwd=None):
        before = picture(project)
        said = assay(*words, cwd=cwd or project, code=code)
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, said.err
        assert not said.out
        for word in says:
            assert word in said.err, said.err
        assert picture(project) == before

    return check


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (254, ["add"], ["PATH"]),
        (255, ["add", "nothing"], ["nothing", "does not exist"]),
        (254, ["add", "."], ["itself"]),
        (254, ["add", "../away"], ["outside"]),
        (254, ["add", ".git/config"], ["Git"]),
        (254, ["add", ".assay"], ["assay"]),
        (254, ["add", "dvc.yaml"], ["dvc.yaml"]),
        (254, ["add", "raw.dvc"], ["raw.dvc"]),
        (1, ["add", "raw.txt"], ["tracked by Git", "assay baseline"]),
        (1, ["add", "model.bin"], ["stage train"]),
        (254, ["add", "--glob", "*.none"], ["matches"]),
        (254, ["add", "-f", "raw"], ["--out"]),
        (254, ["add", "raw", "one", "--out", "x"], ["one path"]),
        (254, ["add", "raw", "--out", "x", "--no-commit"], ["--no-commit"]),
        (254, ["add", "raw", "one", "--file", "x.dvc"], ["--file"]),
        (1, ["add", "raw", "--file", "x.dvc"], ["raw.dvc"]),
        (255, ["add", "/nowhere/at/all", "--out", "x"], ["/nowhere/at/all"]),
        (1, ["add", "/etc/passwd", "--out", "one"], ["exists", "-f"]),
        (1, ["checkout"], ["raw/a", "--force"]),
        (255, ["checkout", "nothing"], ["nothing"]),
        (255, ["checkout", "raww"], ["raww", "raw"]),
        (255, ["checkout", "raw/nothing"], ["raw/nothing"]),
        (254, ["checkout", "../x"], ["outside"]),
        (254, ["checkout", ""], ["''"]),
        (254, ["checkout", "--nothing"], ["--nothing"]),
        (255, ["checkout", "model.bin"], ["Nothing is recorded"]),
        (255, ["commit", "nothing"], ["nothing"]),
        (255, ["commit", "gone"], ["gone"]),
        (254, ["data"], ["status"]),
        (254, ["data", "nothing"], ["nothing"]),
        (255, ["data", "status", "nothing"], ["nothing"]),
        (254, ["data", "status", "--untracked-files=some"], ["some"]),
        (255, ["data", "ls", "nothing"], ["nothing"]),
        (255, ["data", "ls", "--rev", "nothing"], ["nothing"]),
        (255, ["data", "diff", "nothing"], ["nothing"]),
        (255, ["data", "diff", "--targets", "nothing"], ["nothing"]),
        (254, ["data", "move", "raw"], ["DST"]),
        (255, ["data", "move", "nothing", "x"], ["nothing"]),
        (254, ["data", "move", "model.bin", "x"], ["train"]),
        (1, ["data", "move", "raw", "one"], ["one"]),
        (1, ["data", "move", "raw/a", "x"], ["raw"]),
        (254, ["data", "move", "raw", "../x"], ["outside"]),
        (254, ["data", "remove"], ["TARGET"]),
        (255, ["data", "remove", "nothing"], ["nothing"]),
        (254, ["data", "remove", "raw.dvc", "train"], ["stage"]),
        (1, ["data", "remove", "raw/a"], ["raw"]),
        (254, ["unprotect"], ["TARGET"]),
        (255, ["unprotect", "nothing"], ["nothing"]),
        (255, ["unprotect", "gone"], ["gone"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_that_make_no_sense(assay, refused, data, code, words, says):
    if "gone" in words:
        (data / "gone").write_text("")
        assay("add", "gone", cwd=data)
        (data / "gone").unlink()
    refused(data, code, *words, says=says)


VERBS = [["add", "raw"], ["checkout", "-f"], ["commit"], ["data", "status"], ["data", "ls"], ["data", "diff"],
         ["data", "remove", "raw"], ["data", "move", "raw", "x"], ["unprotect", "raw"]]  # fmt: skip


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_damaged_data_file_is_named(refused, data, words):
    (data / "bad.dvc").write_text("outs:\n- path: [\n")
    refused(data, 255, *words, says=["bad.dvc", "line"])


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_outside_a_project(assay, tmp_path, words):
    assay(*words, cwd=tmp_path, code=253)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("outs:\n- path: .git/hooks/x\n", "inside the project"),
        ("outs:\n- path: x\n  mdd5: a\n", "mdd5"),
        ("cmd: x\n", "cmd"),
        ("outs:\n- path: x\n  cache: 1\n", "true or false"),
        ("- x\n", "map"),
    ],
)
def test_a_data_file_that_lies(refused, data, text, says):
    (data / "bad.dvc").write_text(text)
    refused(data, 255, "checkout", "-f", says=["bad.dvc", says])


def test_a_data_file_that_tracks_what_lies_outside(refused, assay, data):
    (data / "bad.dvc").write_text("outs:\n- path: ../../x\n")
    refused(data, 1, "checkout", "-f", "bad.dvc", says=["bad.dvc", "../../x", "outside"])
    assert "bad.dvc tracks ../../x, which lies outside the project; it stays" in assay("checkout", "-f", cwd=data).err
    assert not (data.parent.parent / "x").exists()


def test_two_records_of_one_path(refused, data):
    (data / "other.dvc").write_text((data / "raw.dvc").read_text())
    refused(data, 255, "checkout", "-f", says=["raw"])


def test_commit_refuses_to_claim_a_run(assay, refused, data):
    assay("run", "-n", "one", cwd=data)
    (data / "train.sh").write_text("exit 1\n")
    refused(data, 1, "commit", says=["train", "-f"])
    assay("commit", "-f", cwd=data)


def test_missing_content_is_named_and_the_rest_is_done(assay, data):
    assay("add", "raw", cwd=data)
    with open(data / "large", "wb") as file:
        file.write(os.urandom(300_000))
    assay("add", "large", cwd=data)
    for path in (data / ".assay/cache/xxh128").rglob("*"):
        if path.is_file():
            path.unlink()
    (data / "large").unlink()
    (data / "one").unlink()
    said = assay("checkout", cwd=data, code=255)
    assert "large" in said.err
    assert "assay pull" in said.err
    assert "A\tone" in said.out
    said = assay("checkout", "--allow-missing", "--summary", cwd=data)
    assert "large" in said.err


def test_verbs_work_from_a_folder_below(assay, data):
    (data / "sub").mkdir()
    (data / "sub/x").write_text("x")
    assay("add", "x", "../raw", cwd=data / "sub")
    assert (data / "sub/x.dvc").exists()
    (data / "sub/x").unlink()
    assert "sub/x" in assay("checkout", "x", cwd=data / "sub").out
    assert "sub/x" in assay("data", "ls", ".", cwd=data / "sub").out
    assert "sub/y" in assay("data", "move", "x", "y", cwd=data / "sub").out
    assert "sub/y.dvc" in assay("data", "remove", str(data / "sub/y"), cwd=data / "sub").out


def test_a_command_that_waits_for_nobody(assay, data):
    lock = data / ".git/assay"
    lock.mkdir(exist_ok=True)
    from assay.engine.locks import FileLock

    with FileLock(str(lock / "workspace.lock"), what="The workspace", command="another", wait=0):
        for words in (
            ["add", "raw"],
            ["checkout"],
            ["commit"],
            ["data", "remove", "raw"],
            ["data", "move", "raw", "x"],
        ):
            assert "another" in assay(*words, cwd=data, code=255).err
        assay("data", "status", cwd=data)
        assay("data", "diff", cwd=data)
        assay("data", "ls", cwd=data)
