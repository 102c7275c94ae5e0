"""engine/configtext.py: ConfigObj's syntax, read and edited."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engine.configtext import edited, parse, quoted, without_section
from assay.engine.errors import ConfigError

TEXT = """\
# the team's settings
[core]
    remote = store
['remote "store"']
    url = s3://bucket/team   # shared
    Region = "eu, west"
"""


def test_sections_keys_quotes_and_comments_are_read():
    assert parse(TEXT, "config") == {
        "core": {"remote": "store"},
        'remote "store"': {"url": "s3://bucket/team", "region": "eu, west"},
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1\n[core]\nb = 2\n", {"": {"a": "1"}, "core": {"b": "2"}}),
        ("[cache]\ntype = hardlink, copy\n", {"cache": {"type": ("hardlink", "copy")}}),
        ("[cache]\ntype = copy,\nnone = ,\n", {"cache": {"type": ("copy",), "none": ()}}),
        ("[a]\n  [[b]]\n  x = 1\n[c]\n", {"a": {}, "a.b": {"x": "1"}, "c": {}}),
        ("[a]\nx = '''one\ntwo''' # end\n", {"a": {"x": "one\ntwo"}}),
        ("[a]\nx = 1\ny = %(x)s2\n", {"a": {"x": "1", "y": "12"}}),
        ("[A]\nX =\n", {"a": {"x": ""}}),
        ("[remote]\n[[s]]\nurl = /x\n", {"remote": {}, 'remote "s"': {"url": "/x"}}),
        ("", {}),
    ],
)
def test_every_form_that_a_file_can_have(text, found):
    assert parse(text, "config") == found


@pytest.mark.parametrize(
    "text",
    [
        "[core]\nnonsense\n",
        "[core\n",
        "[[core]]\n",
        "[core]]\n",
        "[core]\n[core]\n",
        "[core]\na = 1\na = 2\n",
        "[core]\na = 'x\n",
        '[core]\na = """x\n',
        "[core]\na = 'x' y\n",
        "[core]\na = x, , y\n",
        "[core]\na = " + "x" * 9000 + "\n",
        "[core]\na = " + '"",' * 40 + '"\n',
    ],
)
def test_a_line_that_makes_no_sense_is_named(text):
    with pytest.raises(ConfigError, match=r"config, line \d"):
        parse(text, "config")


@pytest.mark.parametrize("text", ["[a]\nx = %(nothing)s\n", "[a]\nx = %(y)s\ny = %(x)s\n"])
def test_a_name_that_stands_for_nothing_is_told(text):
    with pytest.raises(ConfigError, match="config: %"):
        parse(text, "config")


def test_changing_a_key_leaves_every_other_byte():
    assert edited(TEXT, "core", "remote", "other") == TEXT.replace("remote = store", "remote = other")
    assert edited(TEXT, 'remote "store"', "url", None) == TEXT.replace("    url = s3://bucket/team   # shared\n", "")
    long = "[a]\n    x = '''1\n2'''\n    y = 3\n"
    assert edited(long, "a", "x", "4") == "[a]\n    x = 4\n    y = 3\n"


def test_a_section_that_nothing_is_left_in_goes_too():
    assert edited(TEXT, "core", "remote", None) == TEXT.replace("[core]\n    remote = store\n", "")
    assert edited("[a]\n    # why\n    x = 1\n", "a", "x", None) == "[a]\n    # why\n"
    assert edited("[a]\n    x = 1\n[[b]]\n", "a", "x", None) == "[a]\n[[b]]\n"


def test_a_new_key_goes_to_its_section():
    assert edited(TEXT, "core", "hash", "sha256") == TEXT.replace("= store\n", "= store\n    hash = sha256\n", 1)
    assert edited("[core]\n    a = 1", "core", "b", "2") == "[core]\n    a = 1\n    b = 2\n"
    assert edited("[core]\n    a = 1\n\n[x]\n", "core", "b", "2") == "[core]\n    a = 1\n    b = 2\n\n[x]\n"


def test_a_new_section_stands_before_the_remotes_and_a_new_remote_last():
    assert edited(TEXT, 'remote "b"', "url", "/x") == TEXT + "['remote \"b\"']\n    url = /x\n"
    assert edited(TEXT, "exp", "auto_push", "true") == TEXT.replace(
        "['remote", "[exp]\n    auto_push = true\n['remote", 1
    )
    assert edited("# top\n['db \"x\"']\n    url = a\n", "core", "a", "1").startswith("[core]\n    a = 1\n# top\n")
    assert edited("", "core", "a", "1") == "[core]\n    a = 1\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a, b", '"a, b"'),
        ("a#b", '"a#b"'),
        (" a", '" a"'),
        ('say "x"', "'say \"x\"'"),
        ("it's", "it's"),
        ('it\'s "x"', "'''it's \"x\"'''"),
        ("a\nb", "'''a\nb'''"),
    ],
)
def test_a_value_is_quoted_as_dvc_quotes_it(value, text):
    assert quoted(value) == text
    assert parse(f"[a]\nx = {text}\n", "config")["a"]["x"] == value


def test_what_no_quotes_keep_is_refused():
    with pytest.raises(ConfigError, match="no quotes"):
        quoted("'''\"\"\"")
    with pytest.raises(ConfigError, match="no quotes"):
        quoted('it\'s "x"', multiline=False)


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), max_size=20))
def test_every_value_that_is_written_is_read_again(value):
    try:
        text = edited(TEXT, "core", "key", value)
        assert parse(text, "config")["core"]["key"] == value
    except ConfigError:
        assert {"'", '"'} <= set(value) or "%(" in value


def test_a_section_can_be_taken_away():
    assert without_section(TEXT, 'remote "store"') == "# the team's settings\n[core]\n    remote = store\n"
