"""engine/config.py: configuration files laid over each other."""

from __future__ import annotations

import pytest

from assay.engine.config import Config, absolute, load, to_store
from assay.engine.configtext import parse
from assay.engine.errors import ConfigError


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


def test_a_list_and_a_text_with_commas_are_the_same_words():
    for text in ("[cache]\ntype = hardlink, copy\n", '[cache]\ntype = "hardlink,copy"\n'):
        assert Config((("p", "p", parse(text, "p")),)).words("cache", "type") == ["hardlink", "copy"]


def test_named_sections_are_found_in_order():
    text = "['remote \"store\"']\nurl=/a\n['remote \"B\"']\nurl=/x\n"
    assert list(Config((("p", "p", parse(text, "p")),)).named("remote")) == ["store", "b"]


def test_paths_are_relative_to_the_file_that_has_them(tmp_path):
    path = tmp_path / ".dvc" / "config"
    path.parent.mkdir()
    path.write_text(
        "[cache]\n    dir = ../cache\n['remote \"r\"']\n    url = ../../r\n    keyfile = ~/key\n"
        "['remote \"s\"']\n    url = s3://b/x\n    region = a/b\n"
    )
    layer = load("project", str(path), "/home/ann")
    assert layer is not None
    assert layer.sections == {
        "cache": {"dir": f"{tmp_path}/cache"},
        'remote "r"': {"url": f"{tmp_path.parent}/r", "keyfile": "/home/ann/key"},
        'remote "s"': {"url": "s3://b/x", "region": "a/b"},
    }


def test_a_file_that_is_not_there_is_no_layer(tmp_path):
    assert load("project", str(tmp_path / "config"), "") is None


def test_another_users_home_is_not_guessed():
    with pytest.raises(ConfigError, match="~bob"):
        absolute("~bob/cache", "/p", "/home/ann")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("../cache", "../../cache"), ("/cache", "/cache"), ("~/cache", "~/cache"), ("s3://b/x", "s3://b/x")],
)
def test_a_path_is_written_relative_to_the_file(typed, stored):
    assert to_store(typed, "/p", "/p/.dvc") == stored
