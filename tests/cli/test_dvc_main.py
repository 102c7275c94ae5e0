"""The frame of `assay-dvc`: its table of verbs, DVC's common options, version, errors, laziness."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from assay.cli.dvc.main import ALIASES, LATER, VERBS, module_of
from tests.programs import ROOT


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_table_is_a_module_with_help(assay_dvc, verb, capsys):
    assert callable(module_of(verb).run)
    with pytest.raises(SystemExit) as ended:
        assay_dvc(*verb.split(), "--help")
    assert ended.value.code == 0


def test_no_verb_is_both_here_and_to_come():
    assert not set(VERBS) & set(LATER)
    firsts = {name.partition(" ")[0] for name in (*VERBS, *LATER)}
    assert all(target in VERBS or target in LATER or target in firsts for target in ALIASES.values())


def test_the_version_begins_with_a_number_that_editors_know(assay_dvc):
    out = assay_dvc("--version").out
    assert out == assay_dvc("-V").out
    assert re.match(r"^(\d+\.)?(\d+\.)?(\*|\d+)", out).group() == "3.67.1"


def test_a_verb_to_come_says_so(assay_dvc):
    assert assay_dvc("studio", "login", code=255).err.startswith("ERROR: assay has no 'studio login' yet.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "There is no command"),
        (["exp"], "needs one more word"),
        (["exp", "nope"], "no command 'exp nope'"),
        (["nope"], "no command 'nope'"),
        (["rooot"], "Did you mean 'root'?"),
        (["root", "extra"], "unrecognized arguments: extra"),
        (["--nope", "root"], "no option '--nope'"),
        (["--cd"], "--cd needs a folder"),
        (["--cd", "nowhere", "root"], "nowhere is not a folder"),
        (["root", "-q", "-v"], "not allowed with"),
    ],
)
def test_words_that_make_no_command_end_with_dvcs_code(assay_dvc, words, said):
    answer = assay_dvc(*words, code=254)
    assert answer.err.startswith("ERROR: ")
    assert said in answer.err
    assert answer.out == ""


def test_common_options_stand_before_and_after_the_verb(assay_dvc, tmp_path):
    (tmp_path / "sub/.dvc").mkdir(parents=True)
    for words in (["-v", "root"], ["root", "-v"], ["root", "--show-stack"], ["--wait-for-lock", "-v", "root"]):
        assert assay_dvc("--cd", "sub", *words).out == ".\n"
    assert assay_dvc("--cd=sub", "root").out == ".\n"


def test_the_beginning_of_an_option_is_enough_as_in_dvc(assay_dvc, tmp_path):
    (tmp_path / ".dvc").mkdir()
    assert assay_dvc("root", "--verb").out == ".\n"


def test_quiet_leaves_only_tables_on_stdout_as_dvc_does(assay_dvc, tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    (tmp_path / "dvc.yaml").write_text("stages: {a: {cmd: 'true'}}")
    for words in (["-q", "root"], ["root", "-q"], ["config", "-l", "-q"], ["dag", "-q"]):
        assert assay_dvc(*words).out == ""
    assert assay_dvc("stage", "list", "-q").out.startswith("a")


def test_the_root_is_told_from_where_one_is(assay_dvc, tmp_path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "a/b").mkdir(parents=True)
    assert assay_dvc("root", cwd=tmp_path / "a/b").out == "../..\n"


def test_outside_a_project_is_dvcs_code(assay_dvc):
    assert assay_dvc("root", code=253).out == ""


def modules_of(command, words, folder):
    code = (
        "import sys, json, contextlib, io\n"
        f"from {command} import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main({words!r})\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(ROOT), "HOME": "/"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, env=environment)
    return {name for name in json.loads(done.stdout) if not name.startswith("assay.cli.")}


def test_starting_loads_no_more_than_the_other_command_does(tmp_path):
    (tmp_path / ".dvc").mkdir()
    assert modules_of("assay.cli.dvc.main", ["--version"], tmp_path) <= modules_of(
        "assay.cli.main", ["--version"], tmp_path
    )
    assert modules_of("assay.cli.dvc.main", ["root"], tmp_path) <= modules_of("assay.cli.main", ["status"], tmp_path)


def table():
    """The first cell of every row of the table of commands, and the last."""
    text = (ROOT / "docs/coming-from-dvc.md").read_text().partition("## Commands")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    assert {len(row) for row in rows} == {5}
    return [(row[0], row[4].strip()) for row in rows]


@pytest.mark.parametrize("verb", [*VERBS, *LATER])
def test_the_documentation_says_of_every_verb_what_there_is(verb):
    found = [last for first, last in table() if re.search(rf"`dvc {verb}[ `]", first)]
    assert found
    is_missing = [last == "all of it" or f"`assay-dvc {verb}`: all of it" in last for last in found]
    assert all(is_missing) if verb in LATER else not any(is_missing)
