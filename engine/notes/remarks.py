"""What people say about an experiment: tags and a note, as values that merge without losing anything.

Every tag remembers who put it on or took it off last, and when; a note keeps every text that it ever had. So two
people's remarks on the same experiment always have one merger: of each tag the later edit, of the notes all of them,
and the last one is the one that is shown. Merging is commutative, associative and idempotent, so it does not matter
who merges with whom, how often, and no common ancestor is needed.

An edit's time is the clock's, but at least a second after that of the edit it follows, so that a slow clock does not
make it the older one. Limits: a tag is short and has no blanks or commas; a note is text of at most 64 KiB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

LONGEST_TAG = 100
LONGEST_NOTE = 65_536
LATEST = (1 << 53) - 1
"""The last second that an edit can have."""
_BAD_IN_TAG = "[\\s,\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"


class Tag(NamedTuple):
    """The last edit of one tag: when (seconds since 1970), by whom (``Name <address>``), and whether it is on now."""

    time: int
    by: str
    on: bool


class Note(NamedTuple):
    """One text that the note had, or None for its removal: when, by whom, what."""

    time: int
    by: str
    text: str | None


class Remarks(NamedTuple):
    """All that was ever said about one commit: tags by name, and texts of the note, oldest first, none twice."""

    tags: Mapping[str, Tag] = {}
    notes: tuple[Note, ...] = ()


class Shown(NamedTuple):
    """What counts now: the tags that are on, sorted, and the note, or None."""

    tags: tuple[str, ...] = ()
    note: str | None = None


class Edit(NamedTuple):
    """A change: tags to put on (True) or take off (False), and the note's new text, None to remove it."""

    tags: Mapping[str, bool] = {}
    sets_note: bool = False
    note: str | None = None


NOTHING = Remarks()


def merge(ours: Remarks, theirs: Remarks) -> Remarks:
    """What both say. Nothing is lost: of each tag the later edit counts, and every text of the notes is kept."""
    tags = {
        name: max(side.tags[name] for side in (ours, theirs) if name in side.tags)
        for name in sorted({*ours.tags, *theirs.tags})
    }
    return Remarks(tags, _in_order({*ours.notes, *theirs.notes}))


def edited(remarks: Remarks, edit: Edit, time: int, by: str) -> Remarks:
    """The remarks after an edit; what is so already keeps its time and author.

    Args:
        remarks: What was said before.
        edit: What to change.
        time: The present, in seconds since 1970.
        by: Who says it, ``Name <address>``.
    """
    tags = dict(remarks.tags)
    for name, on in edit.tags.items():
        old = tags.get(name)
        if on != (old is not None and old.on):
            tags[name] = Tag(time if old is None else _after(old.time, time), by, on)
    notes = remarks.notes
    if edit.sets_note and edit.note != shown(remarks).note:
        notes = (*notes, Note(_after(notes[-1].time, time) if notes else time, by, edit.note))
    return Remarks(dict(sorted(tags.items())), notes)


def _after(earlier: int, now: int) -> int:
    return min(max(now, earlier + 1), LATEST)


def reverse(remarks: Remarks, edit: Edit) -> Edit:
    """The edit that gives back what these remarks say about what an edit changes."""
    now = shown(remarks)
    return Edit({name: name in now.tags for name in edit.tags}, edit.sets_note, now.note if edit.sets_note else None)


def shown(remarks: Remarks) -> Shown:
    """What counts now."""
    tags = tuple(sorted(name for name, tag in remarks.tags.items() if tag.on))
    return Shown(tags, remarks.notes[-1].text if remarks.notes else None)


def problem_with_tag(name: str) -> str:
    """Why a tag cannot be called this, as the end of a sentence; empty when it can."""
    if not name:
        return "it is empty"
    if name.startswith("-"):
        return "it starts with '-', like an option"
    if len(name) > LONGEST_TAG:
        return f"it is longer than {LONGEST_TAG} characters"
    is_bad = re.search(_BAD_IN_TAG, name)
    return "a tag has no blanks, no commas and no characters that cannot be seen" if is_bad else ""


def to_bytes(remarks: Remarks) -> bytes:
    """The remarks as canonical JSON (docs/formats.md, "Tags and notes"): the same remarks make the same bytes."""
    return canonical_json(to_plain(remarks))


def parse(data: bytes) -> Remarks:
    """What `to_bytes` wrote. Raises ValueError for anything else."""
    try:
        return from_plain(json.loads(data))
    except RecursionError as error:
        raise ValueError("not remarks") from error


def canonical_json(told: Any) -> bytes:
    """One line of JSON in ASCII, keys sorted, no blanks."""
    return (json.dumps(told, ensure_ascii=True, sort_keys=True, separators=(",", ":")) + "\n").encode()


def to_plain(remarks: Remarks) -> dict[str, Any]:
    """The remarks as what JSON can hold."""
    return {
        "notes": [note._asdict() for note in remarks.notes],
        "schema": 1,
        "tags": {name: tag._asdict() for name, tag in remarks.tags.items()},
    }


def from_plain(told: Any) -> Remarks:
    """What `to_plain` made. Raises ValueError for anything else."""
    try:
        if told["schema"] != 1:
            raise ValueError(f"schema {told['schema']}")
        tags = {_tag_name(name): Tag(*_edit(tag), _flag(tag["on"])) for name, tag in sorted(told["tags"].items())}
        notes = {Note(*_edit(note), _text(note["text"])) for note in told["notes"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not remarks") from error
    return Remarks(tags, _in_order(notes))


def _in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.time, note.by, note.text is not None, note.text or "")))


def _edit(told: Mapping[str, Any]) -> tuple[int, str]:
    time, by = told["time"], told["by"]
    if type(time) is not int or not 0 <= time <= LATEST or type(by) is not str:
        raise ValueError("an edit without a time or an author")
    return time, by


def _tag_name(name: str) -> str:
    if problem_with_tag(name):
        raise ValueError(f"the tag {name!r}")
    return name


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("a tag that is neither on nor off")
    return value


def _text(value: Any) -> str | None:
    if value is not None and type(value) is not str:
        raise ValueError("a note that is no text")
    return value
