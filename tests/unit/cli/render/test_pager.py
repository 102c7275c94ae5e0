"""The pager is the user's; without one the text goes where it would go."""

from __future__ import annotations

import io

import pytest

from assay.cli.render import pager


@pytest.mark.parametrize("command", ["", "cat", "no-such-program --here", "'unclosed"])
def test_without_a_usable_pager_the_text_is_written(command):
    out = io.StringIO()
    pager.write("text\n", out, command, {})
    assert out.getvalue() == "text\n"


def test_the_pager_gets_the_text_and_less_is_told_to_keep_colours(tmp_path):
    out = io.StringIO()
    pager.write("tëxt\n", out, f"sh -c 'cat > {tmp_path}/got; echo $LESS >> {tmp_path}/got'", {"PATH": "/usr/bin:/bin"})
    assert out.getvalue() == ""
    assert (tmp_path / "got").read_text() == "tëxt\nFRSX\n"


def test_the_users_own_settings_of_less_win(tmp_path):
    pager.write("", io.StringIO(), f"sh -c 'echo $LESS > {tmp_path}/got'", {"PATH": "/usr/bin:/bin", "LESS": "i"})
    assert (tmp_path / "got").read_text() == "i\n"


def test_a_pager_that_is_left_early_is_no_error():
    pager.write("line\n" * 100_000, io.StringIO(), "true", {"PATH": "/usr/bin:/bin"})
