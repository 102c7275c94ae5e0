"""The guide's Python is true: every block prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import guide, pages


@pytest.mark.slow
@pytest.mark.parametrize("name", guide.pages_with_python())
def test_a_page_prints_what_it_says(name: str, tmp_path: Path) -> None:
    done = guide.read(name, tmp_path.resolve())
    assert done
    for cell, printed in done:
        assert pages.comparable(printed) == pages.comparable(cell.printed), f"{name}:\n{cell.code}"


def test_a_block_that_is_wrong_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\na = 1\n```\n\n```python\nprint(a + 1)\n```\n\n```text\n3\n```\n")
    monkeypatch.setattr(pages, "GUIDE", tmp_path)
    (tmp_path / "reader").mkdir()
    done = guide.read("page.md", tmp_path / "reader")
    assert [printed for _, printed in done] == ["", "2\n"]
    assert [cell.printed for cell, _ in done] == ["", "3\n"]
    assert guide.rewritten(page.read_text(), done).endswith("```text\n2\n```\n")


def test_a_block_that_fails_shows_its_traceback_and_the_next_one_runs(tmp_path: Path) -> None:
    with guide.Notebook(tmp_path, {}) as notebook:
        assert "ZeroDivisionError" in notebook.runs("1 / 0")
        assert notebook.runs("print('on')") == "on\n"
