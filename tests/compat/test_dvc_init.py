"""`assay init --dvc` beside `dvc init`; projects without Git, in folders of a repository, and with both markers."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests import projects


@pytest.fixture
def places(tmp_path):
    """Two folders with an empty Git repository each: DVC's and ours."""
    made = []
    for name in ("theirs", "ours"):
        folder = tmp_path / name
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        made.append(folder)
    return made


def files(root):
    """Names, contents and modes of what is there, without what either tool needs while it works."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith(".git/") and "/tmp" not in name and name != ".git":
            found[name] = (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
    return found


def staged(root, git):
    return git("ls-files", "-s", cwd=root)


def test_the_same_files_and_the_same_index(places, assay, dvc_process, git):
    theirs, ours = places
    assert dvc_process.run(theirs, "init").code == 0
    assay("init", "--dvc", cwd=ours)
    assert files(ours) == files(theirs)
    assert staged(ours, git) == staged(theirs, git)
    assert git("status", "--short", cwd=ours) == git("status", "--short", cwd=theirs)
    assert dvc_process.run(ours, "status").code == 0


def test_in_a_folder_of_the_repository(places, assay, dvc_process, git):
    theirs, ours = places
    for root in places:
        (root / "deep/sub").mkdir(parents=True)
    assert dvc_process.run(theirs / "deep/sub", "init").code == 1
    assay("init", "--dvc", cwd=ours / "deep/sub", code=1)
    assert not (ours / "deep/sub/.dvc").exists()
    dvc_process.run(theirs / "deep/sub", "init", "--subdir")
    assay("init", "--dvc", "--subdir", cwd=ours / "deep/sub")
    assert files(ours) == files(theirs)
    assert staged(ours, git) == staged(theirs, git)


def test_a_dvcignore_that_is_there_stays_and_is_staged(places, assay, dvc_process, git):
    theirs, ours = places
    for root in places:
        (root / ".dvcignore").write_text("*.tmp\n")
    dvc_process.run(theirs, "init")
    assay("init", "--dvc", cwd=ours)
    assert files(ours) == files(theirs)
    assert staged(ours, git) == staged(theirs, git)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda root: (root / ".gitignore").write_text(".dvc\n"), ()),
        (lambda root: ((root / ".dvc").mkdir(), (root / ".dvc/config").touch()), ()),
        (lambda root: None, ("--subdir", "--no-scm")),
    ],
    ids=["ignored by Git", "a project already", "two flags that exclude each other"],
)
def test_both_refuse_and_make_nothing(places, assay, dvc_process, prepare, words):
    theirs, ours = places
    for root in places:
        prepare(root)
    before = files(ours)
    assert dvc_process.run(theirs, "init", *words).code != 0
    said = assay("init", "--dvc", *words, cwd=ours, code=None)
    assert said.code in (1, 254)
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1
    assert files(ours) == before


def test_without_git_the_same_files(tmp_path, assay, dvc_process):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for root in (theirs, ours):
        root.mkdir()
    dvc_process.run(theirs, "init", "--no-scm")
    assay("init", "--dvc", "--no-scm", cwd=ours)
    assert files(ours) == files(theirs)


@pytest.fixture
def no_git(tmp_path, assay):
    """A pipeline and data in a DVC project that works without Git."""
    folder = projects.write(tmp_path / "project")
    (folder / "raw.csv").write_text("1,2\n")
    assay("init", "--dvc", "--no-scm", cwd=folder)
    return folder


def test_data_and_pipelines_work_without_git(no_git, assay, dvc_process, tmp_path):
    assay("add", "raw.csv", cwd=no_git)
    assay("repro", cwd=no_git)
    assert not (no_git / ".gitignore").exists()
    assert dvc_process.run(no_git, "status").out == "Data and pipelines are up to date.\n"
    (no_git / "raw.csv").unlink()
    (no_git / "model.bin").write_text("mine\n")
    assay("checkout", "--force", cwd=no_git)
    assert (no_git / "raw.csv").read_text() == "1,2\n"
    assay("undo", cwd=no_git)
    assert (no_git / "model.bin").read_text() == "mine\n"
    assay("commit", "--force", cwd=no_git)
    said = assay("status", cwd=no_git)
    assert said.out == "Without Git (core.no_scm).\n"
    assert "Nobody has said who you are" not in said.err
    assert dvc_process.run(no_git, "status").out == "Data and pipelines are up to date.\n"


def test_the_same_lock_and_data_files_as_dvcs_without_git(no_git, assay, dvc_process, tmp_path):
    theirs = projects.write(tmp_path / "theirs")
    (theirs / "raw.csv").write_text("1,2\n")
    for words in (["init", "--no-scm"], ["add", "raw.csv"], ["repro"]):
        assert dvc_process.run(theirs, *words).code == 0
    for words in (["add", "raw.csv"], ["repro"]):
        assay(*words, cwd=no_git)
    for name in ("dvc.lock", "raw.csv.dvc", ".dvc/config"):
        assert (no_git / name).read_bytes() == (theirs / name).read_bytes()
    names = [sorted(path.name for path in root.iterdir()) for root in (no_git, theirs)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["save"],
        ["show"],
        ["list"],
        ["diff"],
        ["apply", "x"],
        ["baseline", "-m", "x"],
        ["log"],
        ["remove", "x"],
    ],
)
def test_experiments_need_git_and_say_so_in_one_sentence(no_git, assay, words):
    before = files(no_git)
    said = assay(*words, cwd=no_git, code=1)
    assert said.err.startswith("error: ")
    assert "works without Git (core.no_scm)" in said.err
    assert len(said.err.splitlines()) == 2
    after = files(no_git)
    assert {name: found for name, found in after.items() if not name.startswith(".dvc/assay")} == before


def test_data_is_pushed_and_pulled_without_git(no_git, assay, assay_dvc, dvc_process, tmp_path):
    assay("remote", "add", "-d", "store", str(tmp_path / "store"), cwd=no_git)
    assay("add", "raw.csv", cwd=no_git)
    assay_dvc("push", cwd=no_git)
    assert (tmp_path / "store/files/md5").is_dir()
    (no_git / "raw.csv").unlink()
    subprocess.run(["rm", "-rf", str(no_git / ".dvc/cache")], check=True)
    assert dvc_process.run(no_git, "fetch").code == 0
    subprocess.run(["rm", "-rf", str(no_git / ".dvc/cache")], check=True)
    assay_dvc("pull", cwd=no_git)
    assert (no_git / "raw.csv").read_text() == "1,2\n"


def test_no_scm_in_a_git_repository_leaves_it_alone(places, assay, dvc_process, git):
    _, ours = places
    projects.write(ours)
    dvc_process.run(ours, "init", "--no-scm")
    before = git("status", "--short", "-uall", cwd=ours)
    assay("repro", cwd=ours)
    after = git("status", "--short", "-uall", cwd=ours)
    news = set(after.splitlines()) - set(before.splitlines())
    assert not [line for line in news if ".dvc/assay" in line]
    assert git("for-each-ref", cwd=ours) == ""


def test_a_project_without_git_that_does_not_say_so(tmp_path, assay):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    said = assay("status", cwd=tmp_path, code=255)
    assert "not inside a Git repository" in said.err
    assert "no_scm" in said.err


def test_a_project_below_the_root_of_its_repository(places, assay, dvc_process, git):
    _, ours = places
    sub = projects.write(ours / "sub")
    (ours / "outside.py").write_text("1\n")
    assert dvc_process.run(sub, "init", "--subdir").code == 0
    assay("baseline", "-m", "first", cwd=sub)
    assay("run", "-n", "one", "-S", "train.lr=0.2", cwd=sub)
    shown = dvc_process.run(sub, "exp", "show", "--csv")
    assert "one," in shown.out
    assert dvc_process.run(sub, "status").out == "Data and pipelines are up to date.\n"
    assert "sub/dvc.yaml" in git("ls-tree", "-r", "--name-only", "HEAD", cwd=ours).split()
    dvc_process.run(sub, "exp", "apply", "one")
    assay("status", cwd=sub)
    assert (sub / "model.bin").read_text().endswith("0.2\n")


def test_of_both_markers_dvcs_counts_and_that_is_said_once(places, assay, dvc_process):
    _, ours = places
    assay("init", cwd=ours)
    (ours / ".dvc").mkdir()
    (ours / ".dvc/config").touch()
    said = assay("status", cwd=ours)
    assert "has .dvc and .assay; it is opened by its .dvc" in said.err
    assert ".assay;" not in assay("status", cwd=ours).err
    (ours / "x").write_text("1\n")
    assay("add", "x", cwd=ours)
    assert "hash: md5" in (ours / "x.dvc").read_text()


@pytest.mark.parametrize(("shared", "umask"), [(True, 0o077), (False, 0o022)])
def test_caches_have_dvcs_modes(places, assay, dvc_process, shared, umask):
    theirs, ours = places
    stage = ["stage", "add", "-q", "--run", "-n", "s", "-d", "one", "-o", "out", "cp one out"]
    before = os.umask(umask)
    try:
        for root in places:
            (root / "data/sub").mkdir(parents=True)
            (root / "data/sub/a").write_text("1\n")
            (root / "one").write_text("2\n")
        for words in (["init"], ["config", "cache.shared", "group"], ["add", "data", "one"], stage):
            if shared or words[0] != "config":
                done = dvc_process.ask("cli", theirs, args=words, umask=f"{umask:o}")
                assert done["code"] == 0, done
        for words in (["init", "--dvc"], ["config", "cache.shared", "group"], ["add", "data", "one"], stage):
            if shared or words[0] != "config":
                assay(*[word for word in words if word not in ("-q", "--run")], cwd=ours)
        assay("repro", cwd=ours)
    finally:
        os.umask(before)
    modes = [
        {
            str(path.relative_to(root)): oct(path.stat().st_mode)
            for path in [root / ".dvc/cache", *sorted((root / ".dvc/cache").rglob("*"))]
            if "cache/tmp" not in str(path)
        }
        for root in (theirs, ours)
    ]
    assert modes[0] == modes[1]


def test_objects_can_be_read_by_all_whatever_the_umask(places, assay):
    """DVC hashes every object anew that has another mode."""
    _, ours = places
    assay("init", "--dvc", cwd=ours)
    (ours / "x").write_text("1\n")
    before = os.umask(0o077)
    try:
        assay("add", "x", cwd=ours)
    finally:
        os.umask(before)
    found = [path.stat().st_mode & 0o777 for path in (ours / ".dvc/cache/files").rglob("*") if path.is_file()]
    assert found == [0o444]


def test_what_verbs_write_is_staged_as_dvc_stages_it(places, assay, dvc_process, git):
    theirs, ours = places
    dvc_process.run(theirs, "init")
    assay("init", "--dvc", cwd=ours)
    for root in places:
        projects.write(root)
        (root / "raw.csv").write_text("1,2\n")
    changes = [
        ["config", "core.autostage", "true"],
        ["add", "raw.csv"],
        ["repro"],
        ["move", "raw.csv", "new.csv"],
    ]
    for words in changes:
        done = dvc_process.run(theirs, *words)
        assert done.code == 0, done.err
        assay(*(["data"] if words[0] == "move" else []), *words, cwd=ours)
        assert staged(ours, git) == staged(theirs, git), words


def test_a_cache_that_is_shared_with_nobody_known(places, assay):
    _, ours = places
    assay("init", "--dvc", cwd=ours)
    (ours / ".dvc/config").write_text("[cache]\n    shared = all\n")
    (ours / "x").write_text("1\n")
    said = assay("add", "x", cwd=ours, code=251)
    assert "cache.shared is 'all'; it must be group" in said.err
    assert not (ours / "x.dvc").exists()


@pytest.mark.parametrize("words", [[], ["--no-scm"]])
def test_settings_are_made_anew_and_the_cache_stays(places, assay_dvc, assay, dvc_process, git, words):
    theirs, ours = places
    for root in places:
        assert dvc_process.run(root, "init").code == 0
        (root / "data").write_text("data")
        assert dvc_process.run(root, "add", "data").code == 0
        git("add", "-A", cwd=root)
        git("commit", "-qm", "x", cwd=root)
        (root / ".dvc/config").write_text("[core]\n    autostage = true\n")
        (root / ".dvc/config.local").write_text("[cache]\n    type = symlink\n")
    assert dvc_process.run(theirs, "init", "-f", *words).code == 0
    before = {name: entry for name, entry in files(ours).items() if "cache/" in name}
    assert assay_dvc("init", cwd=ours, code=1).err
    assay_dvc("init", "-f", *words, cwd=ours)
    found = files(ours)
    assert before
    assert {name: entry for name, entry in found.items() if "/cache" not in name} == {
        name: entry for name, entry in files(theirs).items() if "/cache" not in name
    } | {name: entry for name, entry in found.items() if name == ".dvc/.gitignore"}
    assert {name: entry for name, entry in found.items() if "cache/" in name} == before
    if not words:  # else DVC takes .dvc/.gitignore away
        assert git("status", "--short", cwd=ours) == git("status", "--short", cwd=theirs)
        assay("undo", cwd=ours)
        assert (ours / ".dvc/config.local").read_text() == "[cache]\n    type = symlink\n"
        assert "autostage" in (ours / ".dvc/config").read_text()


def test_a_project_of_another_kind_or_behind_a_symlink_is_not_made_anew(places, assay_dvc, assay, tmp_path):
    native, linked = places
    assay("init", cwd=native)
    assay_dvc("init", "-f", cwd=native, code=1)
    assay("init", "--dvc", cwd=linked)
    (linked / ".dvc").rename(tmp_path / "elsewhere")
    (linked / ".dvc").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/config").write_text("[core]\n    autostage = true\n")
    assay_dvc("init", "-f", cwd=linked, code=1)
    assert "autostage" in (tmp_path / "elsewhere/config").read_text()
