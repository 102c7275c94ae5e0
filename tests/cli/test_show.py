"""`assay show` and `assay list` as typed."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import pytest

from benchmarks import history
from tests.conftest import IDENTITY, Said


def refuse(word):
    raise ValueError(word)


def strict(text):
    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def three(assay, project):
    """A project with three experiments."""
    for name, lr in (("low", "0.01"), ("mid", "0.2"), ("high", "0.9")):
        assay("run", "-n", name, "-S", f"train.lr={lr}", cwd=project)
    return project


def test_the_table_names_experiments_and_what_they_changed(assay, three):
    said = assay("show", cwd=three)
    lines = said.out.splitlines()
    assert lines[0].split() == ["Experiment", "Created", "acc", "loss.val", "train.lr", "train.epochs", "seed"]
    assert [line.split()[0] for line in lines[1:3]] == ["workspace", "main"]
    assert {line.split()[1] for line in lines[3:]} == {"low", "mid", "high"}


def test_every_form_shows_the_same_rows(assay, three):
    names = {row["name"] for row in strict(assay("show", "--json", cwd=three).out)["baselines"][0]["experiments"]}
    lines = list(csv.DictReader(io.StringIO(assay("show", "--csv", cwd=three).out)))
    assert {line["Experiment"] for line in lines if line["State"] == "success"} == names == {"low", "mid", "high"}
    assert sum(name in assay("show", "--md", cwd=three).out for name in names) == 3
    assert sum(f" {name} " in assay("show", cwd=three).out for name in names) == 3


def test_rows_are_chosen_and_ordered(assay, three):
    words = ("show", "--csv", "--hide-workspace", "--where", "acc < 0.5", "--sort-by", "acc", "--sort-order", "desc")
    lines = list(csv.DictReader(io.StringIO(assay(*words, cwd=three).out)))
    assert [line["Experiment"] for line in lines] == ["main", "mid", "low"]
    best = strict(assay("show", "--json", "--sort-by", "acc", "--top", "1", cwd=three).out)
    assert [row["name"] for row in best["baselines"][0]["experiments"]] == ["high"]


def test_columns_are_chosen(assay, three):
    head = assay("show", "--only-changed", "--drop", "loss", "--keep", "seed", cwd=three).out.splitlines()[0]
    assert head.split() == ["Experiment", "Created", "acc", "train.lr", "seed"]


def test_a_broken_metrics_file_is_explained_and_the_rest_shown(assay, project):
    (project / "train.sh").write_text("echo '{\"acc\": oops}' > metrics.json; echo > model.bin\n")
    assay("run", "-n", "broken", cwd=project)
    said = assay("show", cwd=project)
    assert "broken !" in said.out
    assert "! broken: metrics.json, line 1" in said.out
    assert "broken: metrics.json, line 1" in assay("show", "--csv", cwd=project).err
    row = strict(assay("show", "--json", cwd=project).out)["baselines"][0]["experiments"][0]
    assert list(row["errors"]) == ["metrics.json"]
    assert row["params"]["params.yaml"]["seed"] == 7


def test_numbers_that_json_lacks_are_strict_json_and_can_be_asked_for(assay, project):
    (project / "train.sh").write_text('echo \'{"acc": NaN, "loss": Infinity}\' > metrics.json; echo > model.bin\n')
    assay("run", "-n", "odd", cwd=project)
    found = strict(assay("show", "--json", "--where", "loss > 1e300", cwd=project).out)
    assert found["baselines"][0]["experiments"][0]["metrics"]["metrics.json"] == {"acc": "NaN", "loss": "Infinity"}


def test_without_a_baseline_there_is_the_workspace(assay, tmp_path):
    assay("init")
    assert [line.split()[0] for line in assay("show").out.splitlines()] == ["Experiment", "workspace"]
    assert strict(assay("show", "--json").out)["baselines"] == []
    assert assay("list").out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--where", "acc >"), "--where, character 6"),
        (("--where", "nope = 1"), "no experiment shown here has 'nope'"),
        (("--sort-by", "nope"), "--sort-by: no experiment shown here has 'nope'"),
        (("--top", "0"), "--top takes a number"),
        (("--precision", "99"), "--precision takes a number"),
        (("--drop", "("), "--drop: '(' is no regular expression"),
        (("--json", "--csv"), "not allowed with"),
    ],
)
def test_bad_words_are_a_usage_error(assay, three, words, message):
    said = assay("show", *words, cwd=three, code=254)
    assert message in said.err
    assert said.out == ""


def test_list_names_experiments_by_commit(assay, three):
    lines = assay("list", cwd=three).out.splitlines()
    assert lines[0] == "main:"
    assert [line.split()[1] for line in lines[1:]] == ["high", "low", "mid"]
    assert assay("list", "--name-only", cwd=three).out == "high\nlow\nmid\n"
    commits = assay("list", "--sha-only", cwd=three).out.split()
    assert [line.split()[0] for line in lines[1:]] == [commit[:7] for commit in commits]
    assert all(len(commit) == 40 for commit in commits)


def test_list_of_everything_and_of_other_commits(assay, three):
    (three / "notes.txt").write_text("more\n")
    assay("baseline", "-m", "second", cwd=three)
    assert assay("list", cwd=three).out == ""
    assert "high" in assay("list", "-A", "--name-only", cwd=three).out
    assert "high" in assay("list", "--rev", "HEAD~1", "--name-only", cwd=three).out
    assert "high" in assay("list", "-n", "2", "--name-only", cwd=three).out


@pytest.mark.law(4)
def test_show_changes_nothing_but_its_own_index_and_waits_for_no_lock(assay, three):
    before = snapshot(three)
    (three / ".git" / "index.lock").write_text("")
    (three / ".git" / "packed-refs.lock").write_text("")
    assay("show", cwd=three)
    assay("show", "-A", "--json", cwd=three)
    assay("list", "-A", cwd=three)
    (three / ".git" / "index.lock").unlink()
    (three / ".git" / "packed-refs.lock").unlink()
    assert snapshot(three) == before


def snapshot(folder):
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "records.db" not in path.name
    }


HEAVY = {"dulwich", "yaml", "msgpack", "rich", "fsspec", "s3fs", "xxhash", "asyncio"}


@pytest.mark.parametrize("words", [["list", "-A"], ["show"], ["show", "-A"], ["show", "--json"], ["show", "--csv"]])
def test_an_indexed_history_is_shown_without_loading_anything_heavy(assay, three, words):
    assay("show", "-A", cwd=three)
    program = (
        "import sys, contextlib, io\nfrom assay.cli.main import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    assert main({words!r}) == 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.dirname(__file__)))}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=three, check=True, capture_output=True, text=True, env=environment
    )
    assert not HEAVY & set(done.stdout.split())


def test_thousands_of_experiments_are_the_same_cold_and_indexed(assay, tmp_path):
    folder = tmp_path / "many"
    history.write(folder, 1_500)
    shutil.rmtree(folder / ".dvc")
    cold = assay("show", "--json", cwd=folder).out
    assert assay("show", "--json", cwd=folder).out == cold
    rows = strict(cold)["baselines"][0]["experiments"]
    assert [row["name"] for row in rows] == [f"exp-{at:06d}" for at in reversed(range(1_500))]
    best = sorted(rows, key=lambda row: row["metrics"]["results/metrics.json"]["acc"], reverse=True)[:7]
    top = strict(assay("show", "--json", "--sort-by", "acc", "--top", "7", cwd=folder).out)
    assert top["baselines"][0]["experiments"] == best
    deep = [row for row in rows if row["params"]["params.yaml"]["model"]["name"] == "resnet50"]
    wanted = [row for row in deep if "99" in row["name"]]
    where = ("--where", "model.name = 'resnet50' and name ~ '99'")
    assert strict(assay("show", "--json", *where, cwd=folder).out)["baselines"][0]["experiments"] == wanted
    assert assay("list", "--name-only", cwd=folder).out.count("\n") == 1_500


def on_a_terminal(folder, words, columns=80, **environment):
    """What a user sees on a screen of that width; the exit code is the command's."""
    import pty

    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    ours, theirs = pty.openpty()
    environment = {**os.environ, **IDENTITY, "COLUMNS": str(columns), "LINES": "24", "TERM": "xterm", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", *words], cwd=folder, stdout=theirs, env={**environment, "PYTHONPATH": root}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    return Said(process.wait(), shown.decode().replace("\r\n", "\n"), "")


def test_a_terminal_gets_colours_and_what_fits(three):
    said = on_a_terminal(three, ["show"], columns=60)
    assert "\x1b[1m" in said.out
    assert "columns not shown" in said.out
    assert "seed" not in said.out
    assert "seed" in on_a_terminal(three, ["show", "--wide"], columns=60).out


def test_no_colour_where_it_is_not_wanted(three):
    assert "\x1b" not in on_a_terminal(three, ["show"], NO_COLOR="1").out
    assert "\x1b" not in on_a_terminal(three, ["show"], TERM="dumb").out


def test_a_table_longer_than_the_screen_goes_through_the_pager(three):
    pager = f"{sys.executable} -c 'import sys; print(\"PAGED\", len(sys.stdin.readlines()))'"
    assert "PAGED 6" in on_a_terminal(three, ["show"], columns=200, LINES="5", PAGER=pager).out
    assert "PAGED" not in on_a_terminal(three, ["show"], columns=200, LINES="30", PAGER=pager).out
    assert "PAGED" not in on_a_terminal(three, ["show", "--no-pager"], columns=200, LINES="5", PAGER=pager).out
    assert "PAGED" not in on_a_terminal(three, ["show"], columns=200, LINES="5", PAGER=pager, ASSAY_PAGER="").out
