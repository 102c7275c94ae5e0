"""`gc`: which data stays with which flag, what is said before anything goes, and how it comes back."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from assay.engine.errors import CorruptObject, Locked, Refused, RemoteError, UnknownRevision, UsageError
from assay.engine.events import Warned
from assay.engine.experiments import gc as gc_module
from assay.engine.experiments.gc import Preview, collecting, gc
from assay.engine.experiments.keeping import Keep
from assay.engine.experiments.status import status
from assay.engine.git.repository import Repository
from assay.engine.store.digest import digest_bytes
from assay.engine.workspace import undo
from tests.datacommits import commit, data_file, experiment, has, put, set_ref
from tests.stores import LARGE
from tests.workspace import Workspace

CONTENTS = {
    name: f"data of {name}".encode()
    for name in (
        "workspace", "head", "before", "main1", "old-branch", "branch", "tag", "remote", "exp", "exp-old", "stash",
        "queue", "undone", "removed", "nothing", "base-of-exp", "recent",
    )
}  # fmt: skip
ALWAYS = {"workspace", "head", "stash", "queue", "undone", "removed"}


@pytest.fixture
def ws(tmp_path):
    made = Workspace(tmp_path / "p")
    made.write(".assay/config", "[gc]\n    fresh = 0\n")
    made.reopen()
    yield made
    made.project.close()


@pytest.fixture
def rich(ws):
    """A repository where each kind of ref has data of its own."""
    project = ws.project

    def made(name, **more):
        return commit(project, {"d": CONTENTS[name]}, **more)

    before = made("before", time=1_600_000_000)
    main1 = made("main1", parents=[before], time=1_650_000_000)
    head = made("head", parents=[main1], ref="refs/heads/main", time=1_700_000_000)
    old = made("old-branch", time=1_500_000_000)
    made("branch", parents=[old], ref="refs/heads/side", time=1_500_000_000)
    made("tag", ref="refs/tags/v1", time=1_500_000_000)
    made("remote", ref="refs/remotes/origin/main", time=1_500_000_000)
    made("recent", ref="refs/remotes/origin/new", time=1_750_000_000)
    made("stash", ref="refs/stash")
    made("queue", ref="refs/assay/queue/job1")
    base = made("base-of-exp")
    experiment(project, "one", base, {"d": CONTENTS["exp"]})
    chained = experiment(project, "chain", head, {"d": CONTENTS["exp-old"]})
    experiment(project, "gone", head, {"d": CONTENTS["removed"]})
    undo.remember(project, "apply", outs={"d": put(project.cache, CONTENTS["undone"])})
    removed = f"refs/exps/{head.hex()[:2]}/{head.hex()[2:]}/gone"
    undo.remember(project, "remove gone", refs={removed: project.repo.refs.read(removed)})
    set_ref(project, removed, None)
    assert chained
    put(project.cache, CONTENTS["nothing"])
    ws.write("d.dvc", data_file("d", put(project.cache, CONTENTS["workspace"])))
    return ws


def kept(ws) -> set[str]:
    """Whose data the cache has."""
    ws.reopen()
    return {name for name, data in CONTENTS.items() if has(ws.project.cache, digest_bytes("xxh128", data))}


def preview_of(ws, keep, **more) -> Preview:
    """What a dry run says."""
    said: list[Preview] = []
    assert gc(ws.project, keep, dry=True, tell=said.append, **more) is False
    return said[0]


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        (Keep(workspace=True), set()),
        (Keep(revisions=("side",)), {"branch"}),
        (Keep(revisions=("main",), number=2), {"main1"}),
        (Keep(revisions=("side", "v1")), {"branch", "tag"}),
        (Keep(branches=True), {"branch"}),
        (Keep(branches=True, number=2), {"branch", "old-branch", "main1"}),
        (Keep(branches=True, number=-1), {"branch", "old-branch", "main1", "before"}),
        (Keep(tags=True), {"tag"}),
        (Keep(commits=True), {"branch", "old-branch", "main1", "before", "tag", "remote", "recent"}),
        (Keep(since=1_640_000_000), {"main1", "recent"}),
        (Keep(experiments=True), {"exp", "exp-old", "base-of-exp"}),
        (Keep(tags=True, experiments=True), {"tag", "exp", "exp-old", "base-of-exp"}),
        (Keep(commits=True, experiments=True), set(CONTENTS) - {"nothing"}),
    ],
    ids=lambda value: (
        "+".join(name for name, x in value._asdict().items() if x not in (False, (), None, 1))
        if isinstance(value, Keep)
        else ""
    ),
)
@pytest.mark.law(7)
def test_what_each_flag_keeps(rich, keep, stays):
    assert gc(rich.project, keep)
    assert kept(rich) == ALWAYS | stays


def test_nothing_goes_before_it_is_said_whose_it_is(rich):
    said = preview_of(rich, Keep(workspace=True))
    assert sorted(said.loss.experiments) == ["chain", "one"]
    assert sorted(said.loss.refs) == ["origin/main", "origin/new", "side", "v1"]
    assert said.loss.commits == 3
    lost = set(CONTENTS) - ALWAYS - {"nothing", "base-of-exp"}
    assert said.loss.objects == len(lost)
    assert said.loss.size == sum(len(CONTENTS[name]) for name in lost)
    assert said.objects == len(lost) + 2
    assert said.held == sum(len(CONTENTS[name]) for name in ("queue", "undone", "removed"))
    assert kept(rich) == set(CONTENTS)


def test_a_person_who_says_no_changes_nothing(rich):
    assert gc(rich.project, Keep(workspace=True), ask=lambda: False) is False
    assert kept(rich) == set(CONTENTS)
    assert rich.project.cache.trash.bins() == []


def test_an_experiment_made_while_a_person_decides_keeps_its_data(rich):
    def ask():
        base = rich.project.repo.head()
        experiment(rich.project, "late", base, {"d": CONTENTS["nothing"]})
        return True

    assert gc(rich.project, Keep(experiments=True), ask=ask)
    assert "nothing" in kept(rich)


def test_what_became_garbage_while_a_person_decides_is_not_taken_unsaid(rich):
    def ask():
        set_ref(rich.project, "refs/tags/v1", None)
        return True

    with pytest.raises(Refused, match="meanwhile"):
        gc(rich.project, Keep(tags=True), ask=ask)
    assert kept(rich) == set(CONTENTS)


def test_undo_gives_a_collection_back(rich):
    gc(rich.project, Keep(workspace=True))
    assert kept(rich) == ALWAYS
    record = undo.undo(rich.project)
    assert record.trash
    assert kept(rich) == set(CONTENTS)
    assert rich.project.cache.trash.bins() == []


def test_what_is_in_the_trash_comes_back_when_it_is_needed(rich):
    gc(rich.project, Keep(workspace=True))
    rich.reopen()
    assert rich.project.cache.read(digest_bytes("xxh128", CONTENTS["exp"])) == CONTENTS["exp"]


def grow_old(ws, days):
    """Lets a collection have been made so many days ago."""
    (record,) = (ws.root / ".assay/cache/trash").glob("*/record")
    told = json.loads(record.read_text())
    record.write_text(json.dumps(told | {"time": told["time"] - days * 86400}))


def test_the_trash_is_emptied_when_its_grace_is_over_and_not_before(rich):
    gc(rich.project, Keep(workspace=True))
    grow_old(rich, 13)
    assert preview_of(rich, Keep(workspace=True)).expired == ()
    grow_old(rich, 2)
    said = preview_of(rich, Keep(workspace=True))
    assert len(said.expired) == 1
    assert said.expired_size > sum(len(CONTENTS[name]) for name in set(CONTENTS) - ALWAYS)
    gc(rich.project, Keep(workspace=True))
    assert rich.project.cache.trash.bins() == []
    assert [record for record in undo.records(rich.project) if record.trash] == []


def test_what_the_flags_keep_leaves_the_trash_before_it_is_emptied(rich):
    gc(rich.project, Keep(workspace=True))
    grow_old(rich, 20)
    gc(rich.project, Keep(experiments=True))
    assert {"exp", "exp-old", "base-of-exp"} <= kept(rich)
    assert rich.project.cache.trash.bins() == []


def test_the_trash_can_be_emptied_at_once(rich):
    gc(rich.project, Keep(workspace=True), empty_trash=True)
    assert kept(rich) == ALWAYS
    assert rich.project.cache.trash.bins() == []
    assert [record for record in undo.records(rich.project) if record.trash] == []


def test_the_grace_is_a_setting(ws):
    ws.write(".assay/config", "[gc]\n    fresh = 0\n    grace = 0\n")
    ws.reopen()
    put(ws.project.cache, b"garbage")
    gc(ws.project, Keep(workspace=True))
    assert len(ws.project.cache.trash.bins()) == 1
    gc(ws.project, Keep(workspace=True))
    assert ws.project.cache.trash.bins() == []


def test_what_is_new_stays_for_an_hour(tmp_path):
    ws = Workspace(tmp_path / "p")
    new = put(ws.project.cache, LARGE + b"new").digest
    old = put(ws.project.cache, LARGE + b"old").digest
    stamp = time.time() - 3700
    os.utime(ws.project.cache.object_path(old), (stamp, stamp))
    said = preview_of(ws, Keep(workspace=True))
    assert (said.objects, said.fresh) == (1, (1, len(LARGE) + 3))
    gc(ws.project, Keep(workspace=True))
    assert [has(ws.project.cache, digest) for digest in (new, old)] == [True, False]
    ws.project.close()


def test_directories_in_a_lock_file_are_kept_whole(ws):
    artifact = put(ws.project.cache, {"a": b"a", "deep/b": LARGE})
    lock = (
        "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: out\n      hash: xxh128\n"
        f"      digest: {artifact.digest.text}\n      size: 1\n      nfiles: 2\n"
    )
    ws.write("dvc.yaml", "stages:\n  s:\n    cmd: x\n    outs: [out]\n")
    ws.write("dvc.lock", lock)
    other = put(ws.project.cache, b"other").digest
    gc(ws.project, Keep(workspace=True))
    assert has(ws.project.cache, digest_bytes("xxh128", LARGE))
    assert has(ws.project.cache, digest_bytes("xxh128", b"a"))
    assert not has(ws.project.cache, other)


def test_a_pipeline_file_that_cannot_be_understood_keeps_all_that_its_lock_file_names(ws):
    digest = put(ws.project.cache, b"model").digest
    lock = (
        "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: out\n      hash: xxh128\n"
        f"      digest: {digest.text}\n      size: 5\n"
    )
    commit(ws.project, files={"dvc.yaml": "stages: [", "dvc.lock": lock}, ref="refs/heads/odd")
    gc(ws.project, Keep(branches=True))
    assert has(ws.project.cache, digest)


@pytest.mark.parametrize("path", ["d.dvc", "dvc.lock"])
def test_a_commit_whose_needs_cannot_be_told_stops_everything(ws, path):
    commit(ws.project, files={"dvc.yaml": "stages: {s: {cmd: x, outs: [o]}}", path: "outs: [\n"}, ref="refs/heads/odd")
    garbage = put(ws.project.cache, b"garbage").digest
    with pytest.raises(Refused, match=path):
        gc(ws.project, Keep(branches=True))
    assert has(ws.project.cache, garbage)
    assert gc(ws.project, Keep(branches=True, skip_failed=True))
    assert any(isinstance(event, Warned) and path in event.text for event in ws.events)
    assert not has(ws.project.cache, garbage)


def test_a_workspace_whose_needs_cannot_be_told_is_never_skipped(ws):
    ws.write("d.dvc", "outs: [\n")
    with pytest.raises(Refused, match="the workspace"):
        gc(ws.project, Keep(workspace=True, skip_failed=True))


def test_a_damaged_ref_stops_everything(rich):
    (rich.root / ".git/refs/heads/side").write_text("nonsense\n")
    with pytest.raises(Refused, match="refs/heads/side"):
        gc(rich.project, Keep(workspace=True))


def test_a_missing_commit_stops_everything(rich):
    missing = "ab" * 20
    (rich.root / ".git/refs/heads/side").write_text(missing + "\n")
    with pytest.raises(Exception, match=missing):
        gc(rich.project, Keep(workspace=True))
    assert kept(rich) == set(CONTENTS)


def test_a_second_collection_is_kept_out(rich):
    with collecting(rich.project), pytest.raises(Locked, match="assay"):
        gc(rich.project, Keep(workspace=True))


def test_links_of_the_workspace_lead_somewhere_still(ws):
    ws.write(".assay/config", "[cache]\n    type = symlink\n[gc]\n    fresh = 0\n")
    ws.reopen()
    cache = ws.project.cache
    linked, named = put(cache, LARGE + b"linked"), put(cache, LARGE + b"named")
    ws.write("d.dvc", data_file("d", named))
    os.symlink(cache.object_path(linked.digest), ws.root / "d")
    gc(ws.project, Keep(workspace=True))
    assert (ws.root / "d").read_bytes() == LARGE + b"linked"


def test_a_linked_worktree_keeps_what_it_has(rich, git, tmp_path):
    (rich.root / ".git/info").mkdir(exist_ok=True)
    git("worktree", "add", "-q", str(tmp_path / "other"), "side", cwd=rich.root)
    (tmp_path / "other/d.dvc").write_text(data_file("d", put(rich.project.cache, CONTENTS["nothing"])))
    gc(rich.project, Keep(workspace=True))
    assert kept(rich) == ALWAYS | {"branch", "nothing"}


def test_every_entry_of_the_stash_is_kept_with_its_new_files(ws, git):
    ws.write(".git/info/exclude", "/.assay/\n")
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=ws.root)
    contents = [b"stashed first", b"stashed second, in a new file"]
    for content in contents:
        name = f"d{len(content)}"
        ws.write(f"{name}.dvc", data_file(name, put(ws.project.cache, content)))
        git("stash", "-u", "-q", cwd=ws.root)
    other = put(ws.project.cache, b"other").digest
    gc(ws.project, Keep(workspace=True))
    assert [has(ws.project.cache, digest_bytes("xxh128", content)) for content in contents] == [True, True]
    assert not has(ws.project.cache, other)


def test_a_cache_elsewhere_gets_a_warning(ws, tmp_path):
    ws.write(".assay/config", f"[cache]\n    dir = {tmp_path}/shared\n")
    ws.reopen()
    gc(ws.project, Keep(workspace=True))
    assert any(isinstance(event, Warned) and "-p" in event.text for event in ws.events)


def test_what_is_named_while_the_trash_is_emptied_comes_back(rich, monkeypatch):
    real = gc_module.take

    def take_and_name(cache, found, *more):
        real(cache, found, *more)
        base = rich.project.repo.head()
        experiment(rich.project, "late", base, {"dir": {"a": b"a", "b": CONTENTS["nothing"]}})
        cache.close()

    monkeypatch.setattr(gc_module, "take", take_and_name)
    gc(rich.project, Keep(experiments=True), empty_trash=True)
    assert "nothing" in kept(rich)


def test_another_project_with_the_same_cache_keeps_its_data(rich, tmp_path):
    other = Workspace(tmp_path / "other")
    other.write(".assay/config", f"[cache]\n    dir = {rich.root}/.assay/cache\n")
    other.reopen()
    commit(other.project, {"d": CONTENTS["nothing"]}, ref="refs/heads/main")
    gc(rich.project, Keep(workspace=True), others=[other.project])
    assert kept(rich) == ALWAYS | {"nothing"}
    other.project.close()


def test_a_project_in_a_sub_folder_keeps_its_data(tmp_path):
    Repository.init(str(tmp_path / "top")).close()
    ws = Workspace(tmp_path / "top/sub")
    (tmp_path / "top/sub/.git").exists()
    ws.write(".assay/config", "[gc]\n    fresh = 0\n")
    ws.reopen()
    data = put(ws.project.cache, b"data")
    commit(ws.project, files={f"{ws.project.prefix}d.dvc": data_file("d", data)}, ref="refs/heads/b")
    gc(ws.project, Keep(branches=True))
    assert has(ws.project.cache, data.digest)
    ws.project.close()


def test_a_ref_that_is_no_commit_needs_nothing(ws):
    blob = ws.project.repo.objects.write(3, b"x")
    set_ref(ws.project, "refs/tags/blob", blob)
    assert gc(ws.project, Keep(tags=True, commits=True))


def test_a_shallow_history_ends_where_it_was_cut(ws):
    gone = commit(ws.project, {"d": b"x"})
    tip = commit(ws.project, {"d": b"tip"}, parents=[gone], ref="refs/heads/main")
    path = ws.project.repo.objects.path + f"/{gone.hex()[:2]}/{gone.hex()[2:]}"
    (ws.root / ".git/shallow").write_text(tip.hex() + "\n")
    if Path(path).exists():
        os.unlink(path)
    ws.reopen()
    assert gc(ws.project, Keep(commits=True))
    assert has(ws.project.cache, digest_bytes("xxh128", b"tip"))


@pytest.mark.parametrize("keep", [Keep(), Keep(skip_failed=True), Keep(workspace=True, number=2)])
def test_flags_that_say_nothing_are_refused(ws, keep):
    with pytest.raises(UsageError):
        gc(ws.project, keep)


def test_a_revision_that_is_none_is_refused(ws):
    with pytest.raises(UnknownRevision):
        gc(ws.project, Keep(revisions=("nowhere",)))


def test_an_undo_record_that_is_damaged_stops_everything(rich):
    commit(rich.project, ref="refs/assay/undo/99")
    with pytest.raises((Refused, CorruptObject), match="99"):
        gc(rich.project, Keep(workspace=True))


def test_run_cache_entries_stay(ws):
    ws.write(".assay/cache/runs/ab/abc/def", "cmd: x\n")
    put(ws.project.cache, b"garbage")
    gc(ws.project, Keep(workspace=True))
    assert (ws.root / ".assay/cache/runs/ab/abc/def").exists()


def test_status_shows_who_collects(rich):
    assert status(rich.project).collector is None
    with collecting(rich.project):
        owner = status(rich.project).collector
    assert owner is not None
    assert owner.pid == os.getpid()


def on_remote(*names: str):
    """A remote that has the data of these kinds of refs, and no directory."""
    have = {digest_bytes("xxh128", CONTENTS[name]) for name in names}
    return lambda digests: set(digests) & have


def test_what_is_needed_and_on_the_remote_goes_and_nobody_loses_it(rich):
    keep, remote = Keep(tags=True), on_remote("workspace", "tag", "branch", "nothing")
    preview = preview_of(rich, keep, elsewhere=remote)
    assert preview.elsewhere[0] == 4
    assert "side" not in preview.loss.refs
    assert "v1" not in preview.loss.refs
    assert gc(rich.project, keep, elsewhere=remote)
    assert kept(rich) == ALWAYS - {"workspace"}


def test_what_is_needed_and_not_on_the_remote_stays(rich):
    assert gc(rich.project, Keep(tags=True), elsewhere=on_remote("exp"))
    assert kept(rich) == ALWAYS | {"tag"}


def test_what_state_needs_stays_although_the_remote_has_it(rich):
    assert gc(rich.project, Keep(workspace=True), elsewhere=on_remote("undone", "queue", "removed"))
    assert kept(rich) == ALWAYS


def test_directories_stay_so_that_the_next_collection_knows_what_they_need(ws):
    ws.write("d.dvc", data_file("d", put(ws.project.cache, {"a": b"only here", "deep/b": b"there too"})))
    only, there = digest_bytes("xxh128", b"only here"), digest_bytes("xxh128", b"there too")
    elsewhere = lambda asked: {one for one in asked if one != only}  # noqa: E731
    assert gc(ws.project, Keep(workspace=True), elsewhere=elsewhere, empty_trash=True)
    assert gc(ws.project, Keep(workspace=True), empty_trash=True)
    ws.reopen()
    assert not has(ws.project.cache, there)
    assert has(ws.project.cache, only)


def test_what_links_of_the_workspace_lead_to_stays_although_the_remote_has_it(ws):
    ws.write(".assay/config", "[cache]\n    type = symlink\n[gc]\n    fresh = 0\n")
    ws.reopen()
    linked = put(ws.project.cache, LARGE)
    ws.write("d.dvc", data_file("d", linked))
    os.symlink(ws.project.cache.object_path(linked.digest), ws.root / "d")
    gc(ws.project, Keep(workspace=True), elsewhere=set)
    assert (ws.root / "d").read_bytes() == LARGE


def test_a_remote_that_cannot_be_asked_stops_everything(rich):
    def broken(_):
        raise RemoteError("The remote cannot be reached.", "Try again.")

    before = kept(rich)
    with pytest.raises(RemoteError):
        gc(rich.project, Keep(workspace=True), elsewhere=broken)
    assert kept(rich) == before
