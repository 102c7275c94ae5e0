"""An edit gives the data that was asked for, and no byte changes that does not belong to the value.

Documents are dumped by several writers in several styles, then sprinkled with comments and blank lines.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from assay.engine.errors import BadInput, Refused
from assay.engine.model import Override
from assay.engine.params import documents, keys
from assay.engine.params.changes import applied

texts = st.one_of(
    st.sampled_from(["a", "yes", "1", "1e-5", "", "a: b", "x # y", "it's", 'q"q', "a\nb", "--flag", "~", "2024-01-02"]),
    st.sampled_from(["é ü", "[x]", " lead", "10:30", "<<", "=", "0x1f", "a, b", "x:", "a\n\nb\n", "word " * 25]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
)
numbers = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False)
scalars = st.booleans() | numbers | texts
names = st.sampled_from(["a", "b", "lr", "x", "n", "name", "yes", "w1", "k_2", "é"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(names, values, min_size=1, max_size=5)


def block(data: Any, indent: int, width: int) -> str:
    emitter = YAML()
    emitter.width = width
    emitter.indent(mapping=indent, sequence=indent, offset=indent - 2)
    stream = io.StringIO()
    emitter.dump(data, stream)
    return stream.getvalue()


def flow(data: Any, indent: int, width: int) -> str:
    style = False if indent == 2 else None
    return yaml.safe_dump(data, default_flow_style=style, sort_keys=False, allow_unicode=True, width=width)


def sprinkled(text: str, draw: Any) -> str:
    """The text with numbered comments and blank lines at some of its lines."""
    result = []
    for number, line in enumerate(text.split("\n")):
        extra = draw(st.sampled_from(["", "", "", "above", "deeper", "beside", "blank"]))
        if extra in ("above", "deeper"):
            result.append(f"{'    ' if extra == 'deeper' else ''}# c{number}")
        if extra == "blank":
            result.append("")
        result.append(f"{line}  # c{number}" if extra == "beside" and line.strip() else line)
    return "\n".join(result)


@st.composite
def yaml_files(draw: Any) -> str:
    writer = draw(st.sampled_from([block, flow]))
    text = writer(draw(maps), draw(st.sampled_from([2, 4])), draw(st.sampled_from([30, 80, 10_000])))
    return commented("p.yaml", text, draw)


@st.composite
def json_files(draw: Any) -> str:
    indent = draw(st.sampled_from([None, 2, "\t"]))
    separators = draw(st.sampled_from([None, (",", ":")])) if indent is None else None
    text = json.dumps(draw(maps), indent=indent, separators=separators, ensure_ascii=draw(st.booleans()))
    return text + draw(st.sampled_from(["", "\n"]))


@st.composite
def toml_files(draw: Any) -> str:
    return commented("p.toml", tomlkit.dumps(draw(maps)), draw)


@st.composite
def python_files(draw: Any) -> str:
    constants = draw(st.dictionaries(st.sampled_from(["A", "B", "LR", "É"]), values, min_size=1, max_size=3))
    ends = st.sampled_from(["", "  # c0", "; q = 1"])
    hints = st.sampled_from(["", ": object"])
    return "".join(f"{name}{draw(hints)} = {value!r}{draw(ends)}\n" for name, value in constants.items())


def commented(path: str, text: str, draw: Any) -> str:
    """The text with comments where they leave its data alone; comments inside texts are no comments."""
    full = sprinkled(text, draw)
    try:
        before, after = documents.parse(path, text), documents.parse(path, full)
    except BadInput:
        assume(False)
        raise
    return full if keys.same(before, after) else text


def places(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = [place] if place else []
    for key, value in items:
        found += places(value, (*place, key))
    return found


def override(kind: Any, place: tuple[Any, ...], value: Any = None) -> Override:
    return Override(".".join(map(str, place)), None, kind, tuple(map(str, place)), value, has_value=kind != "delete")


def common(old: str, new: str) -> tuple[str, str]:
    """What is left of two texts without the start and the end that they share."""
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[start : len(old) - end], new[start : len(new) - end]


def is_part_of(some: list[str], lines: list[str]) -> bool:
    """Whether some lines are left of these when others are taken away."""
    rest = iter(lines)
    return all(line in rest for line in some)  # the iterator goes on where it found a line


def edited(path: str, text: str, *overrides: Override) -> str:
    """The edited text, after the checks that hold for every edit."""
    data = documents.parse(path, text)
    result = documents.edit(path, text, overrides)
    assert keys.same(documents.parse(path, result), applied(data, overrides, path))
    windows = text.replace("\n", "\r\n")
    if keys.same(documents.parse(path, windows), data):
        assert documents.edit(path, windows, overrides) == result.replace("\n", "\r\n")
    assert documents.edit(path, "\ufeff" + text, overrides) == "\ufeff" + result
    return result


FILES = [("p.yaml", yaml_files()), ("p.json", json_files()), ("p.toml", toml_files()), ("p.py", python_files())]
every_kind = pytest.mark.parametrize(("path", "files"), FILES, ids=["yaml", "json", "toml", "python"])


def around(path: str, text: str, place: tuple[Any, ...]) -> tuple[str, str]:
    """The text before a value and the text after it."""
    before, after = documents.edit(path, text, [override("set", place, "A_MARK")]).split("A_MARK")
    return before.rstrip("'\""), after.lstrip("'\"")


def assert_is_written_as(path: str, text: str, value: Any) -> None:
    """That a piece of a document is the text of this value and nothing else."""
    assert text.strip() == text or text[0] in "'\""
    if path != "p.yaml":
        head, tail = {"p.json": ('{"x": ', "}"), "p.toml": ("x = ", ""), "p.py": ("x = ", "")}[path]
        assert keys.same(documents.parse(path, f"{head}{text}{tail}"), {"x": value})
    elif text[0] not in "|>":
        assert keys.same(documents.parse(path, f"x: {text}"), {"x": value})


@every_kind
@settings(max_examples=60)
@given(st.data())
def test_setting_a_scalar_changes_its_bytes_alone(path: str, files: Any, data: Any) -> None:
    text = data.draw(files)
    content = documents.parse(path, text)
    spots = [place for place in places(content) if not isinstance(keys.at(content, place), (list, dict))]
    assume(spots)
    place = data.draw(st.sampled_from(spots))
    value = data.draw(scalars.filter(lambda one: not (path == "p.py" and str(one) in ("inf", "-inf"))))
    assume(keys.find(content, tuple(map(str, place))) == place)
    result = edited(path, text, override("set", place, value))
    before, after = around(path, text, place)
    assert result.startswith(before)
    assert result.endswith(after)
    assert_is_written_as(path, text[len(before) : len(text) - len(after)], keys.at(content, place))
    assert sorted(re.findall(r"# c\d+", text)) == sorted(re.findall(r"# c\d+", result))


@every_kind
@settings(max_examples=60)
@given(st.data())
def test_setting_a_list_keeps_what_is_not_in_it(path: str, files: Any, data: Any) -> None:
    text = data.draw(files)
    content = documents.parse(path, text)
    assume(places(content))  # Python's `A = inf` names a variable, which is no parameter
    place = data.draw(st.sampled_from(places(content)))
    value = data.draw(st.lists(st.integers() | texts, max_size=4))
    assume(keys.find(content, tuple(map(str, place))) == place and not isinstance(keys.at(content, place), dict))
    assume(not (path.endswith(".toml") and is_list_of_tables(keys.at(content, place))))  # refused in a sentence
    edited(path, text, override("set", place, value))


def is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


@pytest.mark.parametrize(("path", "files"), FILES[:3], ids=["yaml", "json", "toml"])
@settings(max_examples=50)
@given(st.data())
def test_adding_a_key_only_inserts(path: str, files: Any, data: Any) -> None:
    text = data.draw(files)
    content = documents.parse(path, text)
    owners = [(), *(place for place in places(content) if isinstance(keys.at(content, place), dict))]
    owner = data.draw(st.sampled_from(owners))
    assume(keys.find(content, tuple(map(str, owner))) == owner)
    result = edited(path, text, override("add", (*owner, "new"), data.draw(scalars)))
    old, new = common(text, result)
    assert old == ""
    assert new


@pytest.mark.parametrize(("path", "files"), FILES[:3], ids=["yaml", "json", "toml"])
@settings(max_examples=50)
@given(st.data())
def test_deleting_a_key_only_takes_away(path: str, files: Any, data: Any) -> None:
    text = data.draw(files)
    content = documents.parse(path, text)
    spots = [place for place in places(content) if isinstance(place[-1], str)]
    place = data.draw(st.sampled_from(spots))
    assume(keys.find(content, tuple(map(str, place))) == place)
    result = edited(path, text, override("delete", place))
    before, after = text.split("\n"), result.split("\n")
    # At most one line is rewritten: one that says that a map is empty now, loses its comma, or moves up to a dash.
    assert any(is_part_of(after[:at] + after[at + 1 :], before) for at in range(len(after)))


@settings(max_examples=60)
@given(yaml_files(), st.data())
def test_what_is_added_and_deleted_again_leaves_the_text_as_it_was(text: str, data: Any) -> None:
    content = documents.parse("p.yaml", text)
    owners = [(), *(place for place in places(content) if isinstance(keys.at(content, place), dict))]
    owner = data.draw(st.sampled_from(owners))
    assume(keys.find(content, tuple(map(str, owner))) == owner)
    added = documents.edit("p.yaml", text, [override("add", (*owner, "new"), 1)])
    try:
        assert documents.edit("p.yaml", added, [override("delete", (*owner, "new"))]) in (text, text + "\n")
    except Refused:
        pytest.fail("what was added cannot be deleted")
