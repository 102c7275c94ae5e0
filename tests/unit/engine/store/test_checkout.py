"""engine/store/checkout.py: from an artifact to the workspace."""

from __future__ import annotations

import errno
import os
import stat
import time

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, CorruptArtifact, MissingArtifact, UnsafePath, WouldLose
from assay.engine.events import Done, Progress
from assay.engine.model import Artifact, Digest
from assay.engine.store import scan
from assay.engine.store.checkout import carry_out, plan, relink
from assay.engine.store.digest import digest_bytes
from tests.stores import LARGE, damage, put

OLD = {"data/a": b"one", "data/s/b": b"two", "data/s/t/c": b"", "data/big": LARGE}
NEW = {"data/a": b"ONE", "data/s/b": b"two", "data/n/d": b"new", "data/big": LARGE + b"more"}


@pytest.fixture
def both(bench):
    """The old and the new state of ``data``, the workspace at the new one; all is in the cache."""
    artifacts = []
    for files in (OLD, NEW):
        disk.remove_tree(str(bench.root / "data"))
        bench.write(files)
        artifacts.append(bench.add("data"))
    return artifacts


def planned(bench, artifact, path="data", **more):
    return plan(str(bench.root), path, artifact, bench.cache, bench.stat_cache, **more)


def check_out(bench, artifact, path="data", kinds=("reflink", "copy"), **more):
    return carry_out(planned(bench, artifact, path), kinds, **more)


def test_the_plan_says_what_differs_and_changes_nothing(bench, both):
    todo = planned(bench, both[0])
    assert (set(todo.add), set(todo.change), set(todo.keep)) == (
        {"data/s/t/c"}, {"data/a", "data/big"}, {"data/s/b"},
    )  # fmt: skip
    assert todo.remove == ("data/n/d",)
    assert todo.folders == ("data/n",)
    assert (todo.would_lose, todo.missing, todo.is_done) == ((), (), False)
    assert bench.tree() == NEW


def test_carried_out_the_workspace_is_what_was_wanted(bench, both):
    assert check_out(bench, both[0]) == {"copy": 3}
    assert bench.tree() == OLD
    assert not (bench.root / "data/n").exists()
    assert planned(bench, both[0]).is_done


def test_nothing_differs_from_what_is_there(bench, both):
    todo = planned(bench, both[1])
    assert todo.is_done
    assert carry_out(todo) == {}


def test_a_workspace_without_the_directory_gets_it(bench, both):
    disk.remove_tree(str(bench.root / "data"))
    check_out(bench, both[0])
    assert bench.tree() == OLD


def test_a_single_file_comes_and_goes(bench):
    bench.write({"s/f": b"one"})
    artifact = bench.add("s/f")
    bench.write({"s/f": b"two"})
    other = bench.add("s/f")
    check_out(bench, artifact, "s/f")
    assert bench.tree() == {"s/f": b"one"}
    check_out(bench, None, "s/f")
    assert bench.tree() == {}
    check_out(bench, other, "s/f")
    assert bench.tree() == {"s/f": b"two"}


def test_wanting_nothing_removes_the_directory(bench, both):
    check_out(bench, None)
    assert os.listdir(bench.root) == []


def test_wanting_nothing_where_nothing_is_is_done(bench):
    todo = planned(bench, None)
    assert todo.is_done
    assert carry_out(todo) == {}


def test_an_empty_directory_is_made(bench):
    (bench.root / "data").mkdir()
    artifact = bench.add("data")
    assert planned(bench, artifact).is_done
    os.rmdir(bench.root / "data")
    assert not planned(bench, artifact).is_done
    check_out(bench, artifact)
    assert os.listdir(bench.root / "data") == []


def test_a_directory_that_is_emptied_stays(bench, both):
    (bench.root / "empty").mkdir()
    artifact = bench.add("empty")
    check_out(bench, artifact)
    assert os.listdir(bench.root / "data") == []


def test_empty_folders_of_the_users_stay(bench, both):
    (bench.root / "data/mine/below").mkdir(parents=True)
    assert planned(bench, both[1]).is_done
    check_out(bench, both[0])
    assert (bench.root / "data/mine/below").is_dir()


@pytest.mark.parametrize("force", [False, True])
def test_a_file_becomes_a_folder_and_back(bench, force):
    states = [{"data/x": b"file", "data/k": b"k"}, {"data/x/y/z": b"below", "data/x/w": b"w", "data/k": b"k"}]
    artifacts = []
    for files in states:
        disk.remove_tree(str(bench.root / "data"))
        bench.write(files)
        artifacts.append(bench.add("data"))
    for turn in (0, 1, 0):
        check_out(bench, artifacts[turn], force=force)
        assert bench.tree() == states[turn]


def test_a_folder_of_empty_folders_gives_way_to_a_file(bench):
    bench.write({"data/x": b"file"})
    artifact = bench.add("data")
    os.unlink(bench.root / "data/x")
    (bench.root / "data/x/y/z").mkdir(parents=True)
    check_out(bench, artifact)
    assert bench.tree() == {"data/x": b"file"}


def test_a_directory_becomes_a_file_and_back(bench, both):
    digest = put(bench.cache, b"file")[0]
    check_out(bench, Artifact(digest, 4))
    assert bench.tree() == {"data": b"file"}
    check_out(bench, both[0])
    assert bench.tree() == OLD


class TestWorkThatExistsNowhereElse:
    """Law 2."""

    @pytest.mark.law(2)
    def test_changed_content_is_not_overwritten(self, bench, both):
        bench.write({"data/a": b"mine"})
        with pytest.raises(WouldLose, match="data/a") as caught:
            check_out(bench, both[0])
        assert caught.value.exit_code == 1
        assert bench.tree() == {**NEW, "data/a": b"mine"}

    @pytest.mark.law(2)
    def test_new_files_are_not_removed(self, bench, both):
        bench.write({"data/n/mine": b"mine"})
        for artifact in (both[0], None):
            with pytest.raises(WouldLose, match="data/n/mine"):
                check_out(bench, artifact)
        assert bench.tree() == {**NEW, "data/n/mine": b"mine"}

    @pytest.mark.law(2)
    def test_up_to_ten_are_named(self, bench, both):
        bench.write({f"data/n/{number}": b"mine %d" % number for number in range(10, 25)})
        with pytest.raises(WouldLose, match=r"data/n/10, .*data/n/19 and 5 more"):
            check_out(bench, both[0])

    def test_force_lets_it_go(self, bench, both):
        bench.write({"data/a": b"mine", "data/n/mine": b"mine"})
        check_out(bench, both[0], force=True)
        assert bench.tree() == OLD

    def test_new_content_that_the_cache_has_may_go(self, bench, both):
        put(bench.cache, b"kept")
        bench.write({"data/a": b"kept", "data/more": b"kept"})
        check_out(bench, both[0])
        assert bench.tree() == OLD

    def test_new_content_that_is_what_is_wanted_stays(self, bench, both):
        bench.write({"data/a": b"one"})
        todo = planned(bench, both[0])
        assert "data/a" in todo.keep
        carry_out(todo)
        assert bench.tree() == OLD

    @pytest.mark.law(2)
    def test_what_is_ignored_stays(self, bench, both):
        bench.write({"data/n/x.log": b"mine", "data/logs/y": b"mine"})
        todo = planned(bench, both[0], ignored=lambda path, _: path.endswith((".log", "/logs")))
        carry_out(todo)
        assert bench.tree() == {**OLD, "data/n/x.log": b"mine", "data/logs/y": b"mine"}

    @pytest.mark.law(2)
    @pytest.mark.parametrize("rule", ["data/a", "data/s"])
    def test_what_is_wanted_is_looked_at_although_it_is_ignored(self, bench, both, rule):
        bench.write({"data/a": b"mine", "data/s/b": b"mine"})
        todo = planned(bench, both[0], ignored=lambda path, _: path == rule)
        assert todo.would_lose == ("data/a", "data/s/b")

    @pytest.mark.law(2)
    def test_an_ignored_file_in_the_way_is_not_removed(self, bench):
        bench.write({"data/x": b"file"})
        artifact = bench.add("data")
        os.unlink(bench.root / "data/x")
        bench.write({"data/x/log": b"mine"})
        todo = planned(bench, artifact, ignored=lambda path, _: path == "data/x/log")
        assert todo.would_lose == ("data/x/log",)
        with pytest.raises(BadInput, match="data/x: is a folder"):
            carry_out(todo, force=True)
        assert bench.tree() == {"data/x/log": b"mine"}

    @pytest.mark.law(2)
    @pytest.mark.parametrize("target", ["/etc/passwd", "nothing", "../data/s"])
    def test_a_symlink_of_the_users_is_not_replaced(self, bench, both, target):
        for path in ("data/a", "data/extra"):
            (bench.root / path).unlink(missing_ok=True)
            (bench.root / path).symlink_to(target)
        assert planned(bench, both[0]).would_lose == ("data/a", "data/extra")
        check_out(bench, both[0], force=True)
        assert bench.tree() == OLD
        assert not (bench.root / "data/a").is_symlink()

    @pytest.mark.law(2)
    def test_a_symlink_in_place_of_the_directory_is_not_replaced(self, bench, both):
        os.rename(bench.root / "data", bench.root / "elsewhere")
        (bench.root / "data").symlink_to("elsewhere")
        with pytest.raises(WouldLose, match="data"):
            check_out(bench, both[0])
        check_out(bench, both[0], force=True)
        assert {path: data for path, data in bench.tree().items() if path.startswith("data/")} == OLD
        assert (bench.root / "elsewhere/a").read_bytes() == NEW["data/a"]

    def test_a_symlink_into_the_cache_is_assays_own(self, bench, both):
        check_out(bench, both[0])
        disk.remove_tree(str(bench.root / "data"))
        check_out(bench, both[0], kinds=["symlink"])
        assert (bench.root / "data/a").is_symlink()
        check_out(bench, both[1])
        assert bench.tree() == NEW


class TestWhatIsMissing:
    """Nothing is begun that cannot be ended."""

    @pytest.mark.law(3)
    def test_missing_content_is_named_before_anything_changes(self, bench, both):
        digest = digest_bytes("xxh128", OLD["data/big"])
        os.unlink(bench.cache.loose_path(digest))
        with pytest.raises(MissingArtifact, match=digest.hex) as caught:
            check_out(bench, both[0])
        assert "assay pull" in caught.value.hint
        assert bench.tree() == NEW

    @pytest.mark.law(3)
    def test_an_empty_object_is_missing(self, bench, both):
        path = bench.cache.loose_path(digest_bytes("xxh128", OLD["data/big"]))
        os.chmod(path, 0o644)
        os.truncate(path, 0)
        with pytest.raises(MissingArtifact):
            check_out(bench, both[0])
        assert bench.tree() == NEW

    @pytest.mark.law(3)
    @pytest.mark.parametrize("path", ["data/a", "data/big"])
    def test_a_damaged_object_is_named_and_its_file_stays(self, bench, both, path):
        damage(bench.cache, digest_bytes("xxh128", OLD[path]))
        bench.cache.close()
        with pytest.raises(CorruptArtifact):
            check_out(bench, both[0])
        assert bench.tree()[path] == NEW[path]

    def test_a_missing_manifest_is_named(self, bench):
        never = Artifact(Digest("xxh128", "0" * 32, True), 1, 1)
        with pytest.raises(MissingArtifact, match="00000"):
            planned(bench, never)


@pytest.mark.law(5)
@pytest.mark.parametrize("path", ["../x", "/x", ".git/config", "a/../../x"])
def test_a_path_outside_the_project_is_refused(bench, path):
    with pytest.raises(UnsafePath):
        planned(bench, None, path)


@pytest.mark.law(5)
@pytest.mark.parametrize("is_link", [True, False])
def test_nothing_is_written_below_a_symlink_or_a_file(bench, is_link):
    bench.write({"s/f": b"x"})
    artifact = bench.add("s/f")
    disk.remove_tree(str(bench.root / "s"))
    if is_link:
        (bench.root.parent / "outside").mkdir()
        (bench.root / "s").symlink_to(bench.root.parent / "outside")
    else:
        bench.write({"s": b"a file"})
    with pytest.raises(UnsafePath):
        check_out(bench, artifact, "s/f")


class TestModes:
    """The right to be executed travels; all else is the umask's."""

    def mode(self, bench, path):
        return stat.S_IMODE(os.stat(bench.root / path).st_mode)

    def test_gains_and_losses_are_carried_out_without_writing_content(self, bench):
        bench.write({"data/x": b"1", "data/y": b"2"})
        os.chmod(bench.root / "data/x", 0o755)
        artifact = bench.add("data")
        os.chmod(bench.root / "data/x", 0o640)
        os.chmod(bench.root / "data/y", 0o711)
        todo = planned(bench, artifact)
        assert (set(todo.modes), todo.add, todo.change) == ({"data/x", "data/y"}, {}, {})
        assert carry_out(todo) == {}
        assert (self.mode(bench, "data/x"), self.mode(bench, "data/y")) == (0o750, 0o600)
        assert planned(bench, artifact).is_done

    @pytest.mark.parametrize("kind", ["hardlink", "symlink"])
    def test_the_mode_of_a_link_is_not_touched(self, bench, kind):
        bench.write({"data/x": b"1"})
        plain = bench.add("data")
        os.chmod(bench.root / "data/x", 0o755)
        executable = bench.add("data")
        disk.remove_tree(str(bench.root / "data"))
        check_out(bench, plain, kinds=[kind])
        check_out(bench, executable, kinds=[kind])
        assert self.mode(bench, "data/x") == 0o755
        assert self.mode(bench, bench.cache.loose_path(digest_bytes("xxh128", b"1"))) == 0o444
        check_out(bench, plain, kinds=[kind])
        assert planned(bench, plain).is_done


class TestKinds:
    """``cache.type``."""

    @pytest.mark.parametrize("kind", ["hardlink", "symlink"])
    def test_what_was_used_is_counted(self, bench, both, kind):
        disk.remove_tree(str(bench.root / "data"))
        assert check_out(bench, both[0], kinds=[kind, "copy"]) == {kind: 3, "copy": 1}
        assert bench.tree() == OLD
        assert planned(bench, both[0]).is_done

    def test_copies_become_links_and_links_become_copies(self, bench, both):
        root = str(bench.root)
        assert relink(root, "data", both[1], bench.cache, ["hardlink"]) == {"hardlink": 4}
        assert relink(root, "data", both[1], bench.cache, ["hardlink"]) == {}
        assert relink(root, "data", both[1], bench.cache, ["symlink"]) == {"symlink": 4}
        assert relink(root, "data", both[1], bench.cache, ["copy"]) == {"copy": 4}
        assert relink(root, "data", both[1], bench.cache, ["reflink", "copy"]) == {}
        assert bench.tree() == NEW
        assert os.access(bench.root / "data/a", os.W_OK)

    @pytest.mark.law(2)
    def test_relinking_leaves_what_is_not_in_the_cache(self, bench, both):
        bench.write({"data/a": b"mine"})
        relink(str(bench.root), "data", both[1], bench.cache, ["hardlink"])
        assert bench.tree() == {**NEW, "data/a": b"mine"}

    def test_empty_and_executable_files_stay_copies(self, bench):
        bench.write({"data/x": b"1", "data/empty": b""})
        os.chmod(bench.root / "data/x", 0o755)
        assert relink(str(bench.root), "data", bench.add("data"), bench.cache, ["hardlink"]) == {}


@pytest.mark.parametrize("kinds", [("copy",), ("hardlink",), ("symlink",)])
def test_what_was_checked_out_is_not_read_again(bench, both, monkeypatch, kinds):
    for data in OLD.values():
        os.utime(bench.cache.materialise(digest_bytes("xxh128", data)), (1, 1))
    disk.remove_tree(str(bench.root / "data"))
    check_out(bench, both[0], kinds=kinds)
    monkeypatch.setattr(scan, "_content", None)
    monkeypatch.setattr(scan, "hash_files", None)
    assert planned(bench, both[0]).is_done


def test_a_change_right_after_a_checkout_is_seen(bench, both):
    check_out(bench, both[0])
    (bench.root / "data/a").write_bytes(b"ONE")
    assert set(planned(bench, both[0]).change) == {"data/a"}


def test_progress_counts_bytes(bench, both):
    heard = []
    check_out(bench, both[0], report=heard.append)
    total = len(OLD["data/a"]) + len(LARGE)
    assert heard[-2:] == [Progress("Checking out data", total, total, "B"), Done("Checking out data")]


@pytest.mark.law(1)
@pytest.mark.parametrize("kinds", [("copy",), ("hardlink",), ("symlink",)])
def test_interrupted_at_any_step_each_file_is_old_or_new_and_a_second_run_completes(tmp_path, bench, both, kinds):
    """One state and the other, with every step in between failing once."""
    step = 0
    while True:
        check_out(bench, both[1], force=True)
        left = [step]

        def fail(kind, path, left=left):
            left[0] -= 1
            if left[0] < 0 and kind not in ("unlink", "rmdir"):
                raise OSError(errno.ENOSPC, "No space left on device", path)

        try:
            with disk.injected(fail):
                check_out(bench, both[0], kinds=kinds)
        except AssayError as error:
            assert "No space left" in error.message  # noqa: PT017  # which step fails, if any, is not known before
        else:
            break
        for path, data in bench.tree().items():
            assert data in (OLD.get(path), NEW.get(path))
        check_out(bench, both[0], kinds=kinds)
        assert bench.tree() == OLD
        step += 1
    assert step > 3


def test_what_an_interrupted_checkout_left_is_swept_away(bench, both):
    bench.write({"data/.assay-tmp-1-1-abcdef": b"half a file"})
    todo = planned(bench, both[1])
    assert (todo.remove, todo.would_lose) == (("data/.assay-tmp-1-1-abcdef",), ())
    carry_out(todo)
    assert bench.tree() == NEW


def test_a_workspace_at_rest_is_compared_without_reading(bench, both, monkeypatch):
    time.sleep(0.03)
    planned(bench, both[1])
    monkeypatch.setattr(scan, "_content", None)
    monkeypatch.setattr(scan, "hash_files", None)
    assert planned(bench, both[1]).is_done
