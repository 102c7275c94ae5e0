"""The runs that overrides mean, judged by the function with which DVC queues them.

There str(1,2) becomes the numbers 1 and 2 again, since values are written as text and read once more; here they stay
strings.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from assay.engine.experiments.sweep import combinations
from assay.engine.model import Override
from assay.engine.params.overrides import parse_sweep

KEYS = ["a", "b.c", "+d", "++e", "g/h", "g@p"]
VALUES = [
    "1", "x y", "'x, y'", "true", "1e-5", "[1,a]", "{k:v}", "null", "", "1,2", "0.1,1e-5,nan", "a,b c,'d,e'",
    "true,false,null", "choice(1,x)", "choice([1,2],[3])", "range(3)", "range(0,1,0.25)", "range(3,0,-1)",
    "sort(3,1,2)", "sort(choice(b,a),reverse=true)", "tag(t,range(1,3))", "int(1.5,2)", "float(1,2)",
]  # fmt: skip
FILES = ["", "params.yaml:", "p.json:", "sub/q.yaml:"]


def meaning(override: Override) -> tuple[Any, ...]:
    return override.kind, override.key, override.package, repr(override.value)


def runs(words: list[str]) -> list[dict[str, list[tuple[Any, ...]]]]:
    """Our runs, each as the meanings of its words by file."""
    found = []
    for chosen in combinations([parse_sweep(word) for word in words]):
        by_file: dict[str, list[tuple[Any, ...]]] = {}
        for override in chosen:
            by_file.setdefault(override.file or "params.yaml", []).append(meaning(override))
            assert meaning(parse_sweep(override.text)) == meaning(override)  # what is composed is the text
        found.append(by_file)
    return found


def to_dvc(words: list[str]) -> list[tuple[str, list[str]]]:
    """The words by file, as DVC takes them apart."""
    by_file: dict[str, list[str]] = {}
    for word in words:
        file, colon, _ = word.partition("=")[0].rpartition(":")
        by_file.setdefault(file or "params.yaml", []).append(word[len(file) + 1 :] if colon else word)
    return list(by_file.items())


def cases() -> list[list[str]]:
    chance = random.Random(5)
    found = [[f"a={value}", "z=1,2"] for value in VALUES]
    for _ in range(25):
        words = [f"{chance.choice(FILES)}{chance.choice(KEYS)}={chance.choice(VALUES)}" for _ in range(3)]
        found.append([*words, "z=1,2"])
    return found


def test_runs_are_those_that_dvc_queues_in_that_order(dvc_process):
    asked = cases()
    answers = dvc_process.ask("sweeps", cases=[to_dvc(words) for words in asked])["runs"]
    for words, answer in zip(asked, answers, strict=True):
        assert isinstance(answer, list), (words, answer)
        theirs = [{file: [meaning(parse_sweep(word)) for word in of_one] for file, of_one in run} for run in answer]
        assert runs(words) == theirs, words


@pytest.mark.parametrize("word", ["db=glob(*)", "lr=interval(0,1)"])
def test_what_has_no_list_of_values_is_refused_by_both(dvc_process, assay, project, word):
    (answer,) = dvc_process.ask("sweeps", cases=[to_dvc([word])])["runs"]
    assert isinstance(answer, str)
    assert "has no list of values" in assay("run", "--queue", "-S", word, cwd=project, code=254).err
