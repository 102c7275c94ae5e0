"""What stages do, in DVC's words."""

from __future__ import annotations

import io

import pytest

from assay.cli.render.progress import Progress
from assay.cli.render.stages import StageLines, seen
from assay.engine import events


def told(*found, folder="", quiet=False):
    out, err = io.StringIO(), io.StringIO()
    lines = StageLines(out, Progress(err, live=False, quiet=quiet))
    lines.folder = folder
    for event in found:
        lines(event)
    lines.clear()
    return out.getvalue(), err.getvalue()


RAN = (events.StageStarted("one", "a\nb"), events.StageOutput(b"said"), events.StageFinished("one", 1.0))


def test_a_stage_that_runs_is_told_with_its_commands_and_what_it_prints():
    assert told(*RAN) == ("Running stage 'one':\n> a\n> b\nsaid\n", "")


def test_an_empty_line_follows_work_and_not_what_was_skipped():
    skipped = events.StageSkipped("two", "unchanged")
    assert told(*RAN, skipped, skipped)[0].endswith("said\n\nStage 'two' didn't change, skipping\n" + SKIPPED)
    restored = events.StageSkipped("one", "restored from the cache")
    assert told(restored, skipped)[0].splitlines()[1] == ""
    assert told(events.DataChecked("d.dvc", True), skipped)[0].splitlines()[1] == ""
    assert told(events.DataChecked("cached.dvc", False), skipped)[0].count("\n") == 2


SKIPPED = "Stage 'two' didn't change, skipping\n"


def test_a_new_lock_file_is_told_before_it_is_updated():
    first, again = events.LockWritten("sub/dvc.lock", True), events.LockWritten("sub/dvc.lock", False)
    updating = "Updating lock file 'sub/dvc.lock'\n"
    assert told(first, again)[0] == f"Generating lock file 'sub/dvc.lock'\n{updating}{updating}"


def test_warnings_go_to_stderr_and_quiet_leaves_only_them():
    assert told(events.Warned("careful"), *RAN, quiet=True) == ("said\n", "warning: careful\n")


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("one", "../dvc.yaml:one"),
        ("sub/dvc.yaml:one", "one"),
        ("other/dvc.yaml:one", "../other/dvc.yaml:one"),
        ("sub/d.dvc", "d.dvc"),
        ("dvc.lock", "../dvc.lock"),
    ],
)
def test_names_are_spelled_as_they_are_typed_in_the_folder(node, name):
    assert seen(node, "sub") == name
    assert seen(node, "") == node
