"""The words of a command become one line for the shell."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.stages.command import shell_line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["python a.py | tee 'b c'"], "python a.py | tee 'b c'"),
        (["python", "a.py", "--x", "a b", ""], 'python a.py --x "a b" ""'),
        (["python", "a.py", "--lr", "${train.lr}", "x ${a} y"], 'python a.py --lr ${train.lr} "x ${a} y"'),
        (["echo", "$HOME", 'a"b', "a'b c", "*.txt", ">"], """echo '$HOME' 'a"b' "a'b c" '*.txt' '>'"""),
        (["é", "a`b c"], "é 'a`b c'"),
    ],
)
def test_words_are_quoted_where_they_have_to_be(words: list[str], line: str) -> None:
    assert shell_line(words) == line


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab \"'$`\\!*>~#;&|(){}\n=é", max_size=5), min_size=2, max_size=6))
def test_the_shell_reads_back_what_was_typed(words: list[str]) -> None:
    words = [word.replace("${", "$") for word in words]
    line = shell_line(["printf", "%s\\0", *words])
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words
