"""Imports from repositories whose files say odd things: all of it comes and is true, or one sentence says why not."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.filetree import picture, write

CONTENT = "hello"
MD5 = hashlib.md5(CONTENT.encode(), usedforsecurity=False).hexdigest()


def tracking(path, *more):
    return f"outs:\n- md5: {MD5}\n  hash: md5\n  path: {path}\n" + "".join(f"  {line}\n" for line in more)


@pytest.fixture
def stranger(tmp_path, git):
    """A repository with data; its cache lies beside it."""
    root = tmp_path / "stranger"
    files = {
        ".dvc/config": "",
        "d/plain": "plain",
        "d/sized.dvc": tracking("sized", "size: 12345"),
        "d/bare.dvc": tracking("bare"),
    }
    write(root, files)
    git("init", "-q", cwd=root)
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    write(root, {f".dvc/cache/files/md5/{MD5[:2]}/{MD5[2:]}": CONTENT})
    return root


@pytest.fixture
def ours(tmp_path, git, assay_dvc):
    root = tmp_path / "ours"
    root.mkdir()
    git("init", "-q", cwd=root)
    assay_dvc("init", cwd=root)
    return root


@pytest.fixture
def refused(assay_dvc, ours):
    """Runs a command line, which must fail with these words, in one sentence, and change nothing."""

    def check(words, says, code=1):
        before = picture(ours)
        said = assay_dvc(*words, cwd=ours, code=code)
        assert says in said.err
        assert "mistake in assay" not in said.err
        assert picture(ours) == before
        assert not list((ours / ".dvc/tmp/assay").glob("source-*"))
        return said

    return check


def commit(git, root, files):
    write(root, files)
    git("add", "-A", "-f", "d", ".dvc/config", cwd=root)
    git("commit", "-q", "-m", "more", cwd=root)


def test_sizes_are_those_of_the_data_and_not_what_somebody_wrote(stranger, ours, assay_dvc):
    for name in ("sized", "bare"):
        assay_dvc("import", "../stranger", f"d/{name}", cwd=ours)
        assert "size: 5\n" in (ours / f"{name}.dvc").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (tracking("odd", "nonsense: 1"), "d/odd.dvc cannot be understood"),
        ("outs:\n- hash: md5\n  path: odd\n", "d/odd was imported there and never brought"),
    ],
)
def test_a_folder_of_which_a_part_cannot_be_known_does_not_come_as_if_it_were_all(
    stranger, refused, assay_dvc, ours, git, text, says
):
    commit(git, stranger, {"d/odd.dvc": text})
    refused(["import", "../stranger", "d"], says)
    refused(["get", "../stranger", "d"], says)
    refused(["import", "../stranger", "d/odd"], says)
    assay_dvc("import", "../stranger", "d/bare", cwd=ours)
    assay_dvc("import", "../stranger", "d/plain", cwd=ours)


def test_no_program_runs_that_a_repository_names(stranger, refused, git, tmp_path):
    ran = tmp_path / "ran"
    config = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://b\n    endpointurl = http://127.0.0.1:1\n"
    aws = f"[default]\nregion = x\ncredential_process = touch {ran}\n"
    commit(git, stranger, {".dvc/config": f"{config}    configpath = ../d/aws\n", "d/aws": aws, ".dvc/cache": None})
    refused(["get", "../stranger", "d/bare"], "has a program run")
    refused(["import", "../stranger", "d/bare"], "has a program run")
    assert not ran.exists()


def test_passwords_are_neither_shown_nor_written_without_a_word(refused):
    said = refused(["import", "http://ann:s3cr3t@127.0.0.1:1/r.git", "x"], "cannot be reached")
    assert "The URL's password is written" in said.err
    assert "s3cr3t" not in said.out + said.err
    said = refused(["import", "git://ann:s3cr3t@127.0.0.1:1/r", "x"], "cannot be reached")
    assert "s3cr3t" not in said.out + said.err


@pytest.mark.parametrize(
    "words",
    [
        ["import", "git://a..b/r", "x"],
        ["import", "http://[::1/r", "x"],
        ["import", "ext::sh -c true", "x"],
        ["get", "http://[::1/r", "x"],
        ["import-url", "http://[::1/x"],
        ["get-url", "http://[::1/x", "there"],
    ],
)
def test_addresses_that_are_none_are_a_sentence_and_leave_nothing(refused, words):
    refused(words, "")


@pytest.mark.parametrize(
    "settings",
    [
        {"config": {"remote": 5}},
        {"config": {"remote": {"a": [1]}}},
        {"config": {"core": {"remote": [1]}}},
        {"config": {"remote": {"a": {"url": 7}}}, "remote": "a"},
        {"remote": {"url": "ext://x"}},
        {"remote": {"url": "http://[::1/x"}},
        {"remote": {"url": 5}},
    ],
)
def test_settings_of_an_import_that_are_none_are_a_sentence(stranger, ours, refused, settings):
    write(stranger, {".dvc/cache": None})
    dep = json.dumps({"path": "d/bare", "repo": {"url": "../stranger", **settings}})
    write(ours, {"x.dvc": f"deps:\n- {dep}\n{tracking('x')}"})
    refused(["fetch", "x.dvc"], "x")


def test_a_bare_repository_is_listed_by_what_was_committed(stranger, assay_dvc, git, tmp_path):
    git("clone", "-q", "--bare", str(stranger), str(tmp_path / "bare.git"))
    for url in ("bare.git", "bare", (tmp_path / "bare.git").as_uri()):
        said = assay_dvc("list", url, "d", cwd=tmp_path).out
        assert said.split() == ["bare", "bare.dvc", "plain", "sized", "sized.dvc"]
    assay_dvc("get", (tmp_path / "bare.git").as_uri(), "d/plain", cwd=tmp_path)
    assert (tmp_path / "plain").read_text() == "plain"
