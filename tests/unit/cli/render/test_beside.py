"""What `status --remote` says of a project beside its remote."""

from __future__ import annotations

import json

from assay.cli.render.beside import damage_of, json_of, text_of
from assay.remotes.comparison import Comparison

FOUND = Comparison("team", "s3://bucket/us", None, {}, {}, {})


def lines(data: dict[str, str]) -> list[str]:
    return [line.split(maxsplit=2)[-1] for line in text_of(FOUND._replace(data=data)).splitlines()[3:]]


def test_few_files_are_named_one_by_one() -> None:
    assert lines({"data": "new", "data/a": "new"}) == ["data", "data/a"]


def test_of_many_files_it_is_said_how_many_lie_in_which_folder() -> None:
    data = dict.fromkeys(["model", "many", *(f"many/{part}/{i}" for part in ("x", "y") for i in range(600))], "new")
    assert lines(data) == ["model", "many", "many/x (600 files)", "many/y (600 files)"]
    assert len(json.loads(json_of(FOUND._replace(data=data)))["data"]) == 1202


def test_where_there_are_many_folders_too_the_uppermost_ones_are_named() -> None:
    assert lines({f"many/{i}/a": "deleted" for i in range(600)}) == ["many (600 files)"]


def test_of_very_many_paths_side_by_side_the_first_are_named() -> None:
    said = lines({f"file{i}": "new" for i in range(600)})
    assert (said[0], len(said), said[-1]) == ("file0", 21, "and 580 more; --json names them all")


def test_a_folder_is_named_for_each_side_that_lacks_some_of_its_files() -> None:
    data = {f"many/{i}": "new" if i % 2 else "deleted" for i in range(600)}
    assert lines(data) == ["many (300 files)", "many (300 files)"]


def test_many_files_that_are_nowhere_are_one_line() -> None:
    lost = FOUND._replace(data={f"many/{i}": "missing" for i in range(600)})
    assert list(damage_of(lost)) == ["many (600 files): neither in the cache nor on the remote."]


def test_where_experiments_lie_in_a_git_repository_both_places_are_named() -> None:
    said = text_of(FOUND._replace(git="ssh://host/team.git")).splitlines()[0]
    assert said == "team is s3://bucket/us; experiments are in ssh://host/team.git."
