"""What is run and why, what is recorded, and what is never lost."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, ConfigError, StageFailed, UsageError
from assay.engine.events import Note, StageFinished, StageOutput
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline import lock
from assay.engine.pipeline.choice import Choice, Manner
from assay.engine.pipeline.repro import Reproduced, check, commit_outs, reproduce, statuses
from assay.engine.pipeline.spec import load
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import files_in
from tests.workspace import Workspace

TWO = """\
    stages:
      prepare:
        cmd: sh prepare.sh
        deps: [prepare.sh, raw.txt]
        outs: [data]
      train:
        cmd: sh train.sh
        deps: [train.sh, data]
        params: [train.lr]
        outs: [model.bin]
        metrics: [m.json: {cache: false}]
    """


def two_stages(work: Workspace) -> None:
    work.write("dvc.yaml", TWO)
    work.write("params.yaml", "train: {lr: 0.1, depth: 3}\n")
    work.write("prepare.sh", "mkdir -p data/deep; tr a-z A-Z < raw.txt > data/up.txt; echo 1 > data/deep/n.txt\n")
    work.write("train.sh", "echo training; cat data/up.txt params.yaml > model.bin; echo '{\"acc\": 1}' > m.json\n")
    work.write("raw.txt", "hello\n")


def repro(work: Workspace, *targets: str, **options: Any) -> Reproduced:
    """Options are fields of the choice, of the manner, or what `reproduce` takes besides."""
    choice = {name: options.pop(name) for name in Choice._fields if name in options}
    manner = {name: options.pop(name) for name in Manner._fields if name in options}
    return reproduce(work.project, load(work.project), Choice(targets, **choice), Manner(**manner), **options)


def again(work: Workspace, *targets: str, **options: Any) -> Reproduced:
    work.reopen()
    return repro(work, *targets, **options)


def entries(work: Workspace, path: str = "dvc.lock") -> Any:
    return lock.parse(work.read(path), path).stages


def reasons(work: Workspace) -> dict[str, tuple[str, ...]]:
    work.reopen()
    found = statuses(work.project, load(work.project))
    return {item.name: tuple(reason.text for reason in item.reasons) for item in found}


def notes(work: Workspace) -> list[str]:
    return [event.text for event in work.events if isinstance(event, Note)]


def test_a_first_run_runs_everything_and_records_it(work: Workspace) -> None:
    two_stages(work)
    done = repro(work)
    assert done == Reproduced(("prepare", "train"), (), ("dvc.lock",), (".gitignore",), ())
    train = entries(work)["train"]
    assert train.cmd == "sh train.sh"
    assert train.params == {"params.yaml": {"train.lr": 0.1}}
    assert set(train.deps) == {"train.sh", "data"}
    assert set(train.outs) == {"model.bin", "m.json"}
    assert train.deps["data"] == entries(work)["prepare"].outs["data"]
    assert train.deps["data"].digest.is_dir
    assert train.deps["data"].nfiles == 2
    assert b"training\n" in b"".join(event.data for event in work.events if isinstance(event, StageOutput))
    assert [event.stage for event in work.events if isinstance(event, StageFinished)] == ["prepare", "train"]


def test_cached_outputs_are_in_the_cache_and_others_are_not(work: Workspace) -> None:
    two_stages(work)
    work.write(
        "dvc.yaml", TWO.replace("[model.bin]", "[model.bin, m.json: {cache: false}]").replace("metrics:", "meta:")
    )
    repro(work)
    outs = entries(work)["train"].outs
    cache = work.project.cache
    assert cache.read(outs["model.bin"].digest) == (work.root / "model.bin").read_bytes()
    assert cache.missing([outs["m.json"].digest]) == {outs["m.json"].digest}
    names = {name for name, _ in files_in(cache, entries(work)["prepare"].outs["data"].digest)}
    assert names == {"up.txt", "deep/n.txt"}


def test_only_cached_outputs_are_kept_out_of_git(work: Workspace) -> None:
    two_stages(work)
    work.write(".gitignore", "*.pyc")
    repro(work)
    assert work.read(".gitignore") == "*.pyc\n/data\n/model.bin\n"


def test_nothing_changed_runs_nothing_and_writes_nothing(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    before = os.stat(work.root / "dvc.lock")
    done = again(work)
    assert done == Reproduced((), ("prepare", "train"))
    assert work.skipped == {"prepare": "unchanged", "train": "unchanged"}
    assert os.stat(work.root / "dvc.lock").st_mtime_ns == before.st_mtime_ns
    assert reasons(work) == {"prepare": (), "train": ()}


@pytest.mark.parametrize(
    ("path", "text", "stage", "why"),
    [
        ("raw.txt", "other\n", "prepare", "raw.txt changed"),
        ("params.yaml", "train: {lr: 0.2}\n", "train", "params.yaml:train.lr changed"),
        ("params.yaml", "train: {}\n", "train", "params.yaml:train.lr is missing"),
        ("model.bin", "mine\n", "train", "model.bin changed"),
        ("m.json", "{}\n", "train", "m.json changed"),
        ("data/extra.txt", "x\n", "prepare", "data changed"),
        ("dvc.yaml", TWO.replace("sh train.sh", "sh ./train.sh"), "train", "its command changed"),
        ("dvc.yaml", TWO.replace("train.sh, data", "train.sh, data, raw.txt"), "train", "raw.txt is new"),
        ("dvc.yaml", TWO.replace("[train.lr]", "[train.lr, train.depth]"), "train", "params.yaml:train.depth is new"),
        ("dvc.yaml", TWO.replace("[train.lr]", "[train.lr, p.yaml: [a]]"), "train", "p.yaml is missing"),
        ("dvc.yaml", TWO.replace("sh train.sh", "sh train.sh\n        always_changed: true"), "train",
         "it is set to run every time"),
    ],
)  # fmt: skip
def test_what_changed_is_said(work: Workspace, path: str, text: str, stage: str, why: str) -> None:
    two_stages(work)
    repro(work)
    work.write(path, text)
    found = reasons(work)
    assert why in found[stage]
    if path != "data/extra.txt":  # which the other stage reads
        assert [name for name, said in found.items() if said] == [stage]


def test_a_parameter_that_no_stage_names_changes_nothing(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("params.yaml", "train: {lr: 1.0e-1, depth: 99}\n")
    assert reasons(work) == {"prepare": (), "train": ()}


def test_not_a_number_is_no_change(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'true', params: [x]}}\n")
    work.write("params.yaml", "x: [.nan, 1]\n")
    repro(work)
    assert again(work).ran == ()


def test_a_stage_runs_when_something_it_needs_came_out_different(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("raw.txt", "other\n")
    assert again(work).ran == ("prepare", "train")


def test_a_stage_does_not_run_when_what_it_needs_came_out_the_same(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("prepare.sh", "# a comment\n" + work.read("prepare.sh"))
    assert again(work).ran == ("prepare",)


def test_force_runs_everything(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    assert again(work, force=True).ran == ("prepare", "train")


def test_a_single_target_runs_alone(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("raw.txt", "other\n")
    assert again(work, "train", single=True).skipped == ("train",)


def test_a_callback_stage_runs_every_time(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {hello: {cmd: 'echo hi >> log.txt'}}\n")
    repro(work)
    assert again(work).ran == ("hello",)
    assert work.read("log.txt") == "hi\nhi\n"


def test_a_dry_run_tells_and_changes_nothing(work: Workspace) -> None:
    two_stages(work)
    done = repro(work, dry=True)
    assert done.ran == ("prepare", "train")
    assert work.started == ["prepare", "train"]
    assert not (work.root / "dvc.lock").exists()
    assert not (work.root / "data").exists()


def test_files_that_are_about_to_be_written_are_seen_as_they_will_be(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    coming = {"params.yaml": b"train: {lr: 9}\n"}
    assert again(work, dry=True, edited=coming).ran == ("train",)
    assert again(work, dry=True, edited={"raw.txt": b"hello\n"}).ran == ()
    with pytest.raises(BadInput, match=r"has no parameter 'train\.lr'"):
        check(work.project, load(work.project), edited={"params.yaml": b"{}"})
    check(work.project, load(work.project), edited=coming)


def test_every_lock_file_is_read_before_anything_runs(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: touch ran}}\n")
    work.write("sub/dvc.yaml", "stages: {b: {cmd: 'true'}}\n")
    work.write("sub/dvc.lock", "schema: '2.0'\nstages: 1\n")
    with pytest.raises(BadInput, match=r"^sub/dvc\.lock, line 2, stages: should be a map"):
        repro(work, "a", "sub/dvc.yaml:b")
    assert not (work.root / "ran").exists()


def test_a_dry_run_knows_what_comes_after_what_would_run(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("raw.txt", "other\n")
    assert again(work, dry=True).ran == ("prepare", "train")


def test_outputs_are_removed_before_a_stage_runs_unless_they_persist(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'ls gone kept > seen 2>/dev/null; echo x >> gone; echo x >> kept; true', "
                           "outs: [gone, kept: {persist: true}, seen], always_changed: true}}\n")  # fmt: skip
    repro(work)
    again(work)
    assert work.read("gone") == "x\n"
    assert work.read("kept") == "x\nx\n"
    assert work.read("seen") == "kept\n"


def test_an_output_that_somebody_changed_is_kept_before_it_is_replaced(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("model.bin", "precious, made by hand\n")
    work.write("data/extra.txt", "a precious file\n")
    work.write("raw.txt", "other\n")
    again(work)
    said = [re.fullmatch(r"(\S+) was not what its stage wrote; what was there is in the cache as xxh128:(\S+)\.", note)
            for note in notes(work)]  # fmt: skip
    kept = {match[1]: match[2] for match in said if match}
    assert set(kept) == {"model.bin", "data"}
    cache = work.project.cache
    assert cache.read(Digest("xxh128", kept["model.bin"])) == b"precious, made by hand\n"
    folder = Digest("xxh128", kept["data"].removesuffix(".dir"), is_dir=True)
    assert "extra.txt" in {name for name, _ in files_in(cache, folder)}
    assert work.read("data/up.txt") == "OTHER\n"
    assert not (work.root / "data/extra.txt").exists()


def test_a_file_in_the_place_of_an_output_is_kept_when_its_stage_first_runs(work: Workspace) -> None:
    two_stages(work)
    work.write("model.bin", "from before\n")
    repro(work)
    assert any(note.startswith("model.bin was not what its stage wrote") for note in notes(work))


def test_outputs_that_are_gone_come_back_from_the_cache_without_running(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    content = work.read("data/up.txt")
    disk.remove_tree(str(work.root / "data"))
    done = again(work)
    assert done.ran == ()
    assert work.skipped == {"prepare": "restored from the cache", "train": "unchanged"}
    assert work.read("data/up.txt") == content


def test_a_missing_metric_that_git_keeps_comes_back_as_a_copy(work: Workspace) -> None:
    two_stages(work)
    work.write(".assay/config", "[cache]\n    type = hardlink\n")
    work.reopen()
    repro(work)
    (work.root / "m.json").unlink()
    assert again(work).restored == ("train",)
    assert work.read("m.json") == '{"acc": 1}\n'
    assert os.stat(work.root / "m.json").st_nlink == 1


def test_a_missing_output_that_only_git_keeps_makes_its_stage_run(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: echo 1 > o, outs: [o: {cache: false}]}}")
    repro(work)
    (work.root / "o").unlink()
    assert again(work).ran == ("a",)


def test_an_output_that_only_the_cache_lost_is_put_back_without_running(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    disk.remove_tree(work.project.cache_folder)
    assert any("is not in the cache" in said for said in reasons(work)["train"])
    assert again(work).ran == ()
    artifact = entries(work)["train"].outs["model.bin"]
    assert not work.project.cache.missing([artifact.digest])


def test_a_failing_stage_keeps_its_entry_and_what_ran_before(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    before = entries(work)
    work.write("raw.txt", "other\n")
    work.write("train.sh", "echo oh no; exit 7\n")
    work.reopen()
    with pytest.raises(StageFailed) as caught:
        repro(work, log=str(work.root / ".assay/tmp/log"))
    assert (caught.value.stage, caught.value.status, caught.value.tail) == ("train", 7, "oh no")
    assert work.read(".assay/tmp/log") == "oh no\n"
    after = entries(work)
    assert after["train"] == before["train"]
    assert after["prepare"] != before["prepare"]
    assert work.read(".gitignore") == "/data\n/model.bin\n"


def test_a_stage_that_leaves_an_output_out_is_not_recorded(work: Workspace) -> None:
    work.write("dvc.yaml", "stages:\n  a:\n    cmd: touch x\n    outs: [x, y]\n")
    with pytest.raises(BadInput, match=r"stages\.a\.outs\[1\]: the command ended well but did not write 'y'") as caught:
        repro(work)
    assert caught.value.line == 4
    assert not (work.root / "dvc.lock").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("raw.txt", None), r"line 4, stages\.prepare\.deps\[1\]: 'raw.txt' is not there, and the stage reads it"),
        (("train.sh", None), r"line 8, stages\.train\.deps\[0\]: 'train.sh' is not there"),
        (("params.yaml", None), r"line 9, stages\.train\.params\[0\]: 'params.yaml' is not there"),
        (("params.yaml", "train: {lrr: 1}\n"), r"'params.yaml' has no parameter 'train.lr'"),
        (("params.yaml", "- 1\n"), r"params.yaml: is not a map, so its values cannot be parameters"),
        (("params.yaml", "a: [\n"), r"params.yaml, line 2"),
        (("dvc.lock", "stages: 1\n"), r"dvc.lock, line \d, stages: should be a map|dvc.lock, schema: should be"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(work: Workspace, change: tuple[str, str | None], says: str) -> None:
    two_stages(work)
    path, text = change
    if text is None:
        (work.root / path).unlink()
    else:
        work.write(path, text)
    with pytest.raises(BadInput, match=says):
        repro(work)
    assert work.started == []
    assert not (work.root / "data").exists()


def test_an_unknown_parameter_names_the_nearest(work: Workspace) -> None:
    two_stages(work)
    work.write("params.yaml", "train: {lrr: 1}\n")
    with pytest.raises(BadInput) as caught:
        repro(work)
    assert caught.value.hint == "Did you mean 'train.lrr'?"


def test_an_unknown_target_is_said(work: Workspace) -> None:
    two_stages(work)
    with pytest.raises(UsageError, match="no stage 'tran'"):
        repro(work, "tran")


def test_a_dependency_that_changes_while_its_stage_runs_is_reported_and_recorded_as_it_was(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'echo more >> in.txt; echo y: 2 > params.yaml; touch out', "
                           "deps: [in.txt], params: [y], outs: [out]}}\n")  # fmt: skip
    work.write("in.txt", "start\n")
    work.write("params.yaml", "y: 1\n")
    done = repro(work)
    assert done.changed_during == ("in.txt", "params.yaml")
    entry = entries(work)["a"]
    assert entry.params == {"params.yaml": {"y": 1}}
    assert entry.deps["in.txt"].size == len("start\n")
    assert reasons(work)["a"] == ("in.txt changed", "params.yaml:y changed")


def test_a_frozen_stage_never_runs(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("dvc.yaml", TWO.replace("sh prepare.sh", "sh prepare.sh\n        frozen: true"))
    work.write("raw.txt", "other\n")
    done = again(work, force=True)
    assert done.ran == ("train",)
    assert work.skipped == {"prepare": "frozen"}


def test_a_frozen_stages_output_comes_back_from_the_cache(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("dvc.yaml", TWO.replace("sh prepare.sh", "sh prepare.sh\n        frozen: true"))
    disk.remove_tree(str(work.root / "data"))
    assert again(work).ran == ()
    assert (work.root / "data/up.txt").exists()


def test_a_frozen_stage_without_its_output_is_an_error(work: Workspace) -> None:
    two_stages(work)
    work.write("dvc.yaml", TWO.replace("sh prepare.sh", "sh prepare.sh\n        frozen: true"))
    with pytest.raises(BadInput, match="'data' is not there, and the stage that writes it is frozen"):
        repro(work)


def test_stages_get_their_variables(work: Workspace) -> None:
    work.write("sub/dvc.yaml", "stages: {s: {cmd: 'echo $DVC_ROOT $DVC_STAGE $DVC_EXP_NAME > out', outs: [out]}}\n")
    repro(work, environment={"DVC_EXP_NAME": "n1"})
    assert work.read("sub/out") == f"{work.root} sub/dvc.yaml:s n1\n"
    assert (work.root / "sub/dvc.lock").exists()
    assert work.read("sub/.gitignore") == "/out\n"


def test_python_caches_are_no_part_of_a_dependency(work: Workspace) -> None:
    cmd = "mkdir -p src/__pycache__; date +%N > src/__pycache__/m.pyc"
    work.write("dvc.yaml", f"stages: {{a: {{cmd: '{cmd}', deps: [src]}}}}\n")
    work.write("src/m.py", "x = 1\n")
    done = repro(work)
    assert done.changed_during == ()
    assert again(work).ran == ()


def test_what_dvcignore_names_is_no_part_of_a_dependency(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'date +%N > src/log', deps: [src]}}\n")
    work.write(".dvcignore", "log\n")
    work.write("src/m.py", "x = 1\n")
    assert repro(work).changed_during == ()


def test_everything_is_in_the_cache_and_synced_before_the_lock_names_it(work: Workspace) -> None:
    two_stages(work)
    steps: list[tuple[str, str]] = []
    with disk.injected(lambda step, path: steps.append((step, path))):
        repro(work)
    locks = [at for at, (step, path) in enumerate(steps) if step == "rename" and path.endswith("/dvc.lock")]
    cache = work.project.cache_folder
    writes = [
        at
        for at, (step, path) in enumerate(steps)
        if path.startswith(cache) and "/runs/" not in path and step in ("rename", "link")
    ]
    syncs = [at for at, (step, path) in enumerate(steps) if step == "sync" and path == cache]
    assert len(locks) == len(syncs) == 2
    for written in locks:
        last_sync = max(at for at in syncs if at < written)
        last_write = max(at for at in writes if at < written)
        assert last_write < last_sync < written


def test_a_run_that_makes_nothing_new_syncs_nothing(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.reopen()
    steps: list[str] = []
    with disk.injected(lambda step, path: steps.append(step)):
        repro(work, force=True)
        commit_outs(work.project, load(work.project))
    assert "sync" not in steps


def test_a_full_disk_leaves_lock_and_earlier_stages_as_they_were(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    before = work.read("dvc.lock")
    work.write("raw.txt", "other\n")
    work.reopen()

    def full(step: str, path: str) -> None:
        if step == "write" and path.startswith((work.project.cache_folder, str(work.root / ".assay-tmp"))):
            raise OSError(errno.ENOSPC, "No space left on device", path)

    with disk.injected(full), pytest.raises(AssayError, match="No space left while writing"):
        repro(work)
    assert work.read("dvc.lock") == before
    assert again(work).ran == ("prepare", "train")


def test_a_lock_that_cannot_be_written_is_named(work: Workspace) -> None:
    two_stages(work)

    def refuse(step: str, path: str) -> None:
        if step == "rename" and path.endswith("dvc.lock"):
            raise PermissionError(errno.EACCES, "Permission denied", path)

    with disk.injected(refuse), pytest.raises(AssayError, match=r"dvc\.lock cannot be written: Permission denied\."):
        repro(work)


@pytest.mark.usefixtures("impatient")
def test_an_interrupted_stage_records_nothing(work: Workspace) -> None:
    two_stages(work)
    work.write("train.sh", "touch ready; sleep 60\n")

    def interrupt() -> None:
        while not (work.root / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        repro(work)
    thread.join()
    assert list(entries(work)) == ["prepare"]


def test_outputs_become_links_where_the_configuration_wants_them(work: Workspace) -> None:
    two_stages(work)
    work.write(".assay/config", "[cache]\n    type = hardlink\n")
    work.reopen()
    repro(work)
    assert os.stat(work.root / "model.bin").st_nlink == 2
    assert stat.S_IMODE(os.stat(work.root / "model.bin").st_mode) == 0o444
    assert os.stat(work.root / "data/up.txt").st_nlink == 2
    assert again(work).ran == ()


def test_outputs_stay_as_they_are_by_default(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    assert os.stat(work.root / "model.bin").st_nlink == 1
    assert os.access(work.root / "model.bin", os.W_OK)


def test_an_output_that_persists_is_never_written_through_a_link(work: Workspace) -> None:
    cmd = "mkdir -p d; echo x >> f; echo x >> d/g"
    flags = "{persist: true}"
    work.write("dvc.yaml", f"stages: {{a: {{cmd: '{cmd}', outs: [f: {flags}, d: {flags}], always_changed: true}}}}\n")
    work.write(".assay/config", "[cache]\n    type = symlink\n")
    work.reopen()
    repro(work)
    first = entries(work)["a"].outs["f"].digest
    assert (work.root / "f").is_symlink()
    again(work)
    assert work.project.cache.read(first) == b"x\n"
    assert work.read("f") == work.read("d/g") == "x\nx\n"


def test_an_output_that_is_a_link_to_nowhere_is_missing(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    (work.root / "model.bin").unlink()
    (work.root / "model.bin").symlink_to(work.root / ".assay/cache/gone")
    assert reasons(work)["train"] == ("model.bin is missing",)
    assert again(work).ran == ()
    assert not (work.root / "model.bin").is_symlink()


def test_what_an_interrupted_command_stored_is_not_said_to_be_somebody_elses(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    (work.root / "dvc.lock").unlink()
    (work.root / "m.json").unlink()
    again(work)
    assert notes(work) == []


def test_times_of_day_can_be_parameters(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'true', params: [p.toml: null]}}\n")
    work.write("p.toml", "at = 10:00:00\non = 2020-01-01\nmoment = [2020-01-01T10:00:00.5+01:00]\n")
    repro(work)
    assert again(work).ran == ()


def test_an_unknown_kind_of_link_is_said(work: Workspace) -> None:
    two_stages(work)
    work.write(".assay/config", "[cache]\n    type = hardlnk\n")
    work.reopen()
    with pytest.raises(ConfigError, match=r"cache\.type is 'hardlnk'"):
        repro(work)


def test_an_output_under_a_symlink_is_never_removed(work: Workspace) -> None:
    elsewhere = work.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "out").write_text("not the project's\n")
    (work.root / "link").symlink_to(elsewhere)
    work.write("dvc.yaml", "stages: {a: {cmd: 'true', outs: [link/out]}}\n")
    with pytest.raises(AssayError):
        repro(work)
    assert (elsewhere / "out").read_text() == "not the project's\n"


def test_committing_records_what_is_there_without_running(work: Workspace) -> None:
    two_stages(work)
    work.write("data/up.txt", "by hand\n")
    work.write("model.bin", "by hand too\n")
    work.write("m.json", "{}\n")
    done = commit_outs(work.project, load(work.project))
    assert (done.left, done.locks_written, done.ignores_written) == ((), ("dvc.lock",), (".gitignore",))
    assert entries(work) == done.entries
    assert work.started == []
    assert work.project.cache.read(entries(work)["train"].outs["model.bin"].digest) == b"by hand too\n"
    assert reasons(work) == {"prepare": (), "train": ()}


def test_committing_leaves_a_stage_whose_files_are_not_all_there(work: Workspace) -> None:
    two_stages(work)
    repro(work, "prepare")
    done = commit_outs(work.project, load(work.project))
    assert done.left == ("train",)
    assert list(entries(work)) == ["prepare"]
    assert done.locks_written == ()


def test_committing_some_stages_leaves_the_others(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("raw.txt", "other\n")
    work.write("train.sh", work.read("train.sh") + "# changed\n")
    done = commit_outs(work.project, load(work.project), Choice(("train",)))
    assert list(done.entries) == ["train"]
    assert reasons(work) == {"prepare": ("raw.txt changed",), "train": ()}


def test_entries_of_stages_that_are_gone_stay(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    work.write("dvc.yaml", "stages: {other: {cmd: 'true', params: [train.lr]}}\n")
    again(work)
    assert list(entries(work)) == ["prepare", "train", "other"]


def test_an_executable_output_is_recorded_as_one(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'echo x > run; chmod +x run', outs: [run]}}\n")
    repro(work)
    out = entries(work)["a"].outs["run"]
    assert isinstance(out, Artifact)
    assert out.is_exec


def test_metrics_are_written_as_they_are(work: Workspace) -> None:
    two_stages(work)
    repro(work)
    assert json.loads(work.read("m.json")) == {"acc": 1}


def test_two_spellings_of_a_params_file_are_one_file(work: Workspace) -> None:
    work.write("params.yaml", "n: 1\nw: a\n")
    work.write("dvc.yaml", "stages: {a: {cmd: touch o, params: [n, {./params.yaml: [w]}], outs: [o]}}\n")
    repro(work)
    assert lock.parse(work.read("dvc.lock"), "dvc.lock").stages["a"].params == {"params.yaml": {"n": 1, "w": "a"}}
    assert again(work).skipped == ("a",)


def test_a_gitignore_that_a_stage_writes_is_recorded_with_the_lines_of_all_outputs(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'echo x > .gitignore; touch o', outs: [.gitignore, o]}}\n")
    repro(work)
    assert work.read(".gitignore") == "x\n/.gitignore\n/o\n"
    assert again(work).skipped == ("a",)


FAR = "stages: {a: {cmd: 'cp in.txt ../far/o', deps: [in.txt], outs: [{../far/o: {cache: false}}]}}\n"


def far_stage(work: Workspace, text: str = FAR) -> Path:
    work.write("in.txt", "1\n")
    work.write("dvc.yaml", text)
    far = work.root.parent / "far"
    far.mkdir()
    return far / "o"


def test_an_output_outside_the_project_is_written_and_recorded(work: Workspace) -> None:
    out = far_stage(work)
    assert repro(work).ran == ("a",)
    assert out.read_text() == "1\n"
    assert again(work).skipped == ("a",)
    out.unlink()
    assert again(work).ran == ("a",)


def test_what_is_replaced_outside_the_project_is_kept_in_the_cache_and_said(work: Workspace) -> None:
    out = far_stage(work)
    out.write_text("by hand\n")
    repro(work)
    said = [event.text for event in work.events if isinstance(event, Note)]
    digest = digest_bytes("xxh128", b"by hand\n")
    assert said == [f"../far/o was not what its stage wrote; what was there is in the cache as {digest}."]
    assert not work.project.cache.missing([digest])


def test_an_output_outside_the_project_that_persists_stays(work: Workspace) -> None:
    out = far_stage(
        work, FAR.replace("cache: false", "cache: false, persist: true").replace("cp in.txt", "cat in.txt >>")
    )
    out.write_text("0\n")
    repro(work)
    assert out.read_text() == "0\n1\n"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (FAR.replace("{cache: false}", "{}"), "stages.a.outs[0].../far/o", "outside the project, and is not kept"),
        ("stages: {a: {cmd: '', outs: [o]}}", "stages.a.cmd", "holds no command"),
        ("stages: {a: {cmd: [x, 1]}}", "stages.a.cmd", "holds 1, which is no command"),
        ("vars: [{m: {a: 1}}]\nstages: {a: {cmd: '${m}'}}", "stages.a.cmd", "a list of commands, not a map"),
    ],
)
def test_a_stage_that_cannot_be_run_is_read_and_refused(work: Workspace, text: str, key: str, says: str) -> None:
    far_stage(work, text)
    assert [status.name for status in statuses(work.project, load(work.project))] == ["a"]
    with pytest.raises(BadInput, match=says) as caught:
        repro(work)
    assert caught.value.key == key
    assert not (work.root / "dvc.lock").exists()


def test_a_stage_that_writes_to_a_url_is_refused_where_nobody_can_be_asked(work: Workspace) -> None:
    far_stage(work, "stages: {a: {cmd: 'true', outs: [{'s3://b/k': {cache: false}}]}}")
    with pytest.raises(ConfigError, match="Stage a writes s3://b/k, and what is there cannot be told"):
        repro(work)


def test_an_ignore_file_inside_an_output_is_refused(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: mkdir o; touch o/.dvcignore, outs: [o]}}\n")
    with pytest.raises(BadInput, match=r"o/\.dvcignore: a .dvcignore inside data is not possible"):
        repro(work)
    assert not (work.root / "dvc.lock").exists()


def test_a_stage_that_reads_the_whole_project_comes_after_all_that_write_into_it(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {b: {cmd: 'ls > ../list', deps: [.]}, a: {cmd: touch o, outs: [o]}}\n")
    assert repro(work).ran == ("a", "b")


def test_an_output_that_is_a_symlink_to_a_folder_comes_back_as_a_folder(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: 'mkdir -p r; echo 1 > r/x; ln -s r o', outs: [o]}}\n")
    repro(work)
    os.unlink(work.root / "o")
    assert again(work).restored == ("a",)
    assert not (work.root / "o").is_symlink()
    assert work.read("o/x") == "1\n"


@pytest.mark.law(1)
def test_the_cache_is_synced_before_a_lock_file_names_what_it_has(work: Workspace) -> None:
    two_stages(work)
    steps: list[tuple[str, str]] = []
    with disk.injected(lambda step, path: steps.append((step, path))):
        repro(work)
    cache = work.project.cache_folder
    named = [at for at, (step, path) in enumerate(steps) if step == "rename" and path.endswith("/dvc.lock")]
    assert len(named) == 2
    for at in named:
        written = max(
            i for i, (_, path) in enumerate(steps[:at]) if path.startswith((f"{cache}/packs/", f"{cache}/xxh128/"))
        )
        assert ("sync", cache) in steps[written:at]
