"""Configuration files mean what `git config --list` says they mean, or are refused where Git refuses them."""

from __future__ import annotations

import subprocess

from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.engine.errors import ConfigError
from assay.engine.git.gitconfig import load, parse

words = st.sampled_from(["a", "Core", "b-c", "1", "x.y", "é", "true", "a b", ""])
spaces = st.sampled_from(["", " ", "  ", "\t"])
escapes = ["\\\\", '\\"', "\\n", "\\t", "\\b", "\\x", "\\\n", "\\"]
bits = st.sampled_from([*escapes, '"', "#", ";", " ", "a", "bc", "=", "]", "["])
values = st.one_of(words, st.lists(bits, max_size=6).map("".join), words.map(lambda word: f'"{word} "'))
subsections = st.lists(st.sampled_from(["a", "B", ".", " ", "\\\\", '\\"', "\\z", "]", "é", '"', "\\"]), max_size=4)
headers = st.one_of(
    st.tuples(words, spaces, subsections.map("".join), spaces).map(lambda t: f'[{t[0]}{t[1]}"{t[2]}"{t[3]}]'),
    st.sampled_from(["[core]", "[core]", "[A.b.C]", "[a-b]", "[]", "[a", "[ a]", "[a ]", "[a_b]", '[a "b]', '["x"]']),
)
lines = st.one_of(
    headers,
    st.tuples(spaces, words, spaces, values).map(lambda t: f"{t[0]}{t[1]}{t[2]}={t[3]}"),
    st.tuples(spaces, words, spaces).map("".join),
    st.tuples(headers, words, values).map(lambda t: f"{t[0]} {t[1]} = {t[2]}"),
    st.sampled_from(["", "# comment", "  ; comment", "key # comment", "k = v ; comment", 'k = "a;b" c', "k = a \\"]),
)
ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "", " \n"])
texts = st.lists(st.tuples(lines, ends).map("".join), max_size=6).map("".join)


def spaced(value):
    """Git before 2.45 reads a tab inside a value as a space."""
    return value and value.replace("\t", " ")


def listed(path):
    """What Git reads, or None when it refuses the file."""
    command = ["git", "config", "--list", "-z", "--no-includes", "-f", str(path)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return None
    settings = []
    for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        key, found, value = entry.partition("\n")
        settings.append((key, spaced(value) if found else None))
    return settings


@settings(max_examples=300)
@given(texts)
@example("\ufeff[a]\nb = c")
@example('[a]\nb = "x\\\ny"\n')
@example('[a "b"] c = d # e\n[a.B] C')
@example("[a]\nb = c\\")
@example('[a]\nb = c \\\n  d  " e "  \n')
@example("[a]\r\nb = c\r\n")
@example("b = 1\n[a]\n")
@example('[ "a"]\nb = 1\n')
@example("[]\n")
@example("[ ]\n")
def test_a_file_means_what_git_says_it_means(tmp_path, text):
    path = tmp_path / "config"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    wanted = listed(path)
    try:
        found = [(key, spaced(value)) for key, value in parse(path.read_bytes().decode(), "config")]
    except ConfigError:
        found = None
    assert found == wanted


kinds = st.sampled_from(["--type=bool", "--type=int"])
numbers = st.sampled_from(["0", "1", "-1", "10k", "3M", "1g", "yes", "No", "on", "OFF", "true", "FALSE", "", "x", "1x",
                           "k", " 5", "512m", "0k", "00", "+3", "1 k", "k1"])  # fmt: skip


@settings(max_examples=120)
@given(kinds, st.one_of(numbers, st.none()))
def test_flags_and_numbers_are_gits(tmp_path, kind, value):
    path = tmp_path / "config"
    path.write_text("[a]\n" + ("b\n" if value is None else f'b = "{value}"\n'))
    command = ["git", "config", "-f", str(path), kind, "a.b"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    config = load([str(path)])
    try:
        if kind == "--type=bool":
            found = "true" if config.flag("a.b") else "false"
        else:
            found = str(config.number("a.b", 7))
    except ConfigError:
        found = None
    if value in (None, "") and kind == "--type=int":
        return  # a number that is not given is the default here and an error in Git
    assert found == (done.stdout.strip() if done.returncode == 0 else None)
