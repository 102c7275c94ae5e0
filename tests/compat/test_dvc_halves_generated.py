"""Generated projects that DVC and assay reproduce by turns: every turn leaves what DVC alone would have left.

Of three twins DVC takes every turn of the first; the second is begun by DVC and gone on with by assay, the third the
other way round. PYTEST_DVC_HALVES_CASES says how many projects.
"""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.filetree import write
from tests.halves import Both, differing, picture
from tests.pipelines import Case, cases

CASES = int(os.environ.get("PYTEST_DVC_HALVES_CASES", "4"))
TURNS = {"DVC alone": "DDDDDDDDDD", "DVC first": "DADADADADA", "assay first": "ADADADADAD"}


@pytest.mark.timeout(1200)
def test_turn_by_turn(dvc_process, assay, assay_dvc, git, monkeypatch):
    both = Both(dvc_process, assay, assay_dvc, git)
    monkeypatch.setenv("SHELL", "/bin/sh")

    @settings(max_examples=CASES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(cases())
    def one(case: Case) -> None:
        roots = {name: dvc_process.new() for name in TURNS}
        try:
            judge(both, case, roots, monkeypatch)
        finally:
            for root in roots.values():
                shutil.rmtree(root)

    one()


def judge(both, case, roots, monkeypatch):
    lines = [f"    {key.removeprefix('parsing.')} = {value}\n" for key, value in case.config.items()]
    config = {".dvc/config": "[parsing]\n" + "".join(lines)} if lines else {}
    for root in roots.values():
        write(root, {**case.files, **config})
    for turn, edit in enumerate([{}, *case.edits]):
        codes, found = {}, {}
        for name, root in roots.items():
            write(root, {path: text for path, text in edit.items() if text is None or not (root / path).is_dir()})
            ran = f"{root}.ran"
            monkeypatch.setenv("RAN", ran)
            if TURNS[name][turn] == "D":
                said = both.dvc.run(root, "repro", "-P", RAN=ran)
            else:
                said = both.assay("repro", "-P", cwd=root, code=None)
            codes[name], found[name] = (said.code, said.err), picture(root)
        first, *others = TURNS
        for name in others:
            assert bool(codes[name][0]) == bool(codes[first][0]), (turn, name, codes)
        if codes[first][0]:
            return  # they need not have come equally far
        for name in others:
            wrong = {
                path: pair for path, pair in differing(found[name], found[first]).items() if not is_spare(path, pair)
            }
            assert not wrong, f"turn {turn} of {name}: {wrong}\n{case}"


def is_spare(path, pair):
    """Whether it is in the cache, and DVC would not have kept it there: an output that was about to be overwritten."""
    ours, theirs = pair
    if theirs is not None or not path.startswith(".dvc/cache/files/md5/"):
        return False
    digest = path.removeprefix(".dvc/cache/files/md5/").replace("/", "").removesuffix(".dir")
    return hashlib.md5(ours[1], usedforsecurity=False).hexdigest() == digest
