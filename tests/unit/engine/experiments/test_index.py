"""The record index: what goes in comes out, and nothing that happens to the file is worse than an empty one."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from assay.engine.experiments.index import Field, RecordIndex, Unusable, body_of, iso_time, kept, open_index
from assay.engine.model import Experiment, Oid, Signature

ANN = Signature("Ann", "ann@example.com", 1_700_000_000, 60)


def experiment(number, **parts):
    parts = {"params": {"params.yaml": {"lr": number / 10}}, "metrics": {"m.json": {"acc": number}}, **parts}
    return Experiment(Oid(number.to_bytes(20, "big")), (), f"run {number}", ANN, time=1_700_000_000 + number, **parts)


def add(index, experiments):
    return index.add([kept(one) for one in experiments])


@pytest.fixture
def path(tmp_path):
    return f"{tmp_path}/records.db"


@pytest.fixture
def index(path):
    opened = RecordIndex(path, "1")
    yield opened
    opened.close()


def filled(path, numbers, options="1"):
    index = RecordIndex(path, options)
    add(index, [experiment(number) for number in numbers])
    return index


def test_a_record_that_was_added_is_found_with_its_time_and_body(index):
    add(index, [experiment(1), experiment(2)])
    found = index.headers([experiment(2).commit])
    (_, number, time) = found[experiment(2).commit]
    assert time == 1_700_000_002
    assert index.bodies([number]) == {number: body_of(experiment(2))}
    assert index.authors()[number] == "Ann <ann@example.com>"


def test_what_was_added_is_there_for_the_next_process(path):
    filled(path, range(1, 6)).close()
    index = RecordIndex(path, "1")
    assert len(index.headers([experiment(number).commit for number in range(10)])) == 5
    index.close()


def test_few_of_many_are_found_too(path):
    index = filled(path, range(1, 2_001))
    wanted = [experiment(number).commit for number in (1, 1_000, 2_000, 3_000)]
    found = index.headers(wanted)
    assert set(found) == set(wanted[:3])
    assert len(index.bodies([header[1] for header in found.values()])) == 3
    index.close()


def test_a_record_is_kept_once_however_often_it_is_added(index):
    first = add(index, [experiment(1)])
    assert add(index, [experiment(1), experiment(2)])[experiment(1).commit] == first[experiment(1).commit]
    assert len(index.headers([experiment(1).commit, experiment(2).commit])) == 2


def test_records_read_with_other_options_are_not_mixed_up(path):
    filled(path, [1], "1 sub/").close()
    other = RecordIndex(path, "1 ")
    assert other.headers([experiment(1).commit]) == {}
    add(other, [experiment(1, metrics={})])
    assert len(other.headers([experiment(1).commit])) == 1
    other.close()


VALUES = {
    "float": 0.1, "int": 3, "big": 1 << 70, "true": True, "null": None, "text": "adam", "list": [1, 2], "empty": {},
    "odd": "\udcff", "nan": "NaN", "negative": -(1 << 63),
}  # fmt: skip


@pytest.mark.parametrize("key", VALUES)
def test_a_value_of_any_kind_comes_back_as_it_was(index, key):
    add(index, [experiment(1, params={"p.yaml": {key: VALUES[key]}}, metrics={})])
    field = Field("params", "p.yaml", key)
    found = index.values(index.fields()[field])
    assert found == {1: VALUES[key]}
    assert type(found[1]) is type(VALUES[key])


def test_a_file_that_is_one_value_has_a_field_without_a_key(index):
    add(index, [experiment(1, metrics={"acc.txt": 0.9}, params={})])
    assert index.values(index.fields()[Field("metrics", "acc.txt", "")]) == {1: 0.9}


def test_file_names_that_are_no_text_are_kept(index):
    add(index, [experiment(1, metrics={"\udcff.json": {"a": 1}}, params={})])
    assert Field("metrics", "\udcff.json", "a") in index.fields()


def test_the_body_is_the_rest_of_a_json_object():
    members = json.loads("{" + body_of(experiment(1, errors={"x": "bad"})))
    assert members == {
        "created": "2023-11-14T22:13:21Z", "author": "Ann <ann@example.com>", "message": "run 1",
        "params": {"params.yaml": {"lr": 0.1}}, "metrics": {"m.json": {"acc": 1}}, "deps": {}, "outs": {},
        "errors": {"x": "bad"},
    }  # fmt: skip


def test_a_time_that_no_calendar_has_is_none():
    assert iso_time(1 << 62) is None


@pytest.mark.law(7)
def test_a_deleted_file_starts_anew(path):
    filled(path, [1]).close()
    os.unlink(path)
    index = RecordIndex(path, "1")
    assert index.headers([experiment(1).commit]) == {}
    index.close()


@pytest.mark.law(7)
def test_a_file_deleted_while_it_is_open_harms_neither_this_process_nor_the_next(path):
    index = filled(path, [1])
    os.unlink(path)
    add(index, [experiment(2)])
    other = open_index([path], "1")
    if other is not None:
        add(other, [experiment(3)])
        other.close()
    index.close()
    again = filled(path, [4])
    assert experiment(4).commit in again.headers([experiment(4).commit])
    again.close()


@pytest.mark.law(7)
def test_a_file_that_is_no_database_is_replaced_by_the_next_process(path):
    with open(path, "wb") as file:
        file.write(b"not a database" * 1_000)
    with pytest.raises(Unusable):
        RecordIndex(path, "1")
    use_everything(path)


@pytest.mark.law(7)
def test_a_database_of_another_schema_is_replaced_by_the_next_process(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Unusable):
        RecordIndex(path, "1")
    use_everything(path)


@pytest.mark.law(7)
@pytest.mark.parametrize("table", ["record", "body", "field", "value", "scope"])
def test_a_database_with_a_table_missing_is_unusable_and_replaced(path, table):
    filled(path, [1]).close()
    db = sqlite3.connect(path)
    db.execute(f"DROP TABLE {table}")
    db.close()
    with pytest.raises(Unusable):
        use_everything(path)
    use_everything(path)


@pytest.mark.law(7)
def test_a_page_of_rubbish_anywhere_is_noticed_or_does_no_harm(path):
    filled(path, range(1, 400)).close()
    with open(path, "rb") as file:
        whole = file.read()
    for page in range(0, len(whole), 4096):
        with open(path, "wb") as file:
            file.write(whole[:page] + b"\x5a" * 4096 + whole[page + 4096 :])
        try:
            found = use_everything(path)
        except Unusable:
            continue
        assert all(json.loads("{" + body)["message"].startswith("run ") for body in found.values())


def use_everything(path):
    index = RecordIndex(path, "1")
    headers = add(index, [experiment(1)])
    bodies = index.bodies([header[1] for header in headers.values()])
    for field in index.fields().values():
        index.values(field)
    index.authors()
    index.close()
    return bodies


@pytest.mark.law(4)
def test_a_reader_does_not_wait_for_a_writer(path):
    index = filled(path, [1])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO body VALUES (999, 'half done')")
    reader = RecordIndex(path, "1")
    assert len(reader.headers([experiment(1).commit])) == 1
    assert reader.bodies([1]) == {1: body_of(experiment(1))}
    writer.execute("ROLLBACK")
    writer.close()
    reader.close()
    index.close()


def test_a_second_writer_gives_up_and_can_go_on_reading(path):
    index = filled(path, [1])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert add(index, [experiment(2)]) == {}
    assert len(index.headers([experiment(1).commit, experiment(2).commit])) == 1
    writer.execute("ROLLBACK")
    assert experiment(2).commit in add(index, [experiment(2)])
    writer.close()
    index.close()


WRITER = """
import sys
sys.path.insert(0, {folder!r})
from test_index import RecordIndex, Unusable, add, experiment
todo = [experiment(number) for number in range({first}, {first} + 40)]
while todo:
    try:
        index = RecordIndex({path!r}, "1")
    except Unusable:
        continue
    todo = todo if not add(index, todo[:5]) else todo[5:]
    index.close()
"""


def test_processes_that_write_at_the_same_time_lose_nothing_and_mix_up_nothing(path):
    folder = os.path.dirname(__file__)
    programs = [WRITER.format(folder=folder, first=first, path=path) for first in (1, 21, 41, 61)]
    running = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    assert [process.wait(120) for process in running] == [0, 0, 0, 0]
    index = RecordIndex(path, "1")
    headers = index.headers([experiment(number).commit for number in range(1, 101)])
    bodies = index.bodies([number for _, number, _ in headers.values()])
    accuracy = index.values(index.fields()[Field("metrics", "m.json", "acc")])
    for number in range(1, 101):
        record = headers[experiment(number).commit][1]
        assert bodies[record] == body_of(experiment(number))
        assert accuracy[record] == number
    index.close()


def test_the_next_place_is_used_where_the_first_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    index = open_index([f"{tmp_path}/file/records.db", f"{tmp_path}/deep/cache/records.db"], "1")
    assert index is not None
    assert index.path == f"{tmp_path}/deep/cache/records.db"
    index.close()


def test_without_any_place_there_is_no_index(tmp_path):
    (tmp_path / "file").write_text("")
    assert open_index([f"{tmp_path}/file/records.db"], "1") is None
