"""engine/settings.py: one key of a configuration file at a time."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput, ConfigError
from assay.engine.settings import change, seconds, split


def test_dotted_keys_name_a_section_and_a_key():
    assert split("user.name") == ("user", "name")
    assert split("remote.my.store.URL") == ('remote "my.store"', "url")


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(ConfigError) as caught:
        split("cache.typ")
    assert "cache.type" in caught.value.hint


def test_a_setting_is_written_and_taken_away(tmp_path):
    path = str(tmp_path / "deep" / "config")
    change(path, "user.name", "Ann")
    change(path, "user.email", "ann@example.com")
    change(path, "user.name", None)
    assert (tmp_path / "deep" / "config").read_text() == "[user]\n    email = ann@example.com\n"


def test_a_value_that_no_command_could_begin_with_is_refused(tmp_path):
    path = tmp_path / "config"
    with pytest.raises(ConfigError, match=r"core\.autostage is 'maybe'; it must be true or false"):
        change(str(path), "core.autostage", "maybe")
    assert not path.exists()
    change(str(path), "core.autostage", "True")


def test_taking_away_what_is_not_set_is_told(tmp_path):
    with pytest.raises(ConfigError, match="not set"):
        change(str(tmp_path / "config"), "user.name", None)
    assert not (tmp_path / "config").exists()


def test_a_damaged_file_is_left_as_it_is(tmp_path):
    (tmp_path / "config").write_text("what is this\n")
    with pytest.raises(BadInput):
        change(str(tmp_path / "config"), "user.name", "Ann")
    assert (tmp_path / "config").read_text() == "what is this\n"


@pytest.mark.parametrize(
    ("text", "length"), [("14d", 1209600), ("2H", 7200), ("30m", 1800), ("45s", 45), ("0", 0), ("3", 259200)]
)
def test_lengths_of_time(text, length):
    assert seconds("gc.grace", text) == length


@pytest.mark.parametrize("text", ["", "d", "-1d", "1.5d", "soon", "1w", "9999999d", "٣d"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ConfigError, match=r"gc\.grace"):
        seconds("gc.grace", text)
