"""engine/git/gitconfig.py: layers, includes, typed values, and refusals in one sentence."""

from __future__ import annotations

import os

import pytest

from assay.engine.errors import ConfigError
from assay.engine.git.gitconfig import GitConfig, Place, Setting, load, parse


@pytest.fixture
def config(tmp_path):
    """Writes files and loads them in this order."""

    def loaded(*texts, place=Place()):  # noqa: B008 - an immutable value
        paths = []
        for number, text in enumerate(texts):
            paths.append(str(tmp_path / f"config{number}"))
            (tmp_path / f"config{number}").write_text(text)
        return load(paths, place)

    return loaded


def test_the_last_file_wins_and_all_values_are_kept(config):
    loaded = config("[user]\nname = low\n", "[user]\n\tname = high\n\temail = a@b\n")
    assert loaded.get("user.name") == "high"
    assert loaded.get_all("user.name") == ["low", "high"]
    assert loaded.get("user.signingkey", "none") == "none"
    assert loaded.get_all("user.signingkey") == []


def test_sections_and_names_ignore_case_and_subsections_do_not(config):
    loaded = config('[Remote "Origin"]\nURL = x\n')
    assert loaded.get("remote.Origin.url") == loaded.get("REMOTE.Origin.Url") == "x"
    assert loaded.get("remote.origin.url") == ""


def test_subsections_of_a_section(config):
    first = '[remote "b"]\nurl = 1\n[remote "a.b"]\nurl = 2\n[remote]\npushDefault = b\n'
    loaded = config(first, '[remote "b"]\nfetch = x\n')
    assert loaded.sections("remote") == ["b", "a.b"]


def test_a_file_that_is_not_there_is_skipped(tmp_path):
    assert list(load([str(tmp_path / "none"), str(tmp_path / "none/below")]).items()) == []


def test_a_key_without_a_value_is_true(config):
    loaded = config("[core]\nbare\n")
    assert loaded.flag("core.bare")
    assert loaded.get("core.bare") == "true"
    assert list(loaded.items()) == [Setting("core.bare", None)]


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("On", True), ("1", True), ("no", False), ("", False), ("0", False)]
)
def test_flags(config, text, value):
    assert config(f"[a]\nb = {text}\n").flag("a.b") is value


def test_a_flag_that_is_not_set_has_its_default(config):
    assert config("").flag("a.b", True) is True
    assert config("").flag("a.b") is False


@pytest.mark.parametrize(("text", "value"), [("512m", 512 << 20), ("4K", 4096), ("2g", 2 << 30), ("7", 7), ("-1", -1)])
def test_numbers_have_units(config, text, value):
    assert config(f"[core]\nbigFileThreshold = {text}\n").number("core.bigfilethreshold") == value


def test_a_number_that_is_not_set_has_its_default(config):
    assert config("[a]\nb = \n").number("a.b", 5) == 5


@pytest.mark.parametrize("kind", ["flag", "number"])
def test_a_value_of_the_wrong_kind_is_named(config, kind):
    with pytest.raises(ConfigError, match=r"Git's setting a\.b is 'perhaps'"):
        getattr(config("[a]\nb = perhaps\n"), kind)("a.b")


def test_paths_of_files_may_begin_at_home(config):
    loaded = config("[core]\nexcludesFile = ~/ignore\nhooksPath = /h/~/x\n", place=Place(home="/home/ann"))
    assert loaded.file("core.excludesFile") == "/home/ann/ignore"
    assert loaded.file("core.hooksPath") == "/h/~/x"
    assert loaded.file("core.attributesFile", "~/a") == "/home/ann/a"
    assert config("[core]\nexcludesFile = ~/ignore\n").file("core.excludesFile") == "~/ignore"


@pytest.mark.parametrize(
    ("text", "line"),
    [("[a\n", 1), ("[a]\nb = 1\n=\n", 3), ('[a]\n\nb = "x\n', 3), ("[a]\nb = \\q\n", 2), ("[a]\nb c\n", 2),
     ('[a]\nb = "x', 2), ('[a "b\n"]\n', 1)],
)  # fmt: skip
def test_a_file_that_cannot_be_understood_names_its_line(text, line):
    with pytest.raises(ConfigError, match=f"Git's configuration /c cannot be understood in line {line}"):
        parse(text, "/c")


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load([str(tmp_path)])


def test_bytes_that_are_not_utf8_are_kept(tmp_path):
    (tmp_path / "c").write_bytes(b"[user]\nname = J\xfcrgen\n")
    assert os.fsencode(load([str(tmp_path / "c")]).get("user.name")) == b"J\xfcrgen"


def test_an_included_file_takes_the_place_of_its_line(config, tmp_path):
    (tmp_path / "more").write_text("[a]\nb = included\nc = included\n")
    loaded = config("[a]\nb = before\n[include]\npath = more\n[a]\nc = after\n")
    assert (loaded.get("a.b"), loaded.get("a.c")) == ("included", "after")


def test_an_included_file_may_be_missing_or_at_home(config, tmp_path):
    (tmp_path / "more").write_text("[a]\nb = 1\n")
    text = "[include]\npath = nowhere\n[include]\npath = ~/more\n"
    assert config(text, place=Place(home=str(tmp_path))).get("a.b") == "1"
    assert config(text).get("a.b") == ""


def test_files_that_include_each_other_are_refused(config):
    with pytest.raises(ConfigError, match="include each other"):
        config("[include]\npath = config0\n")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [("gitdir:/r/work/", True), ("gitdir:/r/work/.git", True), ("gitdir:work/", True), ("gitdir:/r/wor", False),
     ("gitdir:/R/WORK/", False), ("gitdir/i:/R/WORK/", True), ("gitdir:/r/*/.git", True), ("gitdir:/*/.git", False),
     ("gitdir:/**/.git", True), ("gitdir:~/work/", True), ("gitdir:**/w?rk/**", True), ("gitdir:elsewhere/", False),
     ("onbranch:main", True), ("onbranch:feature/", False), ("onbranch:m*", True), ("onbranch:x", False),
     ("hasconfig:remote.*.url:**", False), ("unknown:x", False)],
)  # fmt: skip
def test_conditional_includes(config, tmp_path, condition, holds):
    (tmp_path / "more").write_text("[a]\nb = 1\n")
    place = Place("/r/work/.git", lambda: "main", "/r")
    assert (config(f'[includeIf "{condition}"]\npath = more\n', place=place).get("a.b") == "1") is holds


def test_a_condition_on_the_branch_of_a_detached_head_does_not_hold(config, tmp_path):
    (tmp_path / "more").write_text("[a]\nb = 1\n")
    loaded = config('[includeIf "onbranch:**"]\npath = more\n', place=Place("/r/.git", lambda: None))
    assert loaded.get("a.b") == ""


def test_a_condition_may_be_relative_to_its_own_file(config, tmp_path):
    (tmp_path / "more").write_text("[a]\nb = 1\n")
    text = '[includeIf "gitdir:./repos/"]\npath = more\n'
    assert config(text, place=Place(f"{tmp_path}/repos/x/.git")).get("a.b") == "1"
    assert config(text, place=Place("/repos/x/.git")).get("a.b") == ""


def test_an_empty_configuration_has_only_defaults():
    assert GitConfig().get("a.b.c", "d") == "d"
