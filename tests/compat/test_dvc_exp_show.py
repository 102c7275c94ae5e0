"""`assay-dvc exp show`, `exp list` and `exp diff` say what real DVC says, of the same repository, value by value."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from tests.dvchistory import BASE, DVC_YAML, LOCK, STATES, TRAINED, History, comparable, named, plain

EACH = int(os.environ.get("PYTEST_EXPERIMENTS", "80")) // 4
"""Experiments of each of four baselines where there are many."""
METRICS = b'{"acc": 0.9}'
MD5 = hashlib.md5(METRICS, usedforsecurity=False).hexdigest()
INSIDE = {"deep/n.json": MD5, "gone.json": "ae" * 16, "m.json": MD5, "p.yaml": MD5}
LISTING = json.dumps([{"md5": md5, "relpath": path} for path, md5 in INSIDE.items()]).encode()
FOLDER_MD5 = hashlib.md5(LISTING, usedforsecurity=False).hexdigest()
FOLDER = "outs:\n- md5: {md5}.dir\n  size: 7\n  nfiles: 4\n  hash: md5\n  path: {path}\n"
CACHED = DVC_YAML.replace("{metrics.json: {cache: false}}", "metrics.json")
STORED = {
    "metrics-in-the-cache": {
        "dvc.yaml": CACHED,
        "dvc.lock": LOCK + TRAINED.format(md5=MD5),
        "metrics.json": None,
    },
    "metrics-in-no-cache": {
        "dvc.yaml": CACHED,
        "dvc.lock": LOCK + TRAINED.format(md5="ab" * 16),
        "metrics.json": None,
    },
    "metrics-never-made": {"dvc.yaml": CACHED, "metrics.json": None},
    "metrics-in-a-folder-in-no-cache": {
        "dvc.yaml": f"metrics: [data/deep/m.json, data, deep/in/m.json]\nparams: [data/p.yaml]\n{DVC_YAML}",
        "data.dvc": FOLDER.format(md5="ac" * 16, path="data"),
        "deep/in.dvc": FOLDER.format(md5="ad" * 16, path="in"),
    },
    "metrics-in-a-folder-in-the-cache": {
        "dvc.yaml": f"metrics: [data/deep, data/m.json, data/gone.json]\nparams: [data/p.yaml, data/q]\n{DVC_YAML}",
        "data.dvc": FOLDER.format(md5=FOLDER_MD5, path="data"),
    },
    "sizes-that-old-files-do-not-say": {
        "data.dvc": "outs:\n- md5: dddddddddddddddddddddddddddddddd\n  path: data\n",
        "dvc.lock": LOCK.replace("      size: 5\n", "").replace("      size: 10\n      nfiles: 2\n", ""),
    },
    "metrics-that-are-a-folder-in-the-cache": {
        "dvc.yaml": f"metrics: [data]\n{DVC_YAML}",
        "data.dvc": FOLDER.format(md5=FOLDER_MD5, path="data"),
    },
}


def numbered(number):
    """An ordinary experiment, or, now and then, one of the odd ones."""
    odd = [changes for name, changes in STATES.items() if "latin" not in name]  # without a pipeline, that ends DVC
    if number % 25 == 0:
        return odd[number // 25 % len(odd)]
    return {
        "params.yaml": f"lr: {number / 1000}\nsplit: {number}\nname: run {number}\n",
        "metrics.json": json.dumps({"acc": number / 997, "step": number, "deep": {"loss": 1 / (number + 1)}}),
        "dvc.lock": LOCK + TRAINED.format(md5=f"f{number % 10:031x}"),
    }


@pytest.fixture(scope="module")
def many(dvc_process):
    """Experiments of four baselines, two of them on the branch, the same names under each."""
    root = dvc_process.new()
    history = History(root, BASE)
    second = history.commit(history.first, {"note": "2"})
    third = history.commit(second, {"dvc.yaml": None, "dvc.lock": None, "note": "no pipeline"})
    aside = history.commit(history.first, {"params.yaml": "lr: 7\n"})
    for at, baseline in enumerate((history.first, second, third, aside)):
        history.experiments(baseline, {f"exp-{number}": numbered(4 * number + at) for number in range(EACH)})
    history.repo.close()
    (root / ".git/refs/heads/main").write_text(third.hex() + "\n")
    write_refs(root, {"refs/heads/aside": aside, "refs/tags/v1": history.first, "refs/tags/v2": aside})
    return root


def write_refs(root, wanted):
    """Refs as files, as only somebody else's tool would write them."""
    for name, commit in wanted.items():
        (root / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / ".git" / name).write_text(commit.hex() + "\n")


@pytest.mark.timeout(900)  # DVC reads each commit by itself, which takes it 40 ms on an idle core
@pytest.mark.parametrize("words", ["-A", "", "-n 2", "-a -T --sha --hide-workspace", "--rev main~1 --rev aside"])
def test_many_experiments(dvc_process, assay_dvc, many, words):
    theirs = dvc_process.run(many, "exp", "show", "--json", *words.split())
    ours = assay_dvc("exp", "show", "--json", *words.split(), cwd=many)
    expected = comparable(theirs.out)
    assert comparable(ours.out) == expected
    if words == "-A":
        assert sum(len(row["experiments"] or ()) for row in expected) == 4 * EACH


@pytest.fixture(scope="module")
def odd(dvc_process):
    """One experiment of every odd kind, and what refs can look like."""
    root = dvc_process.new()
    history = History(root, BASE)
    history.experiments(history.first, {**named(STATES), **STORED})
    chain = [history.commit(history.first, {"params.yaml": "lr: 1\n"})]
    chain += [history.commit(chain[-1], {"params.yaml": "lr: 2\n"})]
    chain += [history.commit(chain[-1], {"params.yaml": "lr: 3\n"})]
    base = history.first.hex()
    other = history.commit(history.first, {"note": "other"})
    on_other = history.commit(chain[1], {})
    middle = chain[1].hex()
    alone = history.commit(other, {})
    refs = {
        f"refs/exps/{base[:2]}/{base[2:]}/chain": chain[-1],
        f"refs/exps/{base[:2]}/{base[2:]}/itself": history.first,
        f"refs/exps/{middle[:2]}/{middle[2:]}/chain": on_other,
        f"refs/exps/{other.hex()[:2]}/{other.hex()[2:]}": alone,
        "refs/heads/other": other,
        "refs/tags/middle": chain[0],
    }
    for name, data in ((MD5, METRICS), (f"{FOLDER_MD5}.dir", LISTING)):
        stored = root / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}"
        stored.parent.mkdir(parents=True)
        stored.write_bytes(data)
    history.repo.close()
    write_refs(root, refs)
    return root


@pytest.mark.parametrize("words", ["", "--param-deps", "-n 0", "--rev=", "--rev middle -n 5", "--hide-workspace -f"])
def test_everything_odd(dvc_process, assay_dvc, odd, words):
    theirs = dvc_process.run(odd, "exp", "show", "--json", *words.split())
    ours = assay_dvc("exp", "show", "--json", *words.split(), cwd=odd)
    assert comparable(ours.out) == comparable(theirs.out)


def test_an_experiment_without_a_name_has_none(assay_dvc, odd):
    rows = json.loads(assay_dvc("exp", "show", "--json", "--rev", "other", cwd=odd).out)
    (found,) = rows[1]["experiments"]
    assert found["name"] == found["revs"][0]["name"] == ""


@pytest.mark.parametrize("words", ["", "-A", "-A --name-only", "--sha-only", "--rev other", "-n -1 --rev middle"])
def test_lists(dvc_process, assay_dvc, odd, words):
    theirs = dvc_process.run(odd, "exp", "list", *words.split())
    assert sorted(assay_dvc("exp", "list", *words.split(), cwd=odd).out.splitlines()) == sorted(theirs.out.splitlines())


PLAIN = {
    "same": {},
    "nan": STATES["metrics nan"],
    "gone": STATES["metrics gone"],
    "broken": STATES["metrics that are none"],
    "full": {
        "params.yaml": "lr: 0.123456789\nsplit: [1, 2.3456789]\nname: {z: 'a [b] c', y: true, x: null}\nk|p: 1\n"
        "acc: 3\nCreated: 5\nö: ä\n",
        "metrics.json": '{"acc": 0.123456789, "big": 123456789, "small": 1e-9, "s": "text [red]x", "up": "日本"}',
    },
    "trained": {"dvc.lock": LOCK + TRAINED.format(md5="f" * 32)},
}


@pytest.fixture(scope="module")
def few(dvc_process):
    root = dvc_process.new()
    history = History(root, BASE)
    history.experiments(history.first, PLAIN)
    history.repo.close()
    return root


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--md",
        "--csv",
        "--only-changed",
        "--only-changed --csv",
        "--drop .* --keep lr",
        "--keep .* --md",
        "--drop Created --drop (split|raw) --sha",
        "--csv --precision 3",
        "--md --precision 2",
        "--csv --sort-by metrics.json:acc",
        "--csv --sort-by lr --sort-order desc",
        "--sort-by big --hide-workspace",
        "--param-deps --md",
    ],
)
def test_tables(dvc_process, assay_dvc, few, words):
    theirs = dvc_process.run(few, "exp", "show", *words.split())
    assert theirs.code == 0
    assert assay_dvc("exp", "show", *words.split(), cwd=few).out == theirs.out


@pytest.mark.parametrize(
    "words", ["show --rev nope", "show --sort-by nope", "show --sort-by acc", "diff nope", "diff HEAD nope"]
)
def test_refusals(dvc_process, assay_dvc, few, words):
    theirs = dvc_process.run(few, "exp", *words.split())
    ours = assay_dvc("exp", *words.split(), cwd=few, code=theirs.code)
    assert ours.out == theirs.out == ""
    matched = "Ambiguous sort column 'acc' matched"
    wanted = matched if matched in theirs.err else theirs.err.split("\n")[0]
    assert wanted in ours.err


@pytest.mark.parametrize(
    "words",
    [
        "",
        "HEAD full",
        "full nan --json",
        "nan nan --json",
        "full nan --no-path --precision 2",
        "HEAD full --md",
        "full --param-deps --json",
        "full --md --no-path",
        "HEAD HEAD --md",
        "gone full --json --all",
        "broken full --json",
    ],
)
def test_differences(dvc_process, assay_dvc, few, words):
    theirs = dvc_process.run(few, "exp", "diff", *words.split())
    ours = assay_dvc("exp", "diff", *words.split(), cwd=few)
    if "--json" in words:
        assert plain(json.loads(ours.out)) == plain(json.loads(theirs.out))
    else:
        assert ours.out == theirs.out


@pytest.mark.parametrize("words", ["metrics-one-value same --json", "same metrics-one-value --json --all"])
def test_differences_of_odd_files(dvc_process, assay_dvc, odd, words):
    theirs = dvc_process.run(odd, "exp", "diff", *words.split())
    assert plain(json.loads(assay_dvc("exp", "diff", *words.split(), cwd=odd).out)) == plain(json.loads(theirs.out))


def test_where_nothing_is_committed(dvc_process, assay_dvc):
    root = dvc_process.new()
    for words in ("show --json", "show --csv", "show", "diff --json", "diff"):
        theirs = dvc_process.run(root, "exp", *words.split())
        assert assay_dvc("exp", *words.split(), cwd=root, code=theirs.code).out == theirs.out
    dvc_process.drop(root)
