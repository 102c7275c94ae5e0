"""Bad input to gc and fsck: one sentence, the right exit code, nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture


@pytest.fixture
def refused(assay):
    """Runs a command that must fail with a code and words, and leave the project as it was, its cache included."""

    def check(project, code, *words, says=()):
        cache = project / ".assay/cache"

        def everything():
            files = {str(path): path.read_bytes() for path in cache.rglob("*") if path.is_file()}
            return picture(project) | files

        before = everything()
        said = assay(*words, cwd=project, code=code)
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, said.err
        for word in says:
            assert word in said.err, said.err
        assert everything() == before
        return said

    return check


@pytest.fixture
def wasteful(project, assay):
    """A project whose cache has what the workspace does not need."""
    assay("config", "gc.fresh", "0", cwd=project)
    (project / "d").write_text("one")
    assay("add", "d", cwd=project)
    (project / "d").write_text("two")
    assay("add", "d", cwd=project)
    for record in (project / ".git/refs/assay/undo").glob("*"):
        record.unlink()
    return project


def test_gc_without_a_flag_that_keeps(refused, wasteful):
    refused(wasteful, 254, "gc", says=["Say what to keep", "-w"])


def test_gc_where_nobody_can_be_asked(refused, wasteful):
    said = refused(wasteful, 1, "gc", "-w", says=["-f"])
    assert "1 object, 3 B, would go" in said.out


def test_gc_of_a_revision_that_is_none(refused, wasteful):
    refused(wasteful, 255, "gc", "--rev", "nowhere", "-f", says=["nowhere"])


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-02-30", "20260101", ""])
def test_gc_since_no_day(refused, wasteful, day):
    refused(wasteful, 254, "gc", "--date", day, "-f", says=["2026-01-31"])


def test_gc_with_a_number_of_nothing(refused, wasteful):
    refused(wasteful, 254, "gc", "-w", "-n", "3", "-f", says=["--rev"])


def test_gc_with_a_number_that_is_none(refused, wasteful):
    refused(wasteful, 254, "gc", "-a", "-n", "many", "-f", says=["many"])


def test_gc_with_a_misspelt_flag(refused, wasteful):
    refused(wasteful, 254, "gc", "--all-experimens", says=["--all-experiments"])


@pytest.mark.parametrize("name", ["grace", "fresh"])
def test_a_length_of_time_that_is_none(refused, wasteful, assay, name):
    refused(wasteful, 251, "config", f"gc.{name}", "soon", says=[f"gc.{name}", "14d"])
    config = wasteful / ".assay/config"
    config.write_text(f"[core]\n    hash = xxh128\n[gc]\n    {name} = soon\n")
    refused(wasteful, 251, "gc", "-w", "-f", says=[f"gc.{name}", "soon"])


def test_gc_beside_a_workspace_that_cannot_be_understood(refused, wasteful):
    (wasteful / "d.dvc").write_text("outs: [\n")
    refused(wasteful, 1, "gc", "-w", "-f", says=["d.dvc", "nothing was collected"])


def test_gc_beside_another_project_that_is_none(refused, wasteful, tmp_path):
    refused(wasteful, 253, "gc", "-w", "-f", "-p", str(tmp_path), says=["not inside an assay project"])


def test_undo_of_a_collection_that_is_not_in_the_trash_any_more(refused, wasteful, assay):
    assay("gc", "-w", "-f", cwd=wasteful)
    (bin_folder,) = (wasteful / ".assay/cache/trash").iterdir()
    bin_folder.rename(wasteful.parent / "elsewhere")
    refused(wasteful, 1, "undo", says=["not in the trash any more"])


def test_fsck_with_a_misspelt_flag(refused, wasteful):
    refused(wasteful, 254, "fsck", "--repare", says=["--repair"])


def test_fsck_outside_a_project(assay, tmp_path):
    assert "assay init" in assay("fsck", cwd=tmp_path, code=253).err
