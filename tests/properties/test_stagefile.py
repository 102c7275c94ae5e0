"""Whatever a dvc.yaml looks like: an edit of one stage gives the data that was meant and keeps every other byte."""

from __future__ import annotations

import difflib
import io
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.engine.errors import BadInput, Refused
from assay.engine.params import documents
from assay.engine.params.keys import same
from assay.engine.pipeline.stagefile import with_frozen, with_stage, without_stage

names = st.sampled_from(["a", "b", "train", "prep-1", "é x", "yes", "1"])
words = st.sampled_from(["x", "python a.py", "echo 'a: b' # c", "a\nb\n", "  y", "it's", "word " * 30, "${lr}", "é"])
paths = st.lists(st.sampled_from(["d", "e/f", "m.json", "x y", "#h"]), min_size=1, max_size=3, unique=True)
bodies = st.fixed_dictionaries(
    {"cmd": words | st.lists(words, min_size=1, max_size=2)},
    optional={
        "desc": words,
        "deps": paths,
        "outs": st.lists(st.dictionaries(st.just("o"), st.just({"cache": False}), min_size=1), min_size=1, max_size=1),
        "params": st.lists(st.just("lr") | st.just({"p.yaml": None}), min_size=1, max_size=2),
        "frozen": st.booleans(),
        "meta": st.just({"k": [1, {"l": None}]}),
    },
)
stages = st.dictionaries(names, bodies, min_size=1, max_size=4)


@st.composite
def files(draw: Any) -> str:
    """A dvc.yaml in some style, with comments and blank lines, perhaps with CRLF or without a last line end."""
    data = {**draw(st.sampled_from([{}, {"vars": [{"lr": 1}]}])), "stages": draw(stages)}
    if draw(st.booleans()):
        data["metrics"] = ["m.json"]
    writer = YAML()
    writer.default_flow_style = draw(st.sampled_from([False, False, False, None]))
    indent = draw(st.sampled_from([1, 2, 4]))
    writer.indent(mapping=indent, sequence=max(indent, 2), offset=max(indent, 2) - 2)
    stream = io.StringIO()
    writer.dump(data, stream)
    lines = []
    for number, line in enumerate(stream.getvalue().splitlines(keepends=True)):
        extra = draw(st.sampled_from(["", "", "", f"{' ' * number}# {number}\n", "\n"]))
        beside = draw(st.sampled_from(["\n", "\n", f"  # {number}\n"]))
        lines.append(extra + (line[:-1] + beside if line.strip() else line))
    text = "".join(lines)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    try:
        assume(same(documents.parse("dvc.yaml", text), documents.parse("dvc.yaml", stream.getvalue())))
    except BadInput:
        assume(False)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


def check_others_stay(before: str, after: str, own: set[str]) -> None:
    """Every line that went away belongs to the stage that was edited, and is no comment of its own."""
    first, second = before.splitlines(), after.splitlines()
    for kind, start, end, _, _ in difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if kind in ("delete", "replace"):
            assert set(first[start:end]) <= own


def lines_of(text: str, name: str) -> set[str]:
    """The lines of a stage, from its name to the next one's: what an edit of it may take away."""
    from assay.engine.params.edit_yaml import read

    root = read(text.removeprefix("\ufeff"), "")
    assert root is not None
    stages = root.child("stages")
    assert stages is not None
    start, end = stages.spans()[stages.index(name)]
    last = text.find("\n", end)
    return set(text[: last if last >= 0 else len(text)].splitlines()[text[:start].count("\n") :])


@settings(max_examples=60, deadline=None)
@given(files(), names, bodies)
def test_a_stage_is_added_or_replaced(text: str, name: str, data: dict[str, Any]) -> None:
    before = documents.parse("dvc.yaml", text)
    try:
        after = with_stage("dvc.yaml", text, name, data)
    except Refused:
        event("refused")
        return
    event("done")
    assert same(documents.parse("dvc.yaml", after), {**before, "stages": {**before["stages"], name: data}})
    check_others_stay(text, after, lines_of(text, name) if name in before["stages"] else set())


@settings(max_examples=60, deadline=None)
@given(files(), st.data())
def test_a_stage_is_taken_out(text: str, data: Any) -> None:
    before = documents.parse("dvc.yaml", text)
    name = data.draw(st.sampled_from(sorted(before["stages"])))
    try:
        after = without_stage("dvc.yaml", text, name)
    except Refused:
        event("refused")
        return
    event("done")
    stages = {other: body for other, body in before["stages"].items() if other != name}
    wanted = {**before, "stages": stages} if stages else {key: before[key] for key in before if key != "stages"}
    assert same(documents.parse("dvc.yaml", after), wanted)
    if after:
        key = {line for line in text.splitlines() if "stages:" in line and not stages}
        check_others_stay(text, after, lines_of(text, name) | key)
    else:
        assert not wanted


@settings(max_examples=60, deadline=None)
@given(files(), st.data())
def test_a_stage_is_frozen_and_unfrozen(text: str, data: Any) -> None:
    before = documents.parse("dvc.yaml", text)
    name = data.draw(st.sampled_from(sorted(before["stages"])))
    assume("frozen" not in before["stages"][name])
    after = with_frozen("dvc.yaml", text, name, frozen=True)
    body = {**before["stages"][name], "frozen": True}
    assert same(documents.parse("dvc.yaml", after), {**before, "stages": {**before["stages"], name: body}})
    thawed = with_frozen("dvc.yaml", after, name, frozen=False)
    assert thawed.rstrip("\r\n") == text.rstrip("\r\n")
