"""What has changed about a stage since its lock entry was written, and in which words.

Pure comparison: what the workspace holds comes in as values, sentences go out. Params are equal when Python says so
(1, 1.0 and true are), except that not-a-number equals itself here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from assay.engine.model import Artifact
from assay.engine.pipeline import datasets
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.urls import shown, without_login
from assay.engine.ports import UrlState

_NOTHING: Mapping[str, Any] = MappingProxyType({})

Subject = Literal["stage", "cmd", "dep", "param", "out"]
Kind = Literal["always", "changed", "new", "missing"]


class Reason(NamedTuple):
    """Why a stage is not up to date: what it is about, its name there, the sentence, and what kind of reason it is.

    ``missing`` is what is not there now, in the workspace or in the cache; ``new`` what was not there the last time.
    """

    about: Subject
    name: str
    text: str
    kind: Kind = "changed"


class Inputs(NamedTuple):
    """What a stage reads, as it is now.

    Attributes:
        deps: The artifact of each dependency by its spelling; None where there is nothing.
        params: The values by file as spelled, then by dotted key; a key that is not there is absent.
        absent: The params files that are not there.
        urls: What servers say of each URL by its spelling; None where there is nothing.
        unknown: URLs by spelling of which they say nothing, with the sentence why.
    """

    deps: Mapping[str, Artifact | None] = _NOTHING
    params: Mapping[str, Mapping[str, Any]] = _NOTHING
    absent: tuple[str, ...] = ()
    urls: Mapping[str, UrlState | None] = _NOTHING
    unknown: Mapping[str, str] = _NOTHING


class OutState(NamedTuple):
    """What an output is now: its artifact, None where there is nothing, and whether the cache has the recorded one.

    Of a URL it is what the server says, or why it says nothing.
    """

    artifact: Artifact | None
    in_cache: bool = True
    url: UrlState | None = None
    unknown: str = ""


class StageStatus(NamedTuple):
    """Whether a stage would run.

    Attributes:
        name: The stage's address.
        reasons: Why it would; none when it is up to date. Of a frozen stage: how its outputs are not as recorded.
        frozen: Whether it never runs.
    """

    name: str
    reasons: tuple[Reason, ...]
    frozen: bool = False


def input_reasons(stage: Stage, entry: LockEntry | None, inputs: Inputs) -> list[Reason]:
    """What speaks for running a stage before its outputs are looked at; a frozen stage's inputs do not count."""
    if stage.frozen or stage.does_nothing:
        return []
    if stage.is_callback:
        return [Reason("stage", "", "it reads and writes nothing, so it runs every time", "always")]
    found = [Reason("stage", "", "it is set to run every time", "always")] if stage.always_changed else []
    if entry is None:
        return [*found, Reason("stage", "", "it has not run yet", "new")]
    if stage.cmd != entry.cmd:
        found.append(Reason("cmd", "", "its command changed"))
    for dep in {dep.spelled: dep for dep in stage.deps}.values():
        if dep.dataset is not None:
            found += _dataset_reasons(dep.path, entry.datasets.get(dep.spelled), dep.dataset)
            continue
        if dep.place == "url":
            said = (entry.urls.get(dep.spelled), inputs.urls.get(dep.spelled), inputs.unknown.get(dep.spelled, ""))
            found += _url_reasons("dep", dep.path, *said)
            continue
        if not dep.can_be_seen:
            found.append(Reason("dep", dep.path, f"whether {dep.path} changed cannot be told", "always"))
            continue
        locked = entry.deps.get(dep.spelled)
        how = _difference(locked, inputs.deps.get(dep.spelled))
        if how:
            found.append(Reason("dep", dep.path, f"{dep.path or '.'} {how}", "new" if locked is None else _KINDS[how]))
    for params in stage.params:
        values = entry.params.get(params.spelled)
        found += _param_reasons(params.path, params.names, values, inputs.params.get(params.spelled))
    return found


def out_reasons(stage: Stage, entry: LockEntry, states: Mapping[str, OutState]) -> list[Reason]:
    """What has happened to a stage's outputs."""
    found: list[Reason] = []
    for out in () if stage.frozen else stage.urls:
        now = states[out.spelled]
        found += _url_reasons("out", out.path, entry.urls.get(out.spelled), now.url, now.unknown)
    for out in stage.files:
        locked, state = entry.outs.get(out.spelled), states[out.spelled]
        how = _difference(locked, state.artifact)
        if not how and not state.in_cache:
            how = _NOT_CACHED
        if how:
            found.append(Reason("out", out.path, f"{out.path} {how}", "new" if locked is None else _KINDS[how]))
    return found


_NOT_CACHED = "is not in the cache"
_KINDS: Mapping[str, Kind] = {"is missing": "missing", _NOT_CACHED: "missing", "is new": "new", "changed": "changed"}


def _difference(locked: Artifact | None, current: Artifact | None) -> str:
    """How a path differs from what was recorded; empty when it does not."""
    if current is None:
        return "is missing"
    if locked is None:
        return "is new"
    return "" if locked.digest == current.digest else "changed"


def _url_reasons(
    about: Subject, path: str, locked: UrlState | None, current: UrlState | None, unknown: str
) -> list[Reason]:
    name, path = shown(path), without_login(path)
    if unknown:
        return [Reason(about, path, f"whether {name} changed cannot be told: {unknown}", "always")]
    if current is None:
        return [Reason(about, path, f"{name} is missing", "missing")]
    if locked is None:
        return [Reason(about, path, f"{name} is new", "new")]
    return [] if same_url(locked, current) else [Reason(about, path, f"{name} changed")]


def same_url(one: UrlState | None, other: UrlState | None) -> bool:
    """Whether a server says the same of a URL's content; nothing is only like nothing."""
    return one is other if one is None or other is None else one[:2] == other[:2]


def _dataset_reasons(path: str, locked: Mapping[str, Any] | None, current: Mapping[str, Any]) -> list[Reason]:
    if locked is None:
        return [Reason("dep", path, f"{path} is new", "new")]
    return [] if datasets.same(locked, current) else [Reason("dep", path, f"{path} changed")]


def _param_reasons(
    path: str, names: tuple[str, ...], locked: Mapping[str, Any] | None, current: Mapping[str, Any] | None
) -> list[Reason]:
    if current is None:
        return [Reason("param", path, f"{path} is missing", "missing")]
    if locked is None:
        return [Reason("param", path, f"{path} is new", "new")]
    found = []
    for name in names or dict.fromkeys([*locked, *current]):
        if name not in current:
            how = "is missing"
        elif name not in locked:
            how = "is new"
        elif not same(locked[name], current[name]):
            how = "changed"
        else:
            continue
        found.append(Reason("param", f"{path}:{name}", f"{path}:{name} {how}", _KINDS[how]))
    return found


def same(one: Any, other: Any) -> bool:
    """Python's equality, and not-a-number is equal to itself at any depth."""
    if one == other:
        return True
    if isinstance(one, float) and isinstance(other, float):
        return one != one and other != other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return False
