"""The demo on a machine with nothing, installed from a folder of wheels; its figures are computed again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import restricted
from tests.programs import ROOT, find_bubblewrap

CHECK = """\
import json, subprocess, sys
import joblib, numpy
rows = json.load(open("rows.json"))
for row in rows:
    subprocess.run([sys.executable, "-m", "assay", "--cd", "demo/digits", "apply", row["name"]], check=True)
    test = numpy.load("demo/digits/data/test.npz")
    model = joblib.load("demo/digits/model.joblib")
    accuracy = float((model.predict(test["x"]) == test["y"]).mean())
    assert abs(accuracy - row["metrics"]["metrics.json"]["accuracy"]) < 1e-6, row
    assert len(model.estimators_) == row["params"]["params.yaml"]["forest"]["n_estimators"]
    share = len(test["y"]) / 1797
    assert abs(share - row["params"]["params.yaml"]["split"]["test_size"]) < 0.001
print("checked", len(rows))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A virtual environment made from a folder of wheels, with no index to ask."""
    top = tmp_path_factory.mktemp("install")
    wheels = top / "wheels"
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", "-q", "-w", str(wheels), f"{ROOT}[demo]"], check=True, cwd=top)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(top / "venv")], check=True)
    inside = [*pip, "--python", str(top / "venv/bin/python"), "install", "-q", "--no-compile", "--no-index"]
    subprocess.run([*inside, "--find-links", str(wheels), "assay[demo]"], check=True, cwd=top)
    return top / "venv"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_works_on_a_machine_with_nothing(installed, tmp_path):
    bubblewrap = find_bubblewrap()
    if bubblewrap is None:
        pytest.skip("needs bubblewrap")
    inside = restricted.command(bubblewrap, installed, tmp_path)
    # What is imported is compiled by whoever imports it first; compiling everything takes longer than the demo.
    inside += ["--unsetenv", "PYTHONDONTWRITEBYTECODE", "--setenv", "PYTHONPYCACHEPREFIX", "/sandbox/.compiled"]

    def run(*words: str) -> str:
        done = subprocess.run([*inside, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for program in ("git", "gcc", "cc", "ls", "cat"):
        assert subprocess.run(
            [*inside, "sh", "-c", f"command -v {program}"], capture_output=True, check=False
        ).returncode
    run("assay", "init")  # the demo keeps out of a repository that it happens to lie in
    out = run("assay", "demo", "demo")
    assert (tmp_path / "demo/digits/.git").is_dir()
    assert out.count("$ assay run -n ") == 4
    assert "$ assay clone remote clone" in out
    tables = [
        json.loads(run("assay", "--cd", f"demo/{name}", "show", "--json", "--hide-workspace"))
        for name in ("digits", "clone")
    ]
    assert tables[0]["baselines"] == tables[1]["baselines"]
    rows = tables[0]["baselines"][0]["experiments"]
    settings = [
        (row["params"]["params.yaml"]["split"]["test_size"], row["params"]["params.yaml"]["forest"]["n_estimators"])
        for row in rows
    ]
    assert {(0.40, 7), (0.15, 70)} <= set(settings)
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "check.py").write_text(CHECK)
    assert "checked 4" in run("python", "check.py")


@pytest.mark.slow
def test_without_scikit_learn_one_sentence_says_how_to_get_it(assay_process, tmp_path):
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked/sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'sklearn' else find(name, *rest)\n"
    )
    path = f"{tmp_path / 'blocked'}:{ROOT}"
    said = assay_process("demo", cwd=tmp_path, code=255, env={"PYTHONPATH": path})
    assert "pip install 'assay[demo]'" in said.err
    assert not (tmp_path / "assay-demo").exists()


def test_the_demo_leaves_a_folder_with_files_alone(assay, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine.txt").write_text("mine")
    assert "not empty" in assay("demo", "full", cwd=tmp_path, code=1).err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
