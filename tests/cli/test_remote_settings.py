"""``assay remote``: settings of remotes, their names, and where secrets go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path, assay: Run) -> Path:
    """A project with two remotes."""
    (tmp_path / "p").mkdir()
    assay("init", cwd=tmp_path / "p")
    assay("remote", "add", "-d", "team", "s3://bucket/team", cwd=tmp_path / "p")
    assay("remote", "add", "backup", str(tmp_path / "backup"), cwd=tmp_path / "p")
    return tmp_path / "p"


def test_the_list_names_the_default(root: Path, assay: Run) -> None:
    assert assay("remote", "list", cwd=root).out == f"team\ts3://bucket/team\t(default)\nbackup\t{root.parent}/backup\n"


def test_a_setting_is_written_and_taken_away(root: Path, assay: Run) -> None:
    before = (root / ".assay/config").read_text()
    assay("remote", "modify", "team", "endpointurl", "http://localhost:9", cwd=root)
    assert "    endpointurl = http://localhost:9\n" in (root / ".assay/config").read_text()
    assay("remote", "modify", "team", "endpointurl", "--unset", cwd=root)
    assert (root / ".assay/config").read_text() == before


def test_a_url_is_relative_to_where_it_was_typed(root: Path, assay: Run) -> None:
    (root / "sub").mkdir()
    assay("remote", "modify", "backup", "url", "../../other", cwd=root / "sub")
    assert f"backup\t{root.parent}/other" in assay("remote", "list", cwd=root).out


def test_a_secret_goes_into_the_file_that_is_never_shared(root: Path, assay: Run) -> None:
    before = (root / ".assay/config").read_text()
    said = assay("remote", "modify", "team", "secret_access_key", "xyz", cwd=root)
    assert "is a secret: it goes into .assay/config.local" in said.err
    assay("config", "remote.team.session_token", "abc", cwd=root)
    assert (root / ".assay/config").read_text() == before
    local = (root / ".assay/config.local").read_text()
    assert "secret_access_key = xyz" in local
    assert "session_token = abc" in local
    assay("remote", "modify", "team", "secret_access_key", "--unset", cwd=root)
    assert "xyz" not in (root / ".assay/config.local").read_text()


def test_one_level_can_be_named(root: Path, assay: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assay("remote", "modify", "team", "region", "eu", "--local", cwd=root)
    assay("remote", "modify", "team", "profile", "me", "--global", cwd=root)
    assert "region = eu" in (root / ".assay/config.local").read_text()
    [path] = [path for path in tmp_path.glob("**/config") if "profile = me" in path.read_text()]
    assert root not in path.parents


def test_a_new_name_takes_secrets_and_the_default_along(root: Path, assay: Run) -> None:
    assay("remote", "modify", "team", "session_token", "abc", cwd=root)
    assay("remote", "rename", "team", "crew", cwd=root)
    assert "crew\ts3://bucket/team\t(default)\n" in assay("remote", "list", cwd=root).out
    assert "['remote \"crew\"']\n    session_token = abc\n" in (root / ".assay/config.local").read_text()


def test_a_remote_that_is_removed_is_in_no_file(root: Path, assay: Run) -> None:
    assay("remote", "modify", "team", "session_token", "abc", cwd=root)
    assay("remote", "remove", "team", cwd=root)
    assert "team" not in (root / ".assay/config").read_text() + (root / ".assay/config.local").read_text()
    assert assay("remote", "list", cwd=root).out == f"backup\t{root.parent}/backup\t(default)\n"


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (251, ["modify", "nosuch", "url", "x"], "no remote 'nosuch'"),
        (251, ["modify", "team", "nonsense", "x"], "'nonsense', which is not supported"),
        (251, ["modify", "team", "jobs", "many"], "must be a whole number"),
        (251, ["modify", "team", "region", "--unset"], "is not set in"),
        (254, ["modify", "team", "region"], "--unset"),
        (254, ["modify", "team", "region", "x", "--unset"], "--unset"),
        (251, ["modify", "team", "session_token", "x", "--project"], "is a secret"),
        (254, ["modify", "team", "url", "s3://key:word@bucket/x"], ""),
        (251, ["rename", "nosuch", "x"], "doesn't exist"),
        (251, ["rename", "team", "backup"], "already exists"),
        (254, ["rename", "team", "a/b"], "cannot be the name"),
        (251, ["remove", "nosuch"], "doesn't exist"),
        (254, ["modify"], "required"),
        (254, ["nonsense"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    root: Path, assay: Run, code: int, words: list[str], says: str
) -> None:
    before = (root / ".assay/config").read_bytes()
    said = assay("remote", *words, cwd=root, code=code)
    assert says in said.err
    assert "key:word" not in said.err
    assert said.err.count("error: ") == 1
    assert (root / ".assay/config").read_bytes() == before
    assert not (root / ".assay/config.local").exists()
