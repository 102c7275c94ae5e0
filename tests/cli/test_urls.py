"""Stages with URLs on the command line: run, left alone, told, and never a secret in what is kept or said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.remotes.registry import Remote, open_store
from tests.httpserver import serving


@pytest.fixture
def folder(tmp_path: Path, assay: Any) -> Path:
    assay("init", cwd=tmp_path)
    return tmp_path


def test_a_stage_runs_when_what_it_reads_in_s3_changed(
    folder: Path, assay: Any, s3: tuple[str, dict[str, str]]
) -> None:
    url, settings = s3
    lines = "".join(f"    {key} = {value}\n" for key, value in {"url": url, **settings}.items())
    (folder / ".assay/config.local").write_text(f"['remote \"team\"']\n{lines}")
    (folder / "dvc.yaml").write_text(
        "stages: {a: {cmd: touch o, deps: ['remote://team/in', 'remote://team/all'],"
        " outs: [o, 'remote://team/out': {cache: false}]}}\n"
    )
    store = open_store(Remote("team", url, settings))
    for name in ("in", "all/x", "out"):
        store.put(name, b"1\n")
    assert "1 stage ran" in assay("repro", cwd=folder).out
    assert "0 stages ran" in assay("repro", cwd=folder).out
    lock = (folder / "dvc.lock").read_text()
    entry = "hash: md5\n      etag: b026324c6904b2a9cb4b88d6d61c81d1\n      size: 2\n"
    assert lock.count(entry) == 2  # and the folder
    assert "remote://team/all\n      hash: md5\n      md5: " in lock
    assert settings["secret_access_key"] not in lock
    store.put("all/x", b"2\n")
    assert "1 stage ran" in assay("repro", cwd=folder).out
    assert store.get("out") == b"1\n"


def test_a_password_in_a_url_is_shown_nowhere(folder: Path, assay: Any, assay_dvc: Any) -> None:
    (folder / "dvc.yaml").write_text(
        "stages: {a: {cmd: touch o, deps: ['http://ann:hidden@127.0.0.1:9/x'], outs: [o]}}\n"
    )
    done = assay_dvc("status", cwd=folder)
    assert "http://127.0.0.1:9/x" in done.out
    assert "hidden" not in done.out + done.err
    for words, code in ((("repro",), 251), (("repro", "--dry"), 251), (("status",), 0), (("status", "--json"), 0)):
        done = assay(*words, cwd=folder, code=code)
        assert "hidden" not in done.out + done.err
    assert not (folder / "dvc.lock").exists()


def test_status_says_that_a_url_cannot_be_told_and_goes_on(folder: Path, assay: Any) -> None:
    with serving() as server:
        (folder / "dvc.yaml").write_text(f"stages: {{a: {{cmd: touch o, deps: ['{server.url}/etag/x'], outs: [o]}}}}\n")
        assay("repro", cwd=folder)
    done = assay("status", cwd=folder)
    assert f"whether {server.url}/etag/x changed cannot be told" in done.out
    done = assay("repro", cwd=folder, code=255)
    assert done.err.startswith(f"error: Stage a reads {server.url}/etag/x, and what is there cannot be told: ")
