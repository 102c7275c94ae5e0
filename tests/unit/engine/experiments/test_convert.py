"""engine/experiments/convert.py: the kind of a project, changed with all that it has recorded."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from tests import projects


@pytest.fixture
def made(tmp_path, assay):
    """A native project with data, an experiment, a remote, and a file that can be executed in an output."""
    folder = projects.write(tmp_path / "project")
    with (folder / "prepare.sh").open("a") as file:
        file.write("chmod +x data/upper.txt\n")
    assay("init", cwd=folder)
    (folder / "pics/sub").mkdir(parents=True)
    (folder / "pics/a").write_text("a")
    (folder / "pics/sub/large").write_bytes(b"large" * 100_000)
    assay("add", "pics", cwd=folder)
    assay("remote", "add", "-d", "team", "../remote", cwd=folder)
    assay("config", "gc.grace", "1d", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    assay("run", "-n", "one", "-S", "train.lr=0.2", cwd=folder)
    assay("baseline", "-m", "second", cwd=folder)
    return folder


def picture(folder):
    """Every file outside the caches and Git's folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith((".git/", ".assay/cache", ".assay/tmp", ".dvc/tmp", ".dvc/cache")):
            found[name] = path.read_bytes()
    return found


def digests(folder):
    """Every artifact that the lock file and the .dvc files name."""
    locked = yaml.safe_load((folder / "dvc.lock").read_text())["stages"].values()
    items = [item for stage in locked for item in [*stage["deps"], *stage["outs"]]]
    return items + yaml.safe_load((folder / "pics.dvc").read_text())["outs"]


def test_everything_is_named_by_the_other_hash_and_is_up_to_date(assay, made):
    said = assay("convert", "--to", "dvc", cwd=made)
    assert {"dvc.lock", "pics.dvc", ".dvc/config", ".assay/config"} <= set(said.out.splitlines())
    assert {item["hash"] for item in digests(made)} == {"md5"}
    assert (
        made / ".dvc/config"
    ).read_text() == "[core]\n    remote = team\n['remote \"team\"']\n    url = ../../remote\n"
    assert "gc.grace" in said.err
    assert "Stages that would run" not in assay("status", cwd=made).out
    shutil.rmtree(made / "data")
    shutil.rmtree(made / "pics")
    assay("checkout", cwd=made)
    assert (made / "pics/sub/large").stat().st_size == 500_000


def test_there_and_back_is_where_one_was(assay, made):
    before = picture(made)
    assay("convert", "--to", "dvc", cwd=made)
    assay("convert", "--to", "native", cwd=made)
    after = picture(made)
    assert after["dvc.lock"] == before["dvc.lock"]
    assert yaml.safe_load(after["pics.dvc"]) == yaml.safe_load(before["pics.dvc"])
    assert ".dvc/config" not in after
    assert assay("convert", "--to", "native", cwd=made).out == "Nothing to convert.\n"


def test_one_undo_gives_the_workspace_back(assay, made):
    before = picture(made)
    assay("convert", "--to", "dvc", cwd=made)
    assay("undo", cwd=made)
    assert picture(made) == before
    assert "New:" not in assay("status", cwd=made).out
    assay("undo", cwd=made)
    assert json.loads(assay("status", "--json", cwd=made).out)["stages"] == []
    assert (made / ".dvc/config").exists()


def test_a_dry_run_says_the_same_and_changes_nothing(assay, made):
    before = picture(made)
    objects = {path for path in (made / ".assay/cache").rglob("*") if path.is_file()}
    dry = assay("convert", "--to", "dvc", "--dry", cwd=made)
    assert picture(made) == before
    assert {path for path in (made / ".assay/cache").rglob("*") if path.is_file()} == objects
    assert assay("convert", "--to", "dvc", cwd=made).out == dry.out


def test_experiments_made_before_can_be_shown_and_applied(assay, made):
    assay("convert", "--to", "dvc", cwd=made)
    shown = json.loads(assay("show", "--json", "-A", cwd=made).out)
    assert "one" in [row["name"] for base in shown["baselines"] for row in base["experiments"]]
    assay("apply", "one", cwd=made)
    assert (made / "model.bin").read_text().endswith("0.2\n")
    assert not (made / ".assay/config").exists()
    assert (made / ".dvc/config").exists()
    assay("undo", cwd=made)


def test_the_hash_alone_can_be_changed(assay, made):
    assay("convert", "--to", "native", "--hash", "sha256", cwd=made)
    assert {item["hash"] for item in digests(made)} == {"sha256"}
    assert "hash = sha256" in (made / ".assay/config").read_text()
    assert "Stages that would run" not in assay("status", cwd=made).out


def test_a_cache_elsewhere_stays_there(assay, made, tmp_path):
    assay("config", "cache.dir", str(tmp_path / "elsewhere"), cwd=made)
    assay("repro", "-f", cwd=made)
    assay("add", "pics", cwd=made)
    assay("convert", "--to", "dvc", cwd=made)
    assert f"dir = {tmp_path}/elsewhere" in (made / ".dvc/config").read_text()
    assert (tmp_path / "elsewhere/files/md5").is_dir()
    assert not (made / ".dvc/config.local").exists()


def test_secrets_stay_where_nobody_else_reads_them(assay, made):
    assay("config", "--local", "remote.team.password", "x", cwd=made)
    (made / ".assay/config.local").chmod(0o600)
    assay("remote", "add", "s", "s3://b/x", cwd=made)
    assay("config", "--local", "remote.s.secret_access_key", "x", cwd=made)
    assay("convert", "--to", "dvc", cwd=made)
    assert (made / ".dvc/config.local").stat().st_mode & 0o777 == 0o600
    assert "secret_access_key = x" in (made / ".dvc/config.local").read_text()


def test_a_stage_whose_inputs_changed_is_told_and_runs_again(assay, made):
    (made / "train.sh").write_text((made / "train.sh").read_text() + "# edited\n")
    assert "train" in assay("status", cwd=made).out
    assay("convert", "--to", "dvc", cwd=made)
    assert "train" in yaml.safe_load((made / "dvc.lock").read_text())["stages"]  # HEAD has what it read
    (made / "raw.txt").write_text("other\n")
    assay("baseline", "-m", "third", cwd=made)
    said = assay("convert", "--to", "native", cwd=made)
    assert "they will run again: prepare" in said.err
    assert [line for line in assay("status", cwd=made).out.splitlines() if line.startswith("  prepare:")]


def test_what_is_not_here_stops_it_before_anything_is_written(assay, made):
    before = picture(made)
    shutil.rmtree(made / ".assay/cache")
    shutil.rmtree(made / "pics")
    for words in (("--dry",), ()):
        said = assay("convert", "--to", "dvc", *words, cwd=made, code=255)
        assert "pics" in said.err
    (made / "pics").mkdir()
    assert {name: data for name, data in before.items() if not name.startswith("pics/")} == picture(made)


def test_what_the_workspace_has_need_not_be_in_the_cache(assay, made):
    shutil.rmtree(made / ".assay/cache")
    assay("convert", "--to", "dvc", cwd=made)
    assert {item["hash"] for item in digests(made)} == {"md5"}
    shutil.rmtree(made / "pics")
    assay("checkout", cwd=made)
    assert (made / "pics/sub/large").exists()


def test_a_damaged_object_is_named(assay, made):
    large = max(
        (path for path in (made / ".assay/cache").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    large.chmod(0o644)
    large.write_bytes(b"damage" + large.read_bytes()[6:])
    (made / "pics/sub/large").write_bytes(b"edited")
    before = picture(made)
    assay("convert", "--to", "dvc", cwd=made, code=255)
    assert picture(made) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 254),
        (("--to", "git"), 254),
        (("--to", "dvc", "--hash", "sha256"), 254),
        (("--to", "native", "--hash", "md5"), 254),
    ],
)
def test_words_that_make_no_command(assay, made, words, code):
    before = picture(made)
    assay("convert", *words, cwd=made, code=code)
    assert picture(made) == before
