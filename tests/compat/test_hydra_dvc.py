"""What Hydra composes, byte for byte what DVC has it compose; and the experiment that comes of it."""

from __future__ import annotations

import os

import pytest

from assay.cli.composer import compose
from assay.engine.errors import Refused
from assay.engine.ports import Configuration
from tests.filetree import write

FILES = {
    "conf/config.yaml": "defaults:\n  - db: mysql\n  - optional model: none\n  - _self_\nlr: 1e-5\nn: 1\nflag: yes\n"
    "url: ${db.host}/${oc.env:NOT_SET,x}\nmust: ???\nempty: {}\nnone: null\ntext: 'a: b'\nlong: " + "word " * 40 + "\n"
    "list: [1, [2, 3], {a: é}]\nwhen: 2024-01-01\nlines: |\n  one\n  two\n'on': 'yes'\n",
    "conf/db/mysql.yaml": "host: here\nports: {a: 1}\n",
    "conf/db/postgres.yaml": "host: there\n",
    "conf/model/big.yaml": "# @package _global_\nlr: 2\nlayers: [1, 2]\n",
    "other.yaml": "seed: 1\n",
    "dvc.yaml": "stages:\n  a:\n    cmd: cp params.yaml out\n    params: [params.yaml: , other.yaml: ]\n"
    "    outs: [out]\n",
}
WORDS = [
    [],
    ["db=postgres"],
    ["db=postgres", "+db.extra=1", "++n=2", "~text"],
    ["+db@copy=postgres", "list=[a,b]"],
    ["model=big", "lr=1e-7"],
    ["db.ports={a: null}", "text='${n}, ${list}'", "none=nan"],
    ["+many=sort([3,1,2])", "++text='x: y'"],
]
MORE = [  # runs like those above, whose values alone are others
    ["db=postgres", "+db.extra=[a,{b: c}]", "++n=text", "~text"],
    ["+db@copy=postgres", "list=[]"],
    ["model=big", "lr=${n}"],
    ["db.ports={a: [1]}", "text='${db}'", "none=null"],
]
REFUSED = [["db=nope"]]


@pytest.fixture
def pair(dvc_process, git):
    """A project that composes, for DVC and for assay."""
    theirs = dvc_process.new()
    ours = theirs.with_name(f"{theirs.name}-assay")
    for root in (theirs, ours):
        write(
            root,
            FILES
            | {".dvc/config": "[hydra]\n    enabled = true\n", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"},
        )
        git("init", "-q", cwd=root)
        git("add", "-A", cwd=root)
        git("commit", "-qm", "first", cwd=root)
    yield theirs, ours
    dvc_process.drop(theirs)
    dvc_process.drop(ours)


def test_the_text_is_that_of_dvc(dvc_process, pair, hydra):
    theirs, ours = pair
    configuration = Configuration(f"{ours}/conf", "", "config", f"{ours}/")
    found = compose(configuration, [*WORDS, *MORE, *WORDS], str(ours), {"PATH": os.environ["PATH"]})
    texts = dvc_process.ask("compose", theirs, name="config", cases=[*WORDS, *MORE])["texts"]
    assert [[text] for text in found] == [*texts, *texts[: len(WORDS)]]


def test_both_refuse_with_the_same_sentence(dvc_process, pair, hydra):
    theirs, ours = pair
    refused = dvc_process.ask("compose", theirs, name="config", cases=REFUSED)["texts"]
    assert all(isinstance(answer, str) for answer in refused)
    for words, answer in zip(REFUSED, refused, strict=True):
        with pytest.raises(Refused) as caught:
            compose(Configuration(f"{ours}/conf", "", "config", f"{ours}/"), [words], str(ours), {})
        assert caught.value.message.removeprefix("Hydra cannot compose the parameters: ").split(".")[0] in answer


def test_an_experiment_is_that_of_dvc(dvc_process, pair, assay_dvc, git, hydra):
    theirs, ours = pair
    words = ["exp", "run", "-n", "one", "-S", "db=postgres", "-S", "other.yaml:seed=2"]
    assert dvc_process.run(theirs, *words).code == 0
    assay_dvc(*words, cwd=ours)
    trees = [
        git(
            "ls-tree",
            "-r",
            git("for-each-ref", "--format=%(objectname)", "refs/exps/*/*/*", cwd=root).strip(),
            cwd=root,
        )
        for root in (theirs, ours)
    ]
    assert set(trees[0].splitlines()) ^ set(trees[1].splitlines()) == set()
    assert (theirs / "params.yaml").read_bytes() == (ours / "params.yaml").read_bytes()
