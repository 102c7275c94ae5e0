"""The queue in DVC's words, beside real DVC: the same lines and exit codes; and both queues in one project."""

from __future__ import annotations

import json
import re
import time

import pytest

from assay.engine.queue.roster import workers
from tests.dvcexps import Both

FILES = {
    "dvc.yaml": "stages: {train: {cmd: sh train.sh, deps: [train.sh], params: [lr], "
    "metrics: [{m.json: {cache: false}}]}}\n",
    "params.yaml": "lr: 1\nflag: true\n",
    "train.sh": 'lr=$(sed -n \'s/lr: //p\' params.yaml)\n[ $lr = 13 ] && exit 3\necho "{\\"acc\\": $lr}" > m.json\n',
}


@pytest.fixture
def both(dvc_process, git):
    """The same project twice."""
    made = Both(dvc_process, git, FILES)
    yield made
    made.drop()


def same(both, assay_dvc, *words):
    """Runs a command in both: the same result, sentence and code, whatever hint we add."""
    theirs, ours = both.dvc.run(both.theirs, *words), assay_dvc(*words, cwd=both.ours, code=None)
    assert (ours.code, plain(ours.out)) == (theirs.code, plain(theirs.out)), words
    assert ours.err.splitlines()[:1] == theirs.err.splitlines()[:1], words
    return plain(ours.out)


def plain(text):
    """Without ids and times."""
    return re.sub(r"\b[0-9a-f]{7}\b|[0-9]{2}:[0-9]{2} [AP]M", "#", text)


WRONG = [
    "logs one",
    "logs nope",
    "kill",
    "kill one",
    "remove",
    "remove one two nope",
    "remove one --all",
    "remove --failed",
    "stop",
]


def test_queueing_and_taking_away_say_the_same(both, assay_dvc):
    words = ["exp", "run", "--queue", "-n"]
    assert same(both, assay_dvc, *words, "one", "-S", "lr=2").count("\n") == 2
    assert same(both, assay_dvc, *words, "two") == "Queued experiment 'two' for future execution.\n"
    assert same(both, assay_dvc, *words, "g", "-S", "lr=3,4", "-S", "flag=false").count("\n") == 4
    both.write({"x.json": '{"a": 1}'})
    same(both, assay_dvc, *words, "h", "-S", "lr=range(5,7)", "-S", "x.json:+b=text")
    listed = same(both, assay_dvc, "queue", "status")
    assert re.findall(r"(\S+) +# +Queued", listed) == ["one", "two", "g-1", "g-2", "h-1", "h-2"]
    for wrong in WRONG:
        same(both, assay_dvc, "queue", *wrong.split())
    same(both, assay_dvc, "queue", "remove", "g-2", "one")
    same(both, assay_dvc, "exp", "remove", "h-1")
    same(both, assay_dvc, "exp", "remove", "h-1")
    for last in ("exp remove --queue", "exp remove --queue", "queue status", "exp run --run-all"):
        same(both, assay_dvc, *last.split())


def test_what_our_queue_makes_is_dvcs_to_use_while_dvcs_own_queue_waits(both, assay_dvc):
    root = both.ours
    assert both.dvc.run(root, "exp", "run", "--queue", "-n", "theirs", "-S", "lr=5").code == 0
    assay_dvc("exp", "run", "--queue", "-n", "mine", "-S", "lr=7,13", cwd=root)
    done = assay_dvc("exp", "run", "--run-all", "-j", "2", cwd=root, code=255)
    assay_dvc("queue", "stop", cwd=root)
    deadline = time.monotonic() + 120
    while workers(str(root / ".git/assay/queue")):  # which would write into a folder that is being removed
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "\nRan experiment(s): mine-1\n" in done.out
    assert "DVC's own queue has 1 task as well" in done.err
    rows = {row["name"]: row for row in json.loads(assay_dvc("exp", "show", "--json", cwd=root).out)[1]["experiments"]}
    states = {name: row["executor"]["state"] for name, row in rows.items()}
    assert states == {"mine-1": "success", "mine-2": "failed", "theirs": "queued"}
    (theirs,) = [row for row in both.shown(root)[1]["experiments"] if row["name"] == "mine-1"]
    assert theirs["revs"] == rows["mine-1"]["revs"]
    assert "[mine-1]" in both.did(root, "exp", "list").out
    both.did(root, "exp", "apply", "mine-1")
    assert (root / "m.json").read_text() == '{"acc": 7}\n'
    assert "theirs" in both.did(root, "queue", "status").out
