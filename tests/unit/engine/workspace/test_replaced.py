"""What `run` and `repro` replace although nothing else has it comes back by `undo`, and it is said."""

from __future__ import annotations

import pytest

SAID = "params.yaml had edits that nothing else has; `assay undo` gives back what it was."


def edit(project) -> str:
    """Edits the params by hand; returns what they are then."""
    text = (project / "params.yaml").read_text().replace("0.1", "0.15") + "# by hand\n"
    (project / "params.yaml").write_text(text)
    return text


def records(project, assay) -> list[str]:
    return [line for line in assay("undo", "--list", cwd=project).out.splitlines() if "run" in line or "repro" in line]


@pytest.mark.law(2)
def test_edits_that_an_override_changes_come_back(project, assay):
    before = edit(project)
    assert SAID in assay("run", "-n", "one", "-S", "train.lr=0.3", cwd=project).err
    assert (project / "params.yaml").read_text() == before.replace("0.15", "0.3")
    assert "Undid run -n one." in assay("undo", cwd=project).out
    assert (project / "params.yaml").read_text() == before
    assay("undo", cwd=project)
    assert (project / "params.yaml").read_text() == before.replace("0.15", "0.3")


def test_what_head_or_an_experiment_has_needs_no_record(project, assay):
    for name, rate in (("one", "0.3"), ("two", "0.4"), ("three", "0.5")):
        assert SAID not in assay("run", "-n", name, "-S", f"train.lr={rate}", cwd=project).err
    assert records(project, assay) == []


def test_edits_come_back_after_a_failure_too(project, assay):
    before = edit(project)
    (project / "train.sh").write_text("exit 3\n")
    assay("run", "-S", "train.lr=0.3", cwd=project, code=255)
    assay("undo", cwd=project)
    assert (project / "params.yaml").read_text() == before


@pytest.mark.law(2)
@pytest.mark.parametrize("words", [("run", "-n", "two", "-f"), ("repro", "-f")])
def test_an_output_that_was_edited_by_hand_comes_back(project, assay, words):
    assay("run", "-n", "one", cwd=project)
    (project / "model.bin").unlink()
    (project / "model.bin").write_text("mine\n")
    said = assay(*words, cwd=project).err
    assert "model.bin was not what its stage wrote" in said
    assert "`assay undo` gives it back." in said
    assert (project / "model.bin").read_text() != "mine\n"
    assay("undo", cwd=project)
    assert (project / "model.bin").read_text() == "mine\n"


def test_edits_and_outputs_of_several_stages_come_back_together(project, assay):
    assay("run", "-n", "one", cwd=project)
    before = edit(project)
    for name in ("data/upper.txt", "model.bin"):
        (project / name).unlink()
        (project / name).write_text(f"my {name}\n")
    assay("run", "-n", "two", "-f", "-S", "train.lr=0.3", cwd=project)
    assert len(records(project, assay)) == 1
    assay("undo", cwd=project)
    assert (project / "params.yaml").read_text() == before
    texts = [(project / name).read_text() for name in ("data/upper.txt", "model.bin")]
    assert texts == ["my data/upper.txt\n", "my model.bin\n"]


def test_an_untouched_run_leaves_no_record(project, assay):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-f", cwd=project)
    assert records(project, assay) == []
