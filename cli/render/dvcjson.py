"""``dvc exp show --json``: what `exp_show` found, in DVC's shape; the rows' own content is joined as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from time import localtime, strftime
from typing import TextIO

from assay.engine.experiments.dvcshow import Base, Executor, Range, Rev

_TOGETHER = 500
"""Rows that are written at a time."""

_QUARTER = 900


def write(bases: Sequence[Base], out: TextIO) -> None:
    """Writes everything on one line."""
    out.write("[")
    first = True
    for base in bases:
        out.write("" if first else ", ")
        first = False
        out.writelines(_base(base))
    out.write("]\n")


def _base(base: Base) -> Iterator[str]:
    start = _row(base.rev)
    if not base.experiments:
        yield start + "null}"
        return
    yield start + "["
    for at in range(0, len(base.experiments), _TOGETHER):
        yield (", " if at else "") + ", ".join(map(_range, base.experiments[at : at + _TOGETHER]))
    yield "]}"


def _range(found: Range) -> str:
    revs, executor, name = found
    rows = _row(revs[0]) if len(revs) == 1 else "null}, ".join(map(_row, revs))
    about = "null" if executor is None else _executor(executor)
    return f'{{"revs": [{rows}null}}], "executor": {about}, "name": {_text(name)}}}'


def _row(row: Rev) -> str:
    """A row up to where its experiments come."""
    rev, name, at, body, problem = row
    error = f"{{{problem}}}" if problem else "null"
    if not body:
        data = "null"
    elif at is None:  # a workspace, be it that of a run
        data = f'{{"rev": "workspace", "timestamp": null, {body}}}'
    else:
        data = f'{{"rev": "{rev}", "timestamp": "{local_time(at)}", {body}}}'
    return f'{{"rev": "{rev}", "name": {_text(name)}, "data": {data}, "error": {error}, "experiments": '


def _executor(executor: Executor) -> str:
    process = executor.process
    local = None
    if process is not None or executor.state == "queued":
        local = {
            "root": executor.root,
            "log": process.log if process else None,
            "pid": process.pid if process else None,
            "returncode": process.returncode if process else None,
            "task_id": executor.task,
        }
    return json.dumps({"state": executor.state, "name": executor.name, "local": local})


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring_ascii(value)


def local_time(seconds: int) -> str:
    """A time in this machine's zone, without the zone: ``2026-11-21T20:24:56``."""
    quarter, rest = divmod(seconds, _QUARTER)
    hour, start = _quarter(quarter)
    return hour + _minutes()[start + rest]


@lru_cache(maxsize=4096)
def _quarter(number: int) -> tuple[str, int]:
    """The hour in which a quarter of an hour since 1970 begins, as text, and the second of it: one for many times.

    In all the years that commits are from, no zone was off by anything but whole quarters.
    """
    try:
        when = localtime(number * _QUARTER)
    except (OverflowError, OSError, ValueError):
        return "1970-01-01T00:", 0
    return strftime("%Y-%m-%dT%H:", when), when.tm_min * 60


@lru_cache(maxsize=1)
def _minutes() -> list[str]:
    """Every second of an hour as text."""
    return [f"{second // 60:02}:{second % 60:02}" for second in range(3600)]
