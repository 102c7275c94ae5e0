"""engine/pathlocks.py: who reads and writes which paths."""

from __future__ import annotations

import json
import os
import subprocess
import threading

import pytest

from assay.engine.errors import BadInput, Locked
from assay.engine.pathlocks import Holder, PathLocks, Table, parsed, to_text

OTHER = {"pid": 1, "cmd": "dvc repro"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def said():
    return []


@pytest.fixture
def locks(folder, said):
    return PathLocks(str(folder), "assay run", by_links=False, removed=said.append)


def table(folder):
    return json.loads((folder / "rwlock").read_text())


def put(folder, **data):
    (folder / "rwlock").write_text(json.dumps(data))


def dead():
    """A process number that no process has."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_paths_are_in_the_file_while_they_are_in_use(folder, locks):
    me = {"pid": os.getpid(), "cmd": "assay run"}
    with locks.using(["/p/in"], ["/p/out"]):
        assert table(folder) == {"write": {"/p/out": me}, "read": {"/p/in": [me]}}
    assert table(folder) == {}


def test_others_entries_stay(folder, locks):
    put(folder, write={"/p/a": OTHER}, read={"/p/b": [OTHER]})
    with locks.using(["/p/b"], ["/p/c"]):
        pass
    assert table(folder) == {"write": {"/p/a": OTHER}, "read": {"/p/b": [OTHER]}}


@pytest.mark.parametrize("path", ["/p/data", "/p/data/part", "/p"])
def test_what_somebody_writes_can_be_neither_read_nor_written(folder, locks, path):
    put(folder, write={"/p/data": OTHER})
    for paths in (([path], []), ([], [path])):
        with pytest.raises(Locked, match=r"^/p/data is in use by process 1 \(`dvc repro`\)\.$"), locks.using(*paths):
            pass
    assert table(folder) == {"write": {"/p/data": OTHER}}


def test_what_somebody_reads_can_be_read_but_not_written(folder, locks):
    put(folder, read={"/p/data": [OTHER]})
    with locks.using(["/p/data"], []):
        assert len(table(folder)["read"]["/p/data"]) == 2
    with pytest.raises(Locked), locks.using([], ["/p/data"]):
        pass


def test_a_name_that_only_begins_alike_is_another_path(folder, locks):
    put(folder, write={"/p/data": OTHER})
    with locks.using(["/p/data2"], ["/p/dat"]):
        pass


def test_all_entries_of_a_process_that_ended_are_removed_and_that_is_said(folder, locks, said):
    gone = {"pid": dead(), "cmd": "dvc exp run"}
    put(folder, write={"/p/data": gone, "/q/elsewhere": gone}, read={"/p/data/x": [gone, OTHER]})
    with locks.using(["/p/data"], []):
        pass
    assert table(folder) == {"read": {"/p/data/x": [OTHER]}}
    assert said == [f"`dvc exp run` (process {gone['pid']}) ended without giving back /p/data; it is free again."]


def test_an_entry_with_this_process_number_and_another_command_is_a_dead_ones(folder, locks, said):
    put(folder, write={"/p/data": {"pid": os.getpid(), "cmd": "dvc repro"}})
    with locks.using([], ["/p/data"]):
        assert table(folder)["write"]["/p/data"]["cmd"] == "assay run"
    assert said == []


def test_one_use_inside_another_leaves_the_outer_one(folder, locks):
    with locks.using(["/p/in"], ["/p/out"]):
        before = table(folder)
        with locks.using(["/p/in"], ["/p/out"]):
            pass
        assert table(folder) == before
    assert table(folder) == {}


def test_whoever_is_patient_waits_for_whoever_is_in_the_way(folder, locks):
    put(folder, write={"workspace": OTHER})
    threading.Timer(0.15, lambda: put(folder)).start()
    with locks.using([], ["workspace"], patience=10.0):
        assert table(folder)["write"]["workspace"]["pid"] == os.getpid()


def test_what_was_in_use_is_given_back_when_the_block_fails(folder, locks):
    with pytest.raises(KeyboardInterrupt), locks.using(["/a"], ["/b"]):
        raise KeyboardInterrupt
    assert table(folder) == {}


HOLDERS = ['{"pid": "1", "cmd": "x"}', '{"pid": 0, "cmd": "x"}', '{"pid": true, "cmd": "x"}', '{"pid": 1}', "[]"]
OTHER_THINGS = ["", "{", "[]", "7", '{"write": []}', '{"read": {"/a": {}}}', "[" * 100_000]


@pytest.mark.parametrize("text", [*OTHER_THINGS, *(f'{{"write": {{"/a": {holder}}}}}' for holder in HOLDERS)])
def test_a_file_that_is_something_else_is_refused_and_stays(folder, locks, text):
    (folder / "rwlock").write_text(text)
    with pytest.raises(BadInput), locks.using(["/a"], []):
        pass
    assert (folder / "rwlock").read_text() == text


def test_the_text_is_what_dvc_writes():
    text = '{"write": {"/p/out": {"pid": 7, "cmd": "dvc repro"}}, "read": {"/p/in": [{"pid": 7, "cmd": "dvc repro"}]}}'
    holder = Holder(7, "dvc repro")
    assert parsed(text, "rwlock") == Table({"/p/out": holder}, {"/p/in": [holder]})
    assert to_text(parsed(text, "rwlock")) == text
