"""Bad input to `import-url`, `update`, `get-url` and `list-url`: one sentence, the right code, and nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture, write
from tests.httpserver import serving


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        yield found


@pytest.fixture
def data(assay, assay_dvc, project, tmp_path):
    """A project with an import, added data, and files elsewhere."""
    write(tmp_path, {"else/f": "1\n", "else/d/a": "1\n", "else/odd/.dvcignore": "x\n", "else/broken": None})
    (tmp_path / "else/d2").mkdir()
    (tmp_path / "else/d2/broken").symlink_to("nowhere")
    write(project, {"raw/a": "1", "sub/k": "k"})
    assay("add", "raw", cwd=project)
    assay_dvc("import-url", f"{tmp_path}/else/f", "got", cwd=project)
    assay_dvc("import-url", "--no-exec", f"{tmp_path}/else/gone", "later", cwd=project)
    return project


CASES = [
    (254, ["import-url"], "URL"),
    (1, ["import-url", "{else}/nope"], "does not exist"),
    (1, ["import-url", "{else}/odd"], ".dvcignore"),
    (1, ["import-url", "{else}/d2"], "broken"),
    (1, ["import-url", "{else}/f", "got"], "already exists"),
    (1, ["import-url", "{else}/f", "raw/x"], "raw.dvc tracks as a whole"),
    (1, ["import-url", "-f", "{else}/f", "raw.txt"], "tracked by Git"),
    (1, ["import-url", "-f", "{else}/f", "model.bin"], "stage train"),
    (1, ["import-url", "{else}/f", "no/such/place"], "no/such: does not exist"),
    (1, ["import-url", "{else}/f", "../out"], "outside"),
    (1, ["import-url", "{else}/f", ".git/x"], "Git"),
    (1, ["import-url", "sub", "sub/inner"], "where it is itself"),
    (1, ["import-url", "{else}/f", "x", "--jobs", "0"], "--jobs"),
    (1, ["import-url", "{else}/f", "x", "-r", "up"], "--to-remote"),
    (1, ["import-url", "{else}/f", "x", "--to-remote", "--no-download"], "--to-remote"),
    (1, ["import-url", "{else}/f", "x", "--to-remote"], "remote"),
    (254, ["import-url", "{else}/f", "x", "--no-exec", "--no-download"], "not allowed"),
    (254, ["import-url", "{else}/f", "x", "--fs-config", "a"], "NAME=VALUE"),
    (1, ["import-url", "--version-aware", "{server}/etag/x"], "versions"),
    (1, ["import-url", "{server}/missing/x"], "does not exist"),
    (1, ["import-url", "{server}/forbidden/x"], "refused"),
    (1, ["import-url", "http://ann:s3cr3t@127.0.0.1/x"], "credentials"),
    (1, ["import-url", "foo://bar/x"], "foo://"),
    (1, ["import-url", "s3://bucket"], "no name"),
    (1, ["import-url", "remote://nope/x"], "no remote 'nope'"),
    (1, ["import-url", "s3://bucket/x?versionId=1"], "version"),
    (1, ["update", "nope.dvc"], "nope.dvc"),
    (1, ["update", "got.dvc", "later.dvc"], "gone: does not exist"),
    (1, ["update", "--rev", "x", "raw.dvc"], "--rev"),
    (1, ["update", "-r", "up", "got.dvc"], "--to-remote"),
    (1, ["get-url", "{else}/nope"], "does not exist"),
    (1, ["get-url", "{else}/f", "got"], "already exists"),
    (1, ["get-url", "-f", "{else}/d", "got"], "is a file"),
    (1, ["get-url", "{else}/d2", "new/place"], "broken"),
    (1, ["get-url", "{server}/forbidden/x"], "refused"),
    (1, ["get-url", "remote://nope/x"], "no remote 'nope'"),
    (255, ["list-url", "{else}/nope"], "does not exist"),
    (255, ["list-url", "{else}", "-L", "-1"], "--level"),
    (255, ["list-url", "{server}/missing/x"], "does not exist"),
    (251, ["list-url", "remote://nope/x"], "no remote 'nope'"),
]


@pytest.mark.parametrize("verb", ["import-url", "update", "get-url", "list-url"])
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(assay_dvc, data, server, tmp_path, verb):
    before = picture(data)
    for code, words, says in (case for case in CASES if case[1][0] == verb):
        spelled = [word.replace("{else}", f"{tmp_path}/else").replace("{server}", server.url) for word in words]
        said = assay_dvc(*spelled, cwd=data, code=None)
        assert (said.code, says in said.err) == (code, True), (words, said.err)
        assert len([line for line in said.err.splitlines() if line.startswith("ERROR: ")]) == 1, said.err
        assert "mistake in assay" not in said.err
        assert "s3cr3t" not in said.err
        assert picture(data) == before, words


def seen(root):
    """Every file but Git's, where undo records lie."""
    return {path: content for path, content in picture(root).items() if not path.startswith(".git/")}


def test_undo_takes_an_import_away_and_an_update_back(assay, assay_dvc, data, tmp_path):
    before = seen(data)
    assay_dvc("import-url", "-f", f"{tmp_path}/else/d", "got", cwd=data)
    assert (data / "got/a").read_text() == "1\n"
    assay("undo", cwd=data)
    assert seen(data) == before
    write(tmp_path, {"else/f": "2\n"})
    assay_dvc("update", "got.dvc", cwd=data)
    assert (data / "got").read_text() == "2\n"
    assay("undo", cwd=data)
    assert seen(data) == before


def test_getting_and_listing_need_no_project(assay_dvc, tmp_path):
    write(tmp_path, {"else/d/a": "1\n", "empty/x": ""})
    assay_dvc("get-url", "../else/d", "there", cwd=tmp_path / "empty")
    assert (tmp_path / "empty/there/a").read_text() == "1\n"
    assert assay_dvc("ls-url", "../else", "-R", cwd=tmp_path / "empty").out == "d/a\n"
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["there", "x"]
