"""A project beside a remote, as `assay status --remote` tells it: for a person, and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from assay.engine.words import counted

if TYPE_CHECKING:
    from assay.remotes.comparison import Comparison

_WHERE = {
    "here": "only here",
    "there": "only there",
    "other": "another one there",
    "broken": "not whole there",
    "both": "on both sides",
}
_DATA = {"new": "only here", "deleted": "only there", "missing": "nowhere"}
_WIDTH = 18
_MOST = 20
"""So many are named one by one; of more files it is said how many lie in which folder."""


def text_of(found: Comparison) -> str:
    """For a person: what differs, by name, and how much is the same."""
    beside = f"; experiments are in {found.git}" if found.git else ""
    lines = [f"{found.remote} is {found.url}{beside}."]
    if found.branch is not None:
        name, here, there = found.branch
        apart = f"{here.hex()[:7]} here, {there.hex()[:7]} there" if there else "only here"
        lines.append(f"Branch {name}: " + ("the same on both sides." if here == there else f"{apart}."))
    words = {ref.rpartition("/")[2]: state.word for ref, state in found.experiments.items()}
    lines += _section("Experiments of HEAD", words, _WHERE, counted(len(words), "experiment"))
    if found.data:
        lines += _section("Data of the workspace", found.data, _DATA, "")
    else:
        lines.append("Data of the workspace: all of it is on both sides.")
    return "\n".join(lines)


def _section(title: str, words: Mapping[str, str], texts: Mapping[str, str], whole: str) -> Iterator[str]:
    if not words:
        yield f"{title}: none on either side."
    elif set(words.values()) == {"both"}:
        yield f"{title}: {whole} on both sides."
    else:
        yield f"{title}:"
        for word, text in texts.items():
            for name in _few(name for name, found in words.items() if found == word):
                yield f"  {text:<{_WIDTH}} {name}"


def _few(paths: Iterable[str]) -> list[str]:
    """Names of experiments, or paths; where there are many, folders stand for what lies in them."""
    names = list(paths)
    if len(names) <= _MOST:
        return names
    folders = names
    for depth in range(max(name.count("/") for name in names), 0, -1):
        folders = _by_folder(names, depth)
        if len(folders) <= _MOST:
            return folders
    more = f"and {len(folders) - _MOST:,} more; --json names them all"
    return [*folders[:_MOST], more]


def _by_folder(names: Iterable[str], depth: int) -> list[str]:
    """Paths cut off after so many folders, each with how many files that stands for."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split("/")
        counts["/".join(parts[:depth])] += len(parts) > depth
    return [f"{name} ({counted(count, 'file')})" if count else name for name, count in counts.items()]


def damage_of(found: Comparison) -> Iterator[str]:
    """What is wrong on the remote, a line each."""
    for ref, state in found.experiments.items():
        if state.why:
            yield f"{ref.rpartition('/')[2]}: {state.why}"
    for path in _few(path for path, word in found.data.items() if word == "missing"):
        yield f"{path}: neither in the cache nor on the remote."
    yield from found.damaged.values()


def json_of(found: Comparison) -> str:
    """The same as one JSON document (docs/formats.md)."""
    branch = None
    if found.branch is not None:
        name, here, there = found.branch
        branch = {"name": name, "here": here.hex(), "there": there.hex() if there else None}
    experiments = {ref.rpartition("/")[2]: state.word for ref, state in found.experiments.items()}
    told = {
        "schema": 1,
        "remote": found.remote,
        "url": found.url,
        "git": found.git,
        "branch": branch,
        "experiments": experiments,
        "data": dict(found.data),
        "damaged": list(damage_of(found)),
    }
    return json.dumps(told)
