"""The guide is true: every page is done as a reader would do it, and prints what it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import pages

ASSAY = [sys.executable, "-m", "assay"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pages.Done]:
    """The pages that others come after, each done once."""
    top, found = tmp_path_factory.mktemp("pages").resolve(), {}
    for name in pages.befores():
        (top / name).mkdir()
        reader = pages.Reader(top / name, ASSAY)
        reader.reads(name)
        found[name] = reader.keeps(top / f"{name} done")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", pages.pages())
def test_a_page_prints_what_it_says(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, done: dict[str, pages.Done]
) -> None:
    needs_server = pages.SERVER in (pages.GUIDE / name).read_text()
    real = {pages.SERVER: request.getfixturevalue("s3_server").endpoint} if needs_server else {}
    for step, printed in pages.Reader(tmp_path.resolve(), ASSAY, real, done).reads(name):
        assert pages.comparable(printed) == pages.comparable(step.printed), f"{name}: $ {step.command}"


def test_a_page_that_is_wrong_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "GUIDE", tmp_path)
    (tmp_path / "page.md").write_text(
        "```console\n$ cat a.txt\nhello\n```\n```text a.txt\nhi\n```\n```console\n$ cat a.txt\nhello\n```\n"
    )
    reader = tmp_path / "reader"
    reader.mkdir()
    done = pages.Reader(reader, ["assay"]).reads("page.md")
    assert [printed for _, printed in done][1] == "hi\n"
    assert [step.printed for step, _ in done] == ["hello\n", "hello\n"]
