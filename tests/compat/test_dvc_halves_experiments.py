"""Experiments, half by DVC and half by assay: after every step the same files, experiments, branches and trees."""

from __future__ import annotations

import json

from tests.halves import COMMITTED, SAME_WORDS, WAYS, all_ways

FILES = {
    "dvc.yaml": """\
stages:
  prepare:
    cmd: mkdir -p data && cp raw.txt data/one.txt && tr a-z A-Z < raw.txt > data/two.txt
    deps:
    - raw.txt
    outs:
    - data
  train:
    cmd: sh train.sh
    deps:
    - data
    - train.sh
    params:
    - lr
    - deep.depth
    outs:
    - model.bin
    metrics:
    - metrics.json:
        cache: false
""",
    "params.yaml": "# how fast\nlr: 0.1\ndeep:\n  depth: 3\n",
    "raw.txt": "hello\n",
    "train.sh": """\
lr=$(sed -n 's/^lr: *\\([^ ]*\\).*/\\1/p' params.yaml)
cat data/two.txt params.yaml > model.bin
printf '{"acc": %s}\\n' "$lr" > metrics.json
""",
}


def test_run_save_apply_branch_rename_remove(both):
    steps = [
        ["repro"],
        COMMITTED,
        ["exp", "run", "-n", "one", "-S", "lr=0.15"],
        ["exp", "run", "-n", "two", "-S", "lr=0.2"],
        {"params.yaml": FILES["params.yaml"].replace("0.1", "0.3"), "train.sh": FILES["train.sh"] + "# edited\n"},
        ["repro"],
        ["exp", "save", "-n", "three"],
        ["exp", "apply", "one"],
        ["exp", "apply", "three"],
        ["exp", "branch", "two", "second"],
        ["exp", "rename", "two", "zwei"],
        ["exp", "run", "-n", "four", "-S", "deep.depth=5"],
        ["exp", "remove", "one"],
        ["exp", "apply", "zwei"],
        ["status"],
    ]
    roots = all_ways(both, FILES, steps, ways=SAME_WORDS)
    shown = [table(both.does(way[1], root, "exp", "show", "--json")) for way, root in roots.items()]
    assert shown[1:] == shown[:1] * 2
    listed = [both.does(who, roots["VD"], "exp", "list", "--name-only") for who in "DV"]
    assert listed[0] == listed[1]
    for words in (
        ["exp", "diff", "four", "zwei"],
        ["exp", "diff"],
        ["metrics", "diff", "four"],
        ["params", "diff", "zwei"],
    ):
        said = [json.loads(both.does(who, roots[way], *words, "--json")) for way in ("DV", "VD") for who in "DV"]
        assert said[1:] == said[:1] * 3, words


def test_the_same_with_assays_own_words(both):
    steps = [
        ["exp", "run", "-n", "one"],
        COMMITTED,
        ["exp", "run", "-n", "two", "-S", "lr=0.2"],
        ["exp", "apply", "one"],
        ["exp", "rename", "two", "zwei"],
        ["exp", "save", "-n", "three"],
        ["exp", "remove", "one"],
        ["exp", "apply", "zwei"],
    ]
    all_ways(both, FILES, steps, ways=WAYS)


def test_what_one_tool_ran_the_other_takes_from_the_run_cache(both):
    steps = [
        ["exp", "run", "-n", "one", "-S", "lr=0.2"],
        ["exp", "run", "-n", "two", "-S", "lr=0.3"],
        ["exp", "run", "-n", "three", "-S", "lr=0.2"],
        ["exp", "run", "-n", "four", "-S", "lr=0.3"],
    ]
    files = {
        **FILES,
        "train.sh": "echo ran >> ../ran.log\n" + FILES["train.sh"],
    }
    for root in all_ways(both, files, steps, ways=SAME_WORDS).values():
        assert "three" in both.does("D", root, "exp", "list", "--name-only")


def test_edited_data_and_untracked_files_join_an_experiment_alike(both):
    data = {"big.csv": "1\n2\n"}
    steps = [
        ["repro"],
        data,
        ["add", "big.csv"],
        COMMITTED,
        {"big.csv": "3\n", "new.txt": "new\n", "more/deep.txt": "deep\n"},
        ["exp", "run", "-n", "one"],
        ["exp", "save", "-n", "two", "-I", "new.txt", "-I", "more"],
        {"big.csv": "4\n"},
        ["exp", "save", "-n", "three"],
        ["exp", "apply", "two"],
        ["exp", "apply", "one"],
    ]
    all_ways(both, FILES, steps, ways=SAME_WORDS)


def test_experiments_of_a_project_below_the_repository(both):
    steps = [
        ["repro"],
        COMMITTED,
        ["exp", "run", "-n", "one", "-S", "lr=0.5"],
        ["exp", "save", "-n", "two"],
        ["exp", "apply", "one"],
        ["exp", "run", "-n", "three", "-S", "lr=0.7"],
    ]
    roots = all_ways(both, FILES, steps, below="ml/first", ways=SAME_WORDS)
    assert len({both.does("V", root, "exp", "list", "--name-only") for root in roots.values()}) == 1


def table(text):
    """What `exp show --json` says without commits, times and the order of experiments."""
    found = []
    for baseline in json.loads(text):
        rows = [row for item in baseline["experiments"] or () for row in item["revs"]]
        for row in (baseline, *sorted(rows, key=lambda row: row["name"] or "")):
            data = row["data"] or {}
            found.append((row["name"], data.get("params"), data.get("metrics"), data.get("deps"), data.get("outs")))
    return found


def test_a_history_that_mixes_both_is_shown_kept_and_applied_by_both(both):
    root = both.make(FILES)
    for number, who in enumerate("DVDV"):
        other = "V" if who == "D" else "D"
        both.does(who, root, "repro")
        both.git("add", "-A", cwd=root)
        both.git("commit", "-qm", f"baseline {number}", cwd=root)
        both.does(who, root, "exp", "run", "-n", f"{who}-{number}", "-S", f"lr=0.{number}1")
        both.does(other, root, "exp", "run", "-n", f"{other}-{number}", "-S", f"lr=0.{number}2")
        (root / "raw.txt").write_text(f"text {number}\n")
    both.git("tag", "old", "HEAD~2", cwd=root)
    names = {f"{who}-{number}" for who in "DV" for number in range(4)}
    assert {*both.does("D", root, "exp", "list", "-A", "--name-only").split()} == names
    assert {*both.does("V", root, "exp", "list", "-A", "--name-only").split()} == names
    shown = [json.loads(both.does(who, root, "exp", "show", "--json", "-n", "4")) for who in "DV"]
    assert shown[0][1:] == shown[1][1:]
    before = {path for path in (root / ".dvc/cache/files").rglob("*") if path.is_file()}
    for who in "VD":
        both.does(who, root, "gc", "-w", "--all-commits", "--all-experiments", "-f")
    kept = {path for path in (root / ".dvc/cache/files").rglob("*") if path.is_file()}
    assert kept <= before
    for number in (3, 0, 2, 1):
        for who, name in (("V", f"D-{number}"), ("D", f"V-{number}")):
            both.does(who, root, "exp", "apply", name)
            assert (root / "metrics.json").read_text() == json.dumps({"acc": lr_of(root)}) + "\n"
            assert f"lr: {lr_of(root)}\n" in (root / "model.bin").read_text()
    both.git("gc", "-q", "--prune=now", cwd=root)
    both.healthy(root)


def lr_of(root):
    """The parameter of the workspace."""
    return float((root / "params.yaml").read_text().partition("lr: ")[2].split()[0])
