"""Thousands of expressions, overrides and ignore patterns, each judged by real DVC.

Cases are drawn in batches and asked together, since one question costs more than one case.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.engine.errors import AssayError
from assay.engine.ignore import IgnoreRules
from assay.engine.params import documents, overrides
from assay.engine.pipeline import spec
from assay.engine.pipeline.expressions import Parsing
from tests.dvcprocess import DvcProcess
from tests.properties.test_ignore import plant

SLOW = list(HealthCheck)
BATCH = 25

# --- templates

CONTEXT: dict[str, Any] = {
    "a": {"b": {"c": 1, "d e": 2}, "l": [1, "two", {"x": None, "y": [True, 1e-5]}], "1": "one"},
    "lr": 1e10,
    "off": False,
    "none": None,
    "s": "te xt",
    "empty": "",
    "q": "it's $HOME",
    "d-h": "dash",
    "opts": {"f": 0.1, "on": True, "no": False, "n": None, "l": [1, "x y"], "in": {"k": "v", "e": {}}, "em": []},
    "é": "accent",
    "key": "k",
}
STEPS = [
    "a",
    "b",
    "c",
    "l",
    "1",
    "0",
    "2",
    "x",
    "y",
    "lr",
    "s",
    "q",
    "opts",
    "in",
    "k",
    "nope",
    "d-h",
    "é",
    "d e",
    "-1",
    "",
]
steps = st.sampled_from(STEPS)
joined = st.lists(
    st.tuples(steps, st.sampled_from([".{}", ".{}", "[{}]", "[{}]", " . {}", "[ {} ]", "{}"])), min_size=0, max_size=3
).map(lambda parts: "".join(form.format(step) for step, form in parts))
good = st.sampled_from(
    ["a.b.c", "a.l[1]", "a.l.2.y[0]", "lr", "off", "none", "s", "empty", "q", "opts", "opts.in", "a", "a.l", "a.l[2]",
     "a.1", "a[1]", "é", "d-h", "opts.l", "opts.em", "opts.in.e", "a[b][c]", "a.b[c]", "key"]
)  # fmt: skip
expressions = st.one_of(good, good, st.tuples(steps, joined).map("".join), st.text("ab.[]{}$ 01\\", max_size=6))
pieces = st.one_of(
    expressions.map("${{{}}}".format),
    expressions.map("${{{}}}".format),
    expressions.map("${{ {} }}".format),
    expressions.map("\\${{{}}}".format),
    st.sampled_from(["x ", " ", "$", "{", "}", "${", "\\", "\n", "$$", "--k=", "'", "é", "$a", "${}", "{{a}}"]),
)
templates = st.lists(pieces, min_size=1, max_size=3).map("".join)
as_value = st.tuples(templates, st.just("meta"))
in_command = st.tuples(templates.map("x {}".format), st.just("cmd"))
parsings = st.sampled_from(
    [{}, {"bool": "boolean_optional"}, {"list": "append"}, {"bool": "store_true", "list": "nargs"}]
)


def our_value(text: str, key: str, parsing: Mapping[str, str]) -> Any:
    """``[the resolved value]``, or the sentence that refuses it."""
    stage = {"cmd": text} if key == "cmd" else {"cmd": "x", "meta": {"v": text}}
    data = json.dumps({"stages": {"s": stage}}).encode()
    params = json.dumps(CONTEXT).encode()
    try:
        file = spec.resolved(data, "dvc.yaml", {"params.yaml": params}.get, Parsing(**parsing))
    except AssayError as error:
        return str(error)
    found = file.stages[0]
    return [found.cmd if key == "cmd" else found.meta["v"]]


def test_templates_have_the_values_that_dvc_gives_them(dvc_process: DvcProcess) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=120, suppress_health_check=SLOW)
    @given(st.lists(st.one_of(as_value, in_command), min_size=BATCH, max_size=BATCH), parsings)
    def judge(cases: list[tuple[str, str]], parsing: dict[str, str]) -> None:
        asked = [[{"v": text} if key != "cmd" else text, key] for text, key in cases]
        answer = dvc_process.ask("interpolate", context=CONTEXT, values=asked, parsing=parsing)
        for (text, key), theirs in zip(cases, answer["values"], strict=True):
            ours = our_value(text, key, parsing)
            accepted = isinstance(theirs, list)
            seen["accepted" if accepted else "refused"] += 1
            assert isinstance(ours, list) == accepted, f"{text!r} as {key}: DVC {theirs!r}, assay {ours!r}"
            if accepted:
                value = theirs[0]["v"] if key != "cmd" else theirs[0]
                assert (repr(ours[0])) == repr(value), f"{text!r} as {key}"

    judge()
    assert sum(seen.values()) >= 3000
    assert min(seen.values()) >= 500, seen


# --- overrides

VALUES: dict[str, Any] = {
    "lr": 0.1,
    "n": 3,
    "name": "adam",
    "flag": True,
    "lst": [1, 2, "x"],
    "deep": {"a": 1, "b": {"c": "t"}, "l": [1.5]},
}
FILES = {
    "p.yaml": yaml.safe_dump(VALUES, sort_keys=False),
    "p.json": json.dumps(VALUES),
    "p.toml": tomlkit.dumps(VALUES),
    "p.py": "lr = 0.1\nn = 3\nname = 'adam'\nflag = True\nclass Deep:\n    a = 1\n    b = 'x'\n",
}
old = st.sampled_from(["lr", "n", "name", "flag", "lst", "deep.a", "deep.b.c", "deep.b", "deep.l", "lst.0", "deep.l.0"])
new = st.sampled_from(["new", "deep.new", "deep.b.new", "x.y.z", "lst.9", "new-1"])
words = st.text("ab1._-/ :+é@%", max_size=5)
raw = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["1e-5", "1E5", "1_000", "0x10", ".5", "5.", "-inf", "nan", "inf", ".inf", "true", "FALSE", "null", "yes", "",
         "a b", " a ", "a,b", "a\\,b", "'a,b'", '"x"', "'it\\'s'", "a=b", "a:b", "(a)", "a/b", "~", "$x", "%y", "a+b",
         "[1,a]", "[]", "{}", "{x:1}", "{a:5}", "{a:5,new:[1]}", "{'k k':2}", "[[1],{a:b}]", "[1", "{a}", "[a b,c]",
         "int(3.7)", "str(1)", "float(2)", "bool(1)", "bool(no)", "sort([3,1,2])", "sort(3,1)",
         "int('4')", "${n}", "${nope}", "${deep.a}x","float(x)"]
    ),
    words,
)  # fmt: skip
override_words = st.one_of(
    st.tuples(st.sampled_from(["", "", "", "++"]), old, raw).map(lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"),
    st.tuples(st.sampled_from(["+", "++", "+", ""]), new, raw).map(lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"),
    st.tuples(old | new, st.sampled_from(["", "", "=3", "=0.1", "=adam", "=x", "="])).map("~{0[0]}{0[1]}".format),
    st.text("ab.=+~[]{}', 1", max_size=8),
)
old_words = st.tuples(old, raw).map("{0[0]}={0[1]}".format)
data_cases = st.tuples(
    st.sampled_from(["p.yaml", "p.json", "p.toml"]),
    st.one_of(override_words.map(lambda word: [word]), st.lists(old_words, min_size=2, max_size=2)),
)
numbers = st.integers(10).map(str) | st.floats(10, 1e300).map(repr) | st.just("[")
python_words = st.tuples(st.sampled_from(["lr", "n", "Deep.a", "nope"]), numbers).map("{0[0]}={0[1]}".format)
python_cases = st.tuples(st.just("p.py"), (python_words | st.just("flag=false")).map(lambda word: [word]))
"""DVC replaces text on the line, which changes numbers, and no strings."""
override_cases = st.one_of(data_cases, data_cases, data_cases, python_cases)


def our_values(path: str, text: str, given: list[str]) -> Any:
    """``[the values of the edited file]``, or the sentence that refuses the overrides."""
    try:
        edited = documents.edit(path, text, [overrides.parse(word) for word in given])
        return [json.loads(json.dumps(documents.parse(path, edited)))]
    except AssayError as error:
        return str(error)


def test_overrides_leave_the_values_that_dvc_leaves(dvc_process: DvcProcess) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60, suppress_health_check=SLOW)
    @given(st.lists(override_cases, min_size=10, max_size=10))
    def judge(cases: list[tuple[str, list[str]]]) -> None:
        answer = dvc_process.ask("override", cases=[[path, FILES[path], said] for path, said in cases])
        for (path, said), theirs in zip(cases, answer["values"], strict=True):
            ours = our_values(path, FILES[path], said)
            accepted = isinstance(theirs, list)
            seen[f"{path} {'accepted' if accepted else 'refused'}"] += 1
            assert isinstance(ours, list) == accepted, f"{path} {said!r}: DVC {theirs!r}, assay {ours!r}"
            if accepted:
                assert json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True), f"{path} {said!r}"

    judge()
    assert len(seen) == 2 * len(FILES)
    assert min(seen.values()) >= 10, seen


# --- .dvcignore

ordinary = st.sampled_from(
    ["a", "b", "ab", "*.c", "/a", "a/", "/a/b", "**/b", "a/*", "!a", "!/a", "!b", "*", "!*.c", "?", "[ab]",
     "# a", "", "  ", "!a/b", "/b/", "a b", "**/a/b", "!ab/", "a.c", "a*", "\\#a", "\\!a"]
)  # fmt: skip
names = st.sampled_from(["a", "b", "ab", "a.c", "a b", "#a", "!a", "A"])
plain_trees = st.lists(st.lists(names, min_size=1, max_size=4), min_size=1, max_size=12)
"""Names in ASCII: DVC counts characters where Git, and assay, count bytes."""
ignore_files = st.dictionaries(
    st.sampled_from(["", "", "a", "b", "a/b"]), st.lists(ordinary, max_size=5).map("\n".join), min_size=1
)


@pytest.fixture
def ignoring(dvc_process: DvcProcess) -> Iterator[Path]:
    """A repository whose files come and go."""
    root = dvc_process.new(git=False)
    yield root
    dvc_process.drop(root)


def test_dvcignore_leaves_out_what_it_leaves_out_in_dvc(dvc_process: DvcProcess, ignoring: Path) -> None:
    seen: Counter[bool] = Counter()

    @settings(max_examples=300, suppress_health_check=SLOW)
    @given(plain_trees, ignore_files)
    def judge(tree: list[list[str]], files: dict[str, str]) -> None:
        for name in set(os.listdir(ignoring)) - {".dvc"}:
            shutil.rmtree(ignoring / name) if (ignoring / name).is_dir() else (ignoring / name).unlink()
        plant(ignoring, tree, {})
        for folder, text in files.items():
            if (ignoring / folder).is_dir():
                (ignoring / folder / ".dvcignore").write_text(text)
        paths = [[path, False] for path in below(ignoring)]
        theirs = dvc_process.ask("ignored", ignoring, paths=paths)["ignored"]
        rules = IgnoreRules(str(ignoring), (".dvcignore",), always=(".dvc/", ".git/", ".hg/"))
        ours = [rules.ignored(path) for path, _ in paths]
        seen.update(ours)
        assert list(zip(paths, ours, strict=True)) == list(zip(paths, theirs, strict=True))

    judge()
    assert min(seen[True], seen[False]) >= 300, seen


def below(root: Path) -> list[str]:
    """Every file below a folder that says nothing about ignoring."""
    files = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return [path for path in sorted(files) if not path.endswith(".dvcignore") and not path.startswith(".dvc/")]
