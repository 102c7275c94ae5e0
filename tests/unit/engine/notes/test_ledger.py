"""The history of tags and notes: compare-and-swap, what is read of it, and what damage does."""

from __future__ import annotations

import json

import pytest

from assay.engine.errors import Refused
from assay.engine.events import Warned
from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.trees import edit_tree, walk_tree
from assay.engine.model import Signature
from assay.engine.notes import ledger
from assay.engine.notes.ledger import REF, all_shown, change, merge_in, remarks_on
from assay.engine.notes.remarks import LATEST, NOTHING, Edit, Note, Remarks, Shown, Tag, edited, shown


@pytest.fixture
def one(built):
    """A project with the experiment one."""
    built.baseline({"params.yaml": "lr: 0\n"})
    built.one = built.experiment("one", {"params.yaml": "lr: 1\n"})
    return built


def commits(built, count):
    """So many experiments."""
    return [built.experiment(f"e{at}", {"params.yaml": f"lr: {at}\n"}) for at in range(count)]


def parents(built):
    return len(built.project.repo.objects.read_commit(built.project.repo.refs.read(REF)).parents)


def test_nothing_said_is_one_lookup(one, monkeypatch):
    looked = []
    monkeypatch.setattr(one.project.repo.refs, "read", lambda name: looked.append(name))
    monkeypatch.setattr(type(one.project.repo), "objects", property(lambda _: pytest.fail("objects were read")))
    assert all_shown(one.project) == {}
    assert looked == [REF]


def test_what_was_said_is_read_again(one):
    change(one.project, {one.one: Edit({"best": True, "v2": True}, True, "text")}, "first")
    change(one.project, {one.one: Edit({"v2": False})}, "second")
    assert all_shown(one.project) == {one.one: Shown(("best",), "text")}
    assert parents(one) == 1
    said = remarks_on(one.project, [one.one, one.head])
    assert shown(said[one.one]) == Shown(("best",), "text")
    assert said[one.head] == NOTHING


def test_an_edit_that_changes_nothing_makes_no_commit(one):
    change(one.project, {one.one: Edit({"best": True})}, "first")
    tip = one.project.repo.refs.read(REF)
    change(one.project, {one.one: Edit({"best": True})}, "again")
    change(one.project, {one.one: Edit({"other": False})}, "taking off what is not on")
    assert one.project.repo.refs.read(REF) == tip


@pytest.mark.law(1)
def test_who_comes_second_edits_what_the_first_left(one, monkeypatch):
    publish, others = ledger._published, [Edit({"theirs": True}), Edit({}, True, "theirs")]

    def overtaken(project, tip, *rest):
        if others:
            edit = others.pop()
            monkeypatch.setattr(ledger, "_published", publish)
            change(project, {one.one: edit}, "theirs")
            monkeypatch.setattr(ledger, "_published", overtaken)
        return publish(project, tip, *rest)

    monkeypatch.setattr(ledger, "_published", overtaken)
    change(one.project, {one.one: Edit({"ours": True})}, "ours")
    assert all_shown(one.project) == {one.one: Shown(("ours", "theirs"), "theirs")}


def test_the_cache_is_only_a_cache(one):
    many = commits(one, 60)
    change(one.project, dict.fromkeys(many, Edit({"x": True})), "all")
    expected = dict.fromkeys(many, Shown(("x",)))
    assert all_shown(one.project) == expected
    cache = one.folder / ".git/assay/notes.json"
    kept = cache.read_bytes()
    change(one.project, {many[0]: Edit({"x": False}), many[1]: Edit({"y": True})}, "some")
    del expected[many[0]]
    expected[many[1]] = Shown(("x", "y"))
    assert all_shown(one.project) == expected
    assert cache.read_bytes() == kept  # a few that differ are read each time
    told = json.loads(kept)
    for damaged in (b"", b"{}", b"[]", kept[:-9], json.dumps({**told, "tree": "ab" * 20}).encode()):
        cache.write_bytes(damaged)
        assert all_shown(one.project) == expected
    cache.unlink()
    assert all_shown(one.project) == expected


def _put(built, path, data):
    """Writes a blob into the tree of notes, as some other program might."""
    tip = built.project.repo.refs.read(REF)
    database = built.project.repo.objects
    with database.batch() as batch:
        tree = edit_tree(batch, database.read_commit(tip).tree, {path: (0o100644, batch.add(BLOB, data))})
        who = Signature("Eve", "eve@example.com", 1)
        built.ref(REF, batch.add(COMMIT, build_commit(tree, (tip,), who, who, "x\n")))


def test_what_cannot_be_understood_is_told_and_never_written_over(one):
    other = one.experiment("other", {"params.yaml": "lr: 2\n"})
    change(one.project, {other: Edit({"fine": True})}, "first")
    _put(one, f"{one.one.hex()[:2]}/{one.one.hex()[2:]}", b'{"schema": 2}')
    _put(one, "README", b"not ours")
    told = []
    one.project.report = told.append
    assert all_shown(one.project) == {other: Shown(("fine",))}
    assert [type(event) for event in told] == [Warned]
    tip = one.project.repo.refs.read(REF)
    with pytest.raises(Refused, match="cannot be understood"):
        change(one.project, {one.one: Edit({"best": True})}, "over it")
    assert one.project.repo.refs.read(REF) == tip
    change(one.project, {other: Edit({"more": True})}, "beside it")
    tree = one.project.repo.objects.read_commit(one.project.repo.refs.read(REF)).tree
    assert {path for path, *_ in walk_tree(one.project.repo.objects, tree)} >= {"README"}


def test_many_are_changed_and_given_back_at_once(one):
    many = commits(one, 30)
    change(one.project, {many[3]: Edit({"x": True}, True, "kept")}, "one of them")
    edits = dict.fromkeys(many, Edit({"x": True}))
    back = ledger.reversals(one.project, edits)
    change(one.project, edits, "all")
    assert set(all_shown(one.project)) == set(many)
    change(one.project, back, "back")
    assert all_shown(one.project) == {many[3]: Shown(("x",), "kept")}


def test_what_others_say_is_merged_in_and_what_is_known_already_changes_nothing(one):
    change(one.project, {one.one: Edit({"ours": True})}, "ours")
    theirs = edited(NOTHING, Edit({"theirs": True}, True, "theirs"), 5, "Bob")
    assert merge_in(one.project, {one.one: theirs, one.head: theirs}, "pull") == [one.one, one.head]
    assert all_shown(one.project)[one.one] == Shown(("ours", "theirs"), "theirs")
    tip = one.project.repo.refs.read(REF)
    assert merge_in(one.project, {one.one: theirs, one.head: theirs}, "pull") == []
    assert one.project.repo.refs.read(REF) == tip


@pytest.mark.law(2)
def test_an_edit_that_comes_while_others_are_merged_in_is_not_lost(one, monkeypatch):
    publish = ledger._published

    def overtaken(project, tip, *rest):
        monkeypatch.setattr(ledger, "_published", publish)
        change(project, {one.one: Edit({"ours": True})}, "ours")
        return publish(project, tip, *rest)

    monkeypatch.setattr(ledger, "_published", overtaken)
    merge_in(one.project, {one.one: edited(NOTHING, Edit({"theirs": True}), 5, "Bob")}, "pull")
    assert all_shown(one.project) == {one.one: Shown(("ours", "theirs"))}


def test_an_edit_after_one_of_the_last_second_can_be_read_again(one):
    last = Remarks({"best": Tag(LATEST, "Bob", on=True)}, (Note(LATEST, "Bob", "last"),))
    merge_in(one.project, {one.one: last}, "pull")
    change(one.project, {one.one: Edit({"v2": True, "best": False}, True, None)}, "edit")
    assert "v2" in shown(remarks_on(one.project, [one.one])[one.one]).tags
