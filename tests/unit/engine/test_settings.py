"""engine/settings.py: one key of a configuration file at a time."""

from __future__ import annotations

import pytest

from assay.engine.config import Layer
from assay.engine.errors import ConfigError
from assay.engine.settings import change


def test_a_setting_is_written_and_taken_away(tmp_path):
    path = str(tmp_path / "deep" / "config")
    change(path, "user.name", "Ann")
    change(path, "user.email", "ann@example.com")
    change(path, "user.name", None)
    assert (tmp_path / "deep" / "config").read_text() == "[user]\n    email = ann@example.com\n"


def test_a_value_that_no_command_could_begin_with_is_refused(tmp_path):
    path = tmp_path / "config"
    with pytest.raises(ConfigError, match=r"core\.autostage cannot be 'maybe'; it is true or false"):
        change(str(path), "core.autostage", "maybe")
    assert not path.exists()
    change(str(path), "core.autostage", "True")


def test_taking_away_what_is_not_set_is_told(tmp_path):
    with pytest.raises(ConfigError, match="not set"):
        change(str(tmp_path / "config"), "user.name", None)
    assert not (tmp_path / "config").exists()


def test_what_nobody_knows_can_still_be_taken_away(tmp_path):
    (tmp_path / "config").write_text("[odd]\n    key = 1\n[core]\n    remote = x\n")
    change(str(tmp_path / "config"), "odd.key", None)
    assert (tmp_path / "config").read_text() == "[core]\n    remote = x\n"


@pytest.mark.parametrize("text", ["what is this\n", "[core]\n[core]\n", "[user]\nname = 'x\n"])
def test_a_damaged_file_is_left_as_it_is(tmp_path, text):
    (tmp_path / "config").write_text(text)
    with pytest.raises(ConfigError):
        change(str(tmp_path / "config"), "user.name", "Ann")
    assert (tmp_path / "config").read_text() == text


@pytest.mark.parametrize("value", ["%(x)s", "a\rb", "'''\"\"\""])
def test_a_value_that_could_not_be_read_again_is_refused(tmp_path, value):
    with pytest.raises(ConfigError):
        change(str(tmp_path / "config"), "user.name", value)
    assert not (tmp_path / "config").exists()


def test_a_path_is_written_relative_to_the_file(tmp_path):
    path = tmp_path / ".dvc" / "config"
    change(str(path), "cache.dir", "../cache", words="dvc", typed_in=str(tmp_path))
    assert path.read_text() == "[cache]\n    dir = ../../cache\n"


def test_a_remotes_url_may_stand_in_a_layer_below(tmp_path):
    path = tmp_path / "config.local"
    below = [Layer("project", "p", {'remote "x"': {"url": "s3://b/x"}})]
    change(str(path), "remote.x.profile", "ann", words="dvc", below=below)
    with pytest.raises(ConfigError, match="no url"):
        change(str(path), "remote.y.profile", "ann", words="dvc", below=below)
    assert path.read_text() == "['remote \"x\"']\n    profile = ann\n"
