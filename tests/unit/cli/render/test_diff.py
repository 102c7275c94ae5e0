"""Patches on a screen."""

from __future__ import annotations

from assay.cli.render.diff import patch_lines

PATCH = [
    "diff --git a/x b/x\n",
    "--- a/x\n",
    "+++ b/x\n",
    "@@ -1 +1 @@\n",
    "-\x1b[31mred\tx\n",
    "+blue\n\\ No newline\n",
]


def test_a_file_gets_the_patch_as_it_is():
    assert "\n".join(patch_lines(PATCH, colour=False, safe=False)) + "\n" == "".join(PATCH)


def test_a_terminal_is_not_steered_by_what_files_hold():
    assert list(patch_lines(PATCH, colour=False, safe=True))[4:] == ["-\\x1b[31mred\tx", "+blue", "\\ No newline"]


def test_lines_that_come_and_go_are_coloured():
    found = list(patch_lines(PATCH, colour=True, safe=True))
    assert found[1] == "\x1b[1m--- a/x\x1b[0m"
    assert found[4] == "\x1b[31m-\\x1b[31mred\tx\x1b[0m"
    assert found[5] == "\x1b[32m+blue\x1b[0m"
    assert found[6] == "\\ No newline"
