"""A stage is added, replaced, taken out or frozen, and every other byte of its dvc.yaml stays."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput, Refused
from assay.engine.params import documents
from assay.engine.pipeline import stagefile
from assay.engine.pipeline.stagefile import data_file_with_frozen

ODD = """\
# our pipeline
vars: [a.yaml]   # kept
stages:
    prepare:     # odd indentation
        cmd: "python  prepare.py"
        outs: [ data ]
    # before train

    train:
        desc: |
            trains

        cmd: x  # why
        # about deps
        deps:
            - data   # the data
    # after train

# after the stages
metrics: [m.json]
"""


def with_stage(text: str, name: str = "new", **data: object) -> str:
    return stagefile.with_stage("dvc.yaml", text, name, data or {"cmd": "echo"})


def without(text: str, name: str) -> str:
    return stagefile.without_stage("dvc.yaml", text, name)


def frozen(text: str, name: str, *, on: bool = True) -> str:
    return stagefile.with_frozen("dvc.yaml", text, name, frozen=on)


def test_a_new_file_is_written_as_dvc_writes_it() -> None:
    long = " ".join(["echo", *["word"] * 20])
    text = with_stage("", cmd=long, deps=["a"], outs=[{"o": {"cache": False}}])
    folded = f"{long[:70]}\n      {long[70:]}"
    assert text == (
        f"stages:\n  new:\n    cmd: {folded}\n    deps:\n    - a\n    outs:\n    - o:\n        cache: false\n"
    )


def test_a_stage_is_added_after_the_last_in_the_indentation_found_there() -> None:
    before, _, after = ODD.partition("    # after train")
    assert with_stage(ODD) == f"{before}    new:\n      cmd: echo\n    # after train{after}"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("stages:\nmetrics: []\n", "stages:\n  new:\n    cmd: echo\nmetrics: []\n"),
        ("stages:  # none yet\n", "stages:  # none yet\n  new:\n    cmd: echo\n"),
        ("stages: {}\nvars: []\n", "stages:\n  new:\n    cmd: echo\nvars: []\n"),
        ("# nothing\n", "# nothing\nstages:\n  new:\n    cmd: echo\n"),
        ("metrics: [m]", "metrics: [m]\nstages:\n  new:\n    cmd: echo\n"),
        ("stages:\n a:\n  cmd: x", "stages:\n a:\n  cmd: x\n new:\n   cmd: echo\n"),
        ("stages:\r\n  a: {cmd: x}\r\n", "stages:\r\n  a: {cmd: x}\r\n  new:\r\n    cmd: echo\r\n"),
        ("\ufeffstages:\n  a: {cmd: x}\n", "\ufeffstages:\n  a: {cmd: x}\n  new:\n    cmd: echo\n"),
    ],
)
def test_a_stage_is_added_wherever_there_is_a_place_for_it(text: str, edited: str) -> None:
    assert with_stage(text) == edited


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            "stages: {a: {cmd: x}}  # c\n",
            "stages: {a: {cmd: x}, new: {cmd: echo, deps: [i], outs: [{o: {cache: false}}]}}  # c\n",
        ),
        ("{stages: {a: {cmd: x}}, vars: []}\n", "{stages: {a: {cmd: x}, new: {cmd: echo, deps: [i]}}, vars: []}\n"),
        ("{}\n", "{stages: {new: {cmd: echo, deps: [i]}}}\n"),
        ("stages: {\n  a: {cmd: x},\n}\n", "stages: {\n  a: {cmd: x},\n  new: {cmd: echo, deps: [i]},\n}\n"),
    ],
)
def test_a_stage_is_added_in_braces_where_stages_stand_in_braces(text: str, after: str) -> None:
    more = {"outs": [{"o": {"cache": False}}]} if "outs" in after else {}
    assert with_stage(text, cmd="echo", deps=["i"], **more) == after


@pytest.mark.parametrize("text", ["x: &a {b: {cmd: c}}\nstages: *a\n"])
def test_a_file_without_lines_to_add_to_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"dvc\.yaml is not written in a way that a stage can be added to\."):
        with_stage(text)


@pytest.mark.parametrize("text", ["- a\n", "stages: [a]\n", "a: [\n"])
def test_a_file_that_is_no_pipeline_is_named(text: str) -> None:
    with pytest.raises(BadInput, match=r"^dvc\.yaml"):
        with_stage(text)


def test_of_a_stage_that_is_replaced_only_what_differs_is_written_anew() -> None:
    edited = with_stage(ODD, "train", cmd="y", deps=["data"], outs=["o"])
    assert edited == ODD.replace("cmd: x  # why", "cmd: y").replace(
        "            - data   # the data\n", "            - data   # the data\n        outs:\n        - o\n"
    ).replace("        desc: |\n            trains\n", "")


def test_a_stage_in_braces_is_replaced_as_a_whole() -> None:
    text = "stages:\n  a: {cmd: x}  # c\n  b: {cmd: y}\n"
    assert with_stage(text, "a", cmd="z") == "stages:\n  a:\n    cmd: z\n  b: {cmd: y}\n"


def test_what_others_share_through_an_anchor_is_not_replaced() -> None:
    with pytest.raises(Refused):
        with_stage("stages:\n  a: &a\n    cmd: x\n  b: *a\n", "a", cmd="z")


def test_a_stage_is_taken_out_with_its_lines_alone() -> None:
    start, end = ODD.index("    train:"), ODD.index("    # after train")
    assert without(ODD, "train") == ODD[:start] + ODD[end:]


def test_a_stage_in_braces_is_taken_out_of_them() -> None:
    assert without("stages: {a: {cmd: x}, b: {cmd: y}}  # c\n", "a") == "stages: {b: {cmd: y}}  # c\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("stages:\n  a:\n    cmd: x\n", ""),
        ("\n\nstages: {a: {cmd: x}}\n\n", ""),
        ("# head\nstages:\n  # about a\n  a:\n    cmd: x\n", "# head\n  # about a\n"),
        ("stages:\n  a:\n    cmd: x\nvars: []\n", "vars: []\n"),
        ("vars: []\nstages: {a: {cmd: x}}\n", "vars: []\n"),
    ],
)
def test_after_the_last_stage_only_what_is_not_about_stages_is_left(text: str, left: str) -> None:
    assert without(text, "a") == left


def test_a_stage_that_others_are_made_from_is_not_taken_out() -> None:
    with pytest.raises(Refused, match="'a' can be taken out"):
        without("stages:\n  a: &a\n    cmd: x\n  b: *a\n", "a")


def test_a_frozen_stage_says_so_at_its_end() -> None:
    line = "            - data   # the data\n"
    edited = frozen(ODD, "train")
    assert edited == ODD.replace(line, line + "        frozen: true\n")
    assert frozen(edited, "train", on=False) == ODD


def test_freezing_what_is_frozen_changes_nothing() -> None:
    text = "stages:\n  a:\n    frozen: true # why\n    cmd: x\n"
    assert frozen(text, "a") == text
    assert frozen(frozen(text, "a", on=False), "a", on=False) == "stages:\n  a:\n    cmd: x\n"


def test_a_stage_in_braces_can_be_frozen_too() -> None:
    assert frozen("stages: {a: {cmd: x}}\n", "a") == "stages: {a: {cmd: x, frozen: true}}\n"


def test_a_stage_that_shares_its_body_is_not_frozen() -> None:
    with pytest.raises(Refused, match=r"anchor|alias"):
        frozen("stages:\n  a: &a\n    cmd: x\n  b: *a\n", "a")


def test_a_data_file_is_frozen_and_keeps_its_comments() -> None:
    text = "outs:\n- md5: 1\n  path: x # mine\n"
    edited = data_file_with_frozen("x.dvc", text, frozen=True)
    assert edited == text + "frozen: true\n"
    assert data_file_with_frozen("x.dvc", edited, frozen=False) == text
    old = "locked: true\n" + text
    assert documents.parse("x.dvc", data_file_with_frozen("x.dvc", old, frozen=False)) == documents.parse("x", text)
