"""DVC's configuration files: read as DVC reads them, written so that DVC reads the same, and the other way round."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.configtext import parse, quoted
from assay.engine.errors import ConfigError

pieces = st.sampled_from(
    ["[", "]", "[a]", "[b]", "[[c]]", "['r \"x\"']", "a", "b", "c", " = ", "=", '"', "'", ",", "#", " ", "\n", "\n    ",
     "x", "%(a)s", "%(b)s", '"""', "'''", "[DEFAULT]", "\t", ".", "%", ";"]
)  # fmt: skip
pairs = st.tuples(st.sampled_from("abcd"), st.lists(pieces, max_size=5).map("".join)).map(" = ".join)
files = st.one_of(
    st.lists(pieces, max_size=14).map("".join),
    st.lists(st.one_of(pairs, st.sampled_from(["[a]", "[b]", "[[c]]", "# x"])), max_size=7).map("\n".join),
)


def flat(tree):
    """Sections by dotted name, as `parse` has them."""
    found = {}

    def add(level, name):
        own = {key: tuple(value) if isinstance(value, list) else value for key, value in level.items()
               if not isinstance(value, dict)}  # fmt: skip
        if own or name:
            found[name] = own
        for key, value in level.items():
            if isinstance(value, dict):
                add(value, f"{name}.{key}" if name else key)

    add(tree, "")
    return found


def ours(text):
    try:
        return parse(text, "config")
    except ConfigError as error:
        return None if "too many quotes" not in error.message else ...


@settings(max_examples=25)
@given(texts=st.lists(files, min_size=30, max_size=60))
def test_every_text_means_what_configobj_says(dvc_process, texts):
    for text, found in zip(texts, dvc_process.ask("configuration", texts=texts)["values"], strict=True):
        mine = ours(text)
        if mine is not ...:
            assert mine == (None if found is None else flat(found)), text


@settings(max_examples=8)
@given(values=st.lists(st.lists(pieces, min_size=1, max_size=5).map("".join), min_size=10, max_size=30))
def test_every_value_is_written_as_configobj_writes_it(dvc_process, values):
    for value, text in zip(values, dvc_process.ask("written", values=values)["values"], strict=True):
        try:
            mine = f"[a]\n    key = {quoted(value)}\n"
        except ConfigError:
            mine = None
        assert mine == text, value


@pytest.fixture
def pair(dvc_process):
    """The same empty DVC repository twice."""
    made = dvc_process.new(), dvc_process.new()
    yield made
    for root in made:
        dvc_process.drop(root)


CHANGES = [
    ("remote.store.url", "../remote"),
    ("core.remote", "store"),
    ("cache.type", "hardlink,symlink"),
    ("exp.auto_push", "true"),
    ("cache.dir", "../cache"),
    ("remote.s3.url", "s3://bucket/x"),
    ("--local", "remote.s3.secret_access_key", "it's #1"),
    ("parsing.bool", "boolean_optional"),
    ("remote.store.url", "/abs"),
    ("db.x.url", "pg://x"),
    ("remote.ann.url", "~/remote"),
    ("cache.shared", "group"),
    ("--local", "core.autostage", "true"),
    ("-u", "cache.type"),
    ("-u", "exp.auto_push"),
    ("--project", "plots.out_dir", ' odd, "one"'),
    ("core.remote", "s3"),
]


def test_a_line_of_changes_leaves_the_same_bytes(pair, assay, dvc_process):
    theirs, mine = pair
    (theirs / ".dvc/config").write_text("")
    (mine / ".dvc/config").write_text("")
    for change in CHANGES:
        done = dvc_process.run(theirs, "config", *change)
        assert done.code == 0, done.err
        assay("config", *change, cwd=mine)
        for name in ("config", "config.local"):
            files = [root / ".dvc" / name for root in pair]
            assert len({file.exists() for file in files}) == 1
            if files[0].exists():
                assert files[0].read_bytes() == files[1].read_bytes(), change


def test_dvc_lists_what_assay_wrote_and_the_other_way_round(pair, assay, dvc_process):
    _, mine = pair
    for change in CHANGES[:8]:
        assay("config", *change, cwd=mine)
    for level in ((), ("--local",), ("--project",)):
        listed = [
            dvc_process.run(mine, "config", "--list", *level).out,
            assay("config", "--list", *level, cwd=mine).out,
        ]
        listed[0] = re.sub("(secret_access_key=).*", r"\1***", listed[0])
        assert len({tuple(sorted(text.splitlines())) for text in listed}) == 1


@pytest.mark.parametrize(
    "change",
    [
        ("core.nothing", "1"),
        ("nothing.core", "1"),
        ("core.autostage", "yes"),
        ("cache.type", "magic"),
        ("cache.shared", "all"),
        ("core.checksum_jobs", "0"),
        ("remote.new.profile", "x"),
        ("-u", "core.remote"),
        ("-u", "remote.full.url"),
        ("--local", "parsing.list", "x"),
    ],
)
def test_both_refuse_the_same_and_write_nothing(pair, assay, dvc_process, change):
    theirs, mine = pair
    for root in pair:
        (root / ".dvc/config").write_text("['remote \"full\"']\n    url = s3://b/x\n    profile = x\n")
    before = [(root / ".dvc/config").read_bytes() for root in pair]
    assert dvc_process.run(theirs, "config", *change).code == 251
    said = assay("config", *change, cwd=mine, code=251)
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1
    assert [(root / ".dvc/config").read_bytes() for root in pair] == before
    assert not (mine / ".dvc/config.local").exists()


def test_all_four_levels_are_found_where_dvc_finds_them(pair, assay, dvc_process, monkeypatch, tmp_path):
    _, mine = pair
    for name in ("system", "global"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"DVC_{name.upper()}_CONFIG_DIR", str(tmp_path / name))
    environment = {f"DVC_{name.upper()}_CONFIG_DIR": str(tmp_path / name) for name in ("system", "global")}
    assay("config", "--system", "core.remote", "one", cwd=mine)
    assay("config", "--global", "core.remote", "two", cwd=mine)
    assert (tmp_path / "system/config").read_text() == "[core]\n    remote = one\n"
    assert assay("config", "core.remote", cwd=mine).out == "two\n"
    assert dvc_process.run(mine, "config", "core.remote", **environment).out == "two\n"
    assay("config", "core.remote", "three", cwd=mine)
    assay("config", "--local", "core.remote", "four", cwd=mine)
    shown = assay("config", "--list", cwd=mine).out
    assert shown == "".join(f"core.remote={name}\n" for name in ("one", "two", "three", "four"))
    assert dvc_process.run(mine, "config", "--list", **environment).out == shown


def test_without_variables_the_xdg_folders_are_looked_in(pair, assay, monkeypatch, tmp_path):
    _, mine = pair
    monkeypatch.delenv("DVC_SYSTEM_CONFIG_DIR")
    monkeypatch.setenv("XDG_CONFIG_DIRS", f"{tmp_path}/etc:/other")
    monkeypatch.setenv("XDG_CONFIG_HOME", f"{tmp_path}/own")
    assay("config", "--system", "core.remote", "one", cwd=mine)
    assay("config", "--global", "core.remote", "two", cwd=mine)
    assert (tmp_path / "etc/dvc/config").exists()
    assert (tmp_path / "own/dvc/config").exists()


def test_what_only_assay_knows_never_gets_into_dvcs_files(pair, assay, dvc_process):
    _, mine = pair
    before = (mine / ".dvc/config").read_bytes()
    for words in (("user.name", "Ann"), ("--local", "gc.grace", "1d"), ("--system", "user.email", "a@b")):
        said = assay("config", *words, cwd=mine, code=251)
        assert "DVC would refuse" in said.err
    assay("config", "--global", "user.name", "Ann", cwd=mine)
    assert assay("config", "user.name", cwd=mine).out == "Ann\n"
    assert (mine / ".dvc/config").read_bytes() == before
    assert dvc_process.run(mine, "status").code == 0


def test_keys_that_nobody_knows_are_kept_and_do_no_harm(pair, assay):
    _, mine = pair
    text = "stray = 1\n[odd]\n    key = a, b\n    [[deep]]\n        x = 1\n[core]\n    new_key = 1\n"
    (mine / ".dvc/config").write_text(text)
    assay("status", cwd=mine)
    assay("config", "core.remote", "x", cwd=mine)
    assert (mine / ".dvc/config").read_text() == text + "    remote = x\n"


@pytest.mark.parametrize(
    "text",
    [
        "what\n",
        "[core\n",
        "[core]\n[core]\n",
        "[cache]\n    dir = 'x\n",
        "[core]\n    a = %(b)s\n",
        "[cache]\n    dir = ~bob/x\n",
    ],
)
def test_a_malformed_configuration_is_one_sentence(pair, assay, text):
    _, mine = pair
    (mine / ".dvc/config").write_text(text)
    for words in (("status",), ("add", ".dvcignore"), ("config", "core.remote", "x")):
        said = assay(*words, cwd=mine, code=251)
        assert len(said.err.splitlines()) <= 2
        assert said.err.startswith("error: ")
    assert (mine / ".dvc/config").read_text() == text
    assert sorted(path.name for path in mine.iterdir()) == [".dvc", ".git"]


def test_a_configuration_that_is_not_text_or_not_a_file(pair, assay):
    theirs, mine = pair
    (mine / ".dvc/config").write_bytes(b"\xff\xfe")
    (theirs / ".dvc/config").unlink()
    (theirs / ".dvc/config").mkdir()
    for root in pair:
        assert "cannot be read" in assay("status", cwd=root, code=251).err


def test_a_relative_cache_is_the_same_folder_for_both(pair, assay, dvc_process):
    theirs, mine = pair
    for root in pair:
        (root / "sub").mkdir()
        (root / "data").write_text("1\n")
    dvc_process.run(theirs / "sub", "config", "cache.dir", "../store")
    assay("config", "cache.dir", "../store", cwd=mine / "sub")
    dvc_process.run(theirs, "add", "data")
    assay("add", "data", cwd=mine)
    name = "files/md5/b0/26324c6904b2a9cb4b88d6d61c81d1"
    assert (theirs / "store" / name).read_bytes() == (mine / "store" / name).read_bytes()
    assert dvc_process.run(mine, "status").out == "Data and pipelines are up to date.\n"
    assert not subprocess.run(["git", "status", "--short", "-uall"], cwd=mine, capture_output=True).stdout.count(
        b"store/"
    )
