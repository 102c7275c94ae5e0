"""engine/config.py: layered INI files, read and edited."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engine.config import Config, edited, parse, without_section
from assay.engine.errors import BadInput, ConfigError

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


@pytest.mark.parametrize("text", ["key = 1\n", "[core]\nnonsense\n", "[core\n"])
def test_a_line_that_makes_no_sense_is_named(text):
    with pytest.raises(BadInput, match=r"config, line \d"):
        parse(text, "config")


def test_changing_a_key_leaves_every_other_byte():
    assert edited(TEXT, "core", "remote", "other") == TEXT.replace("remote = store", "remote = other")
    assert edited(TEXT, "core", "remote", None) == TEXT.replace("    remote = store\n", "")


def test_a_new_key_goes_to_its_section_and_a_new_section_to_the_end():
    assert edited(TEXT, "core", "hash", "sha256") == TEXT.replace("= store\n", "= store\n    hash = sha256\n", 1)
    assert edited(TEXT, 'remote "b"', "url", "/x") == TEXT + "['remote \"b\"']\n    url = /x\n"
    assert edited("[core]\n    a = 1", "core", "b", "2") == "[core]\n    a = 1\n    b = 2\n"


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85"), max_size=20))
def test_every_value_that_is_written_is_read_again(value):
    try:
        text = edited(TEXT, "core", "key", value)
    except ConfigError:
        assert {"'", '"'} <= set(value)
        return
    assert parse(text, "config")["core"]["key"] == value


def test_a_value_with_a_line_break_is_refused():
    with pytest.raises(ConfigError):
        edited(TEXT, "core", "key", "a\nb")


def test_a_section_can_be_taken_away():
    assert without_section(TEXT, 'remote "store"') == "# the team's settings\n[core]\n    remote = store\n"


def test_later_layers_win_key_by_key():
    config = Config((("user", "u", {"core": {"a": "1", "b": "1"}}), ("project", "p", {"core": {"b": "2"}})))
    assert config.get("core", "a") == "1"
    assert config.get("core", "b") == "2"
    assert config.get("core", "c", "default") == "default"


def test_values_have_kinds():
    config = Config((("p", "p", {"core": {"yes": "On", "n": "3", "list": "a, b ,c", "bad": "perhaps"}}),))
    assert config.flag("core", "yes") is True
    assert config.flag("core", "none") is False
    assert config.number("core", "n", 0) == 3
    assert config.words("core", "list") == ["a", "b", "c"]
    for read in (config.flag, lambda *key: config.number(*key, 0)):
        with pytest.raises(ConfigError, match=r"core.bad"):
            read("core", "bad")


def test_named_sections_are_found_in_order():
    assert list(Config((("p", "p", parse(TEXT + "['remote \"b\"']\nurl=/x\n", "p")),)).named("remote")) == [
        "store",
        "b",
    ]
