"""engine/vocabulary.py: the settings that there are."""

from __future__ import annotations

import pytest

from assay.engine.errors import ConfigError
from assay.engine.vocabulary import check, dotted, known, seconds, split


def test_dotted_keys_name_a_section_and_a_key():
    assert split("user.name") == ("user", "name")
    assert split("remote.my.store.URL") == ('remote "my.store"', "url")
    assert dotted('remote "my.store"', "url") == "remote.my.store.url"
    assert dotted("", "a") == "a"


@pytest.mark.parametrize("key", ["name", "", ".", "core.", ".x"])
def test_what_is_no_key_at_all(key):
    with pytest.raises(ConfigError, match="is no setting"):
        split(key)


@pytest.mark.parametrize("words", ["assay", "dvc"])
def test_an_unknown_setting_names_the_nearest(words):
    with pytest.raises(ConfigError) as caught:
        check(words, "cache", "typ", "copy")
    assert "cache.type" in caught.value.hint


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("core", "autostage", "yes"),
        ("core", "checksum_jobs", "0"),
        ("cache", "type", "copy,magic"),
        ("cache", "shared", "all"),
        ("parsing", "bool", "on"),
        ("user", "name", "Ann"),
        ("gc", "grace", "1d"),
        ('remote "x"', "region", "eu"),
        ("remote", "url", "/x"),
    ],
)
def test_what_dvc_would_refuse_is_not_written_for_it(section, key, value):
    with pytest.raises(ConfigError):
        check("dvc", section, key, value, url="/a/folder")


def test_a_remotes_settings_are_those_of_its_kind():
    check("dvc", 'remote "x"', "region", "eu", url="s3://b/x")
    check("dvc", 'remote "x"', "port", "22", url="ssh://host/x")
    check("dvc", 'remote "x"', "whatever", "1", url="remote://other/x")
    with pytest.raises(ConfigError, match="no url"):
        check("dvc", 'remote "x"', "region", "eu")


def test_every_kind_of_value_refuses_something():
    for name in ("assay", "dvc"):
        for section, keys in known(name).items():
            for key, kind in keys.items():
                if kind != "text" and " " not in section and section != "remote":
                    with pytest.raises(ConfigError, match="cannot be"):
                        check(name, section, key, "\0")


@pytest.mark.parametrize(
    ("text", "length"), [("14d", 1209600), ("2H", 7200), ("30m", 1800), ("45s", 45), ("0", 0), ("3", 259200)]
)
def test_lengths_of_time(text, length):
    assert seconds("gc.grace", text) == length


@pytest.mark.parametrize("text", ["", "d", "-1d", "1.5d", "soon", "1w", "9999999d", "٣d"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ConfigError, match=r"gc\.grace"):
        seconds("gc.grace", text)
