"""A run in a folder of its own: where it starts, what it leaves in the workspace (nothing), what it keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import IDENTITY
from tests.filetree import picture, write
from tests.programs import find_bubblewrap
from tests.restricted import another_user

WHERE = "import os\nopen('where.txt', 'w').write(os.getcwd() + '|' + os.environ['DVC_ROOT'])\n"


def files_of(git, project, name):
    """The content of the files of an experiment, by path."""
    ref = git("for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}", cwd=project).strip()
    paths = git("ls-tree", "-r", "--name-only", ref, cwd=project).split()
    return {path: git("show", f"{ref}:{path}", cwd=project) for path in paths}


def leftovers(project):
    """What runs of their own leave behind: worktrees, folders, locks."""
    places = (".git/worktrees", ".assay/tmp/runs", ".git/assay/runs", ".git/assay/queue/leases")
    return [f"{place}/{name}" for place in places if (project / place).is_dir() for name in os.listdir(project / place)]


@pytest.mark.law(2)
def test_the_workspace_stays_as_it_is(project, assay, git):
    before = picture(project)
    assay("run", "--temp", "-n", "apart", "-S", "train.lr=0.7", cwd=project)
    after = picture(project)
    assert {path: data for path, data in after.items() if not path.startswith((".git/", ".assay/"))} == {
        path: data for path, data in before.items() if not path.startswith((".git/", ".assay/"))
    }
    assert git("status", "--porcelain", cwd=project).strip() == ""
    assert leftovers(project) == []


def test_it_makes_the_experiment_that_a_run_in_the_workspace_makes(project, assay, git):
    assay("run", "--temp", "-n", "apart", "-S", "train.lr=0.7", cwd=project)
    assay("run", "-n", "here", "-f", "-S", "train.lr=0.7", cwd=project)
    assert files_of(git, project, "apart") == files_of(git, project, "here")
    assert git("fsck", "--strict", "--no-dangling", cwd=project).strip() == ""


def test_it_starts_from_the_files_as_they_are(project, assay, git):
    write(
        project,
        {
            "notes.txt": "unknown to Git\n",
            "params.yaml": (project / "params.yaml").read_text() + "# edited\n",
        },
    )
    assay("run", "--temp", "-n", "apart", cwd=project)
    found = files_of(git, project, "apart")
    assert found["notes.txt"].strip() == "unknown to Git"
    assert found["params.yaml"].rstrip().endswith("# edited")


def test_its_head_is_a_commit_that_holds_its_start(project, assay, git):
    write(project, {"notes.txt": "as it was\n"})
    script = "git log -1 --format=%s > said; git status --porcelain >> said; git show HEAD:notes.txt >> said"
    assay("run", "--temp", "-n", "apart", "--outs", "said", "--", "sh", "-c", script, cwd=project)
    assay("apply", "apart", cwd=project)
    assert (project / "said").read_text() == "The state that apart starts from.\n?? said\nas it was\n"


def test_edited_data_goes_along_and_stays_unrecorded_here(project, assay, git):
    write(project, {"pictures/a": "1"})
    assay("add", "pictures", cwd=project)
    git("add", ".", cwd=project)
    git("commit", "-qm", "data", cwd=project)
    write(project, {"pictures/b": "2"})
    recorded = (project / "pictures.dvc").read_text()
    assay(
        "run",
        "--temp",
        "-n",
        "apart",
        "--deps",
        "pictures",
        "--outs",
        "n",
        "--",
        "sh",
        "-c",
        "ls pictures > n",
        cwd=project,
    )
    assert (project / "pictures.dvc").read_text() == recorded
    assert files_of(git, project, "apart")["pictures.dvc"] != recorded
    assay("apply", "apart", cwd=project)
    assert (project / "n").read_text() == "a\nb\n"


def test_what_its_stages_read_and_nothing_keeps_is_named_before_anything_runs(project, assay):
    write(project, {".gitignore": "/secret\n/more\n", "secret": "1", "more/x": "2"})
    words = ("--deps", "secret", "--deps", "more", "--outs", "o", "--", "touch", "o")
    said = assay("run", "--temp", *words, cwd=project, code=1).err
    assert "would not have more, secret" in said.replace("secret, more", "more, secret")
    assert leftovers(project) == []
    assay("run", "--temp", "-C", "secret", "-C", "more", *words, cwd=project)


def test_copied_paths_are_there_and_not_in_the_experiment(project, assay, git):
    write(project, {".gitignore": "/secret\n/deep/\n", "secret": "1", "deep/er/x": "2"})
    script = "cat secret deep/er/x > o"
    assay(
        "run",
        "--temp",
        "-n",
        "apart",
        "-C",
        "secret",
        "-C",
        "deep",
        "--outs",
        "o",
        "--",
        "sh",
        "-c",
        script,
        cwd=project,
    )
    assert {"secret", "deep/er/x"}.isdisjoint(files_of(git, project, "apart"))
    assay("apply", "apart", cwd=project)
    assert (project / "o").read_text() == "12"


@pytest.mark.parametrize(("word", "code", "says"), [("nowhere", 1, "there is nothing"), ("../x", 254, "outside")])
def test_what_cannot_be_copied_is_said(project, assay, word, code, says):
    assert says in assay("run", "--temp", "-C", word, cwd=project, code=code).err
    assert leftovers(project) == []


def test_copying_without_a_folder_to_copy_to_is_refused(project, assay):
    assert "Add --temp" in assay("run", "-C", "x", cwd=project, code=254).err


def test_a_failure_leaves_its_log_and_no_folder(project, assay):
    words = ("run", "--temp", "-n", "apart", "--outs", "o", "--", "sh", "-c", "echo why; exit 7")
    said = assay(*words, cwd=project, code=255).err
    assert "exited with 7" in said
    (log,) = (project / ".git" / "assay" / "logs").glob("job-apart-*/run.log")
    assert "why" in log.read_text()
    assert leftovers(project) == []
    assert "apart" not in assay("list", cwd=project).out


def test_stages_that_are_unchanged_do_not_run(project, assay):
    assay("run", "-n", "here", cwd=project)
    assert "train" in assay("run", "--temp", "--dry", "-S", "train.lr=9", cwd=project).out
    assert assay("run", "--temp", "--dry", cwd=project).out == "Nothing would run: all stages are up to date.\n"


def test_a_branch_that_a_stage_moves_is_told(project, assay):
    script = "git branch moved; touch o"
    said = assay("run", "--temp", "--outs", "o", "--", "sh", "-c", script, cwd=project).err
    assert "refs/heads/moved moved while it ran" in said


def test_stages_are_told_where_the_project_is(project, assay):
    write(project, {"where.py": WHERE})
    assay("run", "--temp", "-n", "apart", "--outs", "where.txt", "--", "python3", "where.py", cwd=project)
    assay("apply", "apart", cwd=project)
    inside, root = (project / "where.txt").read_text().split("|")
    assert root == str(project)
    assert inside.startswith(f"{project}/.assay/tmp/runs/")
    assert not Path(inside).exists()


def test_commands_in_it_find_the_project_and_its_cache(project, assay):
    script = f"{os.path.dirname(sys.executable)}/assay config cache.dir > o"
    assay("run", "--temp", "-n", "apart", "--outs", "o", "--", "sh", "-c", script, cwd=project)
    assay("apply", "apart", cwd=project)
    assert (project / "o").read_text().strip() == f"{project}/.assay/cache"


def test_a_submodule_is_filled_with_the_commit_that_belongs_to_it(project, assay, git, tmp_path):
    other = tmp_path / "other"
    git("init", "-q", "-b", "main", str(other))
    write(other, {"lib.txt": "from the submodule\n"})
    git("add", ".", cwd=other)
    git("commit", "-qm", "lib", cwd=other)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "lib", cwd=project)
    git("commit", "-qm", "with lib", cwd=project)
    assay("run", "--temp", "-n", "apart", "--outs", "o", "--", "sh", "-c", "cat lib/lib.txt > o", cwd=project)
    assay("apply", "apart", cwd=project)
    assert (project / "o").read_text() == "from the submodule\n"
    assert git("fsck", "--strict", "--no-dangling", cwd=project).strip() == ""


def test_submodules_of_a_project_in_a_folder_are_filled_too(tmp_path, assay, git):
    other, root = tmp_path / "other", tmp_path / "root"
    for folder in (other, root):
        git("init", "-q", "-b", "main", str(folder))
    write(other, {"lib.txt": "from the submodule\n"})
    git("add", ".", cwd=other)
    git("commit", "-qm", "lib", cwd=other)
    (root / "deep/er").mkdir(parents=True)
    assay("init", cwd=root / "deep/er")
    for path in ("beside", "deep/er/inside"):
        git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), path, cwd=root)
    git("add", ".", cwd=root)
    git("commit", "-qm", "with both", cwd=root)
    script = "cat inside/lib.txt ../../beside/lib.txt > o"
    words = ("-n", "apart", "--deps", "inside/lib.txt", "--outs", "o", "--", "sh", "-c", script)
    assay("run", "--temp", *words, cwd=root / "deep/er")
    assay("apply", "apart", cwd=root / "deep/er")
    assert (root / "deep/er/o").read_text() == "from the submodule\n" * 2
    assert git("worktree", "list", cwd=root).count("\n") == 0


def test_its_data_comes_from_a_cache_elsewhere_and_goes_there(project, assay, tmp_path):
    assay("config", "cache.dir", "../cache", cwd=project)
    write(project, {"pictures/a": "1\n"})
    assay("add", "pictures", cwd=project)
    words = ("-n", "apart", "--deps", "pictures", "--outs", "o", "--", "cp", "pictures/a", "o")
    assay("run", "--temp", *words, cwd=project)
    assert not (project / "o").exists()
    assay("apply", "apart", cwd=project)
    assert (project / "o").read_text() == "1\n"
    assert any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
    assert not (project / ".assay/cache").exists()


@pytest.fixture
def somebody(project):
    """Runs assay in the project as somebody who is not root, with some of its paths read-only."""
    bubblewrap = find_bubblewrap()
    if bubblewrap is None:
        pytest.skip("needs bubblewrap")

    def run(*words, read_only=()):
        inside = another_user(bubblewrap, project, IDENTITY, read_only=read_only)
        return subprocess.run([*inside, *words], capture_output=True, text=True, check=False)

    return run


def test_who_is_not_root_gets_the_links_that_were_asked_for_and_cannot_write_through_them(project, assay, somebody):
    write(project, {"big": "as it was\n"})
    assay("add", "big", cwd=project)
    assay("config", "cache.type", "hardlink", cwd=project)
    script = "stat -c %h big > o; (echo more >> big) 2> /dev/null; true"
    words = ("-n", "apart", "--deps", "big", "--outs", "o", "--", "sh", "-c", script)
    done = somebody("run", "--temp", *words)
    assert done.returncode == 0, done.stderr
    assay("apply", "apart", cwd=project)
    assert int((project / "o").read_text()) > 1
    (project / "big").unlink()
    assay("checkout", "big", cwd=project)
    assert (project / "big").read_text() == "as it was\n"
    assert leftovers(project) == []


@pytest.mark.parametrize("words", [("run", "--temp", "-S", "seed=9"), ("worker",)])
def test_state_that_cannot_be_written_is_said_in_one_sentence(project, assay, somebody, words):
    assay("run", "--queue", "-n", "waits", "-S", "seed=8", cwd=project)
    before = picture(project)
    done = somebody(*words, read_only=(".git/assay",))
    assert done.returncode == 255, done.stderr
    assert done.stderr.startswith("error: ")
    assert ".git/assay" in done.stderr
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    assert "mistake" not in done.stderr
    assert picture(project) == before
    assert "waits" in somebody("queue", "status", read_only=(".git/assay",)).stdout


def killed_midway(project, script, name="apart"):
    """A run of its own that was killed after its script made the file ``here``."""
    words = [sys.executable, "-m", "assay", "run", "--temp", "-n", name, "--outs", "o", "--", "sh", "-c", script]
    killed = subprocess.Popen(words, cwd=project, start_new_session=True)
    runs = project / ".assay" / "tmp" / "runs"
    deadline = time.monotonic() + 120
    while not list(runs.glob("*/here")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()


def test_a_run_that_was_killed_goes_on_where_it_was(project, assay):
    killed_midway(project, "test -e here && cp here o || { echo so far > here; sleep 60; }")
    assert assay("run", "--resume", "apart", cwd=project).out.startswith("Experiment apart (")
    assay("apply", "apart", cwd=project)
    assert (project / "o").read_text() == "so far\n"
    assert leftovers(project) == []


def test_what_cannot_go_on_is_said(project, assay):
    assert "There is no run 'apart'" in assay("run", "--resume", "apart", cwd=project, code=255).err
    assay("run", "--temp", "-n", "apart", "--", "sh", "-c", "exit 7", cwd=project, code=255)
    assert "left no folder" in assay("run", "--resume", "apart", cwd=project, code=1).err
    assert "--resume" in assay("run", "--resume", "apart", "-S", "a=1", cwd=project, code=254).err


def test_folders_that_belong_to_no_run_go_with_the_next_one(project, assay):
    killed_midway(project, "touch here; sleep 60")
    assert leftovers(project) != []
    for place in ("running", "failed"):
        for job in (project / ".git" / "assay" / "queue" / place).iterdir():
            job.unlink()
    assay("run", "--temp", "-n", "next", "-S", "train.lr=0.7", cwd=project)
    assert leftovers(project) == []
