"""What the stages of an experiment are told: which it is, and where somebody may watch it."""

from __future__ import annotations

import pytest

STUDIO = "[studio]\n    token = secret\n    repo_url = git@host:us/it\n"
PLAIN = {"DVC_EXP_BASELINE_REV", "DVC_EXP_NAME", "DVC_ROOT", "DVC_STAGE"}


def told(project, assay, config, **environment):
    """The variables that a stage finds."""
    (project / ".assay/config.local").write_text(config)
    text = "stages:\n  look:\n    cmd: env | sort > said\n    always_changed: true\n    outs: [said]\n"
    (project / "dvc.yaml").write_text(text)
    assay("run", "-n", "one", "-f", cwd=project)
    ours = ("DVC_EXP_", "DVC_ROOT=", "DVC_STAGE=", "DVC_STUDIO_")
    return dict(line.split("=", 1) for line in (project / "said").read_text().splitlines() if line.startswith(ours))


def test_stages_know_their_experiment(project, assay, git):
    found = told(project, assay, "")
    assert set(found) == PLAIN
    assert found["DVC_EXP_NAME"] == "one"
    assert found["DVC_EXP_BASELINE_REV"] == git("rev-parse", "HEAD", cwd=project)
    assert found["DVC_ROOT"] == str(project)


def test_what_is_needed_to_watch_is_handed_on_and_kept_nowhere(project, assay, git):
    assert told(project, assay, STUDIO)["DVC_STUDIO_TOKEN"] == "secret"
    (project / "said").unlink()
    objects = git("cat-file", "--batch-all-objects", "--batch", cwd=project)
    logs = "".join(path.read_text() for path in (project / ".git/assay/logs").rglob("*") if path.is_file())
    assert "secret" not in objects + logs


@pytest.mark.parametrize("config", [STUDIO + "    offline = true\n", "[studio]\n    url = https://studio\n"])
def test_nothing_is_handed_on_offline_or_without_a_token(project, assay, config):
    assert set(told(project, assay, config)) == PLAIN


def test_a_variable_that_is_set_already_wins(project, assay, monkeypatch):
    monkeypatch.setenv("DVC_STUDIO_TOKEN", "mine")
    found = told(project, assay, STUDIO)
    assert (found["DVC_STUDIO_TOKEN"], found["DVC_STUDIO_REPO_URL"]) == ("mine", "git@host:us/it")
