"""Changed files as a unified diff that `git apply` and `patch` understand.

Both sides are compared in the form in which Git stores them: the workspace's files go through Git's own conversions
(line ends, working-tree encodings) first. Files that are not UTF-8 text, and large ones, are only named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.engine.experiments.changed_code import CodeChange
from assay.engine.experiments.sides import Side
from assay.engine.git.objects import MODE_GITLINK
from assay.engine.git.trees import Item
from assay.engine.git.workfiles import WorkFiles
from assay.engine.project import Project

_LARGEST = 2_000_000
"""Bytes of a side above which a file is not compared line by line."""

_MOST_LINES = 20_000
_NOTHING = "/dev/null"
_QUOTED = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}


def patch(project: Project, old: Side, new: Side, changes: Iterable[CodeChange]) -> Iterator[str]:
    """The lines of the patch, each with its line end.

    Args:
        project: The project.
        old: The first side.
        new: The second side.
        changes: What `changed_code` gave for them.

    Raises:
        GitError: A file cannot be read, or an object is not there.
    """
    files = WorkFiles(project.repo) if old.commit is None or new.commit is None else None
    for change in changes:
        before = _content(project, None if old.commit is not None else files, change.place, change.old)
        after = _content(project, None if new.commit is not None else files, change.place, change.new)
        if change.letter == "T":
            yield from file_patch(change.path, change.old, before, None, b"")
            yield from file_patch(change.path, None, b"", change.new, after)
        else:
            yield from file_patch(change.path, change.old, before, change.new, after)


def _content(project: Project, files: WorkFiles | None, place: str, item: Item | None) -> bytes:
    if item is None:
        return b""
    mode, oid = item
    if mode == MODE_GITLINK:
        return b"Subproject commit %s\n" % oid.hex().encode()
    if files is None:
        return project.repo.objects.read_blob(oid)
    return files.content(place, mode) or b""


def file_patch(path: str, old: Item | None, before: bytes, new: Item | None, after: bytes) -> Iterator[str]:
    """The lines about one file: its modes, and its content where that is text."""
    from difflib import unified_diff

    one, other = _name("a", path), _name("b", path)
    yield f"diff --git {one} {other}\n"
    yield from _modes(old, new)
    if before == after:
        return
    old_lines, new_lines = _lines(before), _lines(after)
    shown = (one if old else _NOTHING, other if new else _NOTHING)
    if old_lines is None or new_lines is None:
        why = "Large" if max(len(before), len(after)) > _LARGEST or _is_text(before, after) else "Binary"
        yield f"{why} files {shown[0]} and {shown[1]} differ ({len(before)} and {len(after)} bytes)\n"
        return
    one, other = (name + "\t" * (" " in name) for name in shown)
    for line in unified_diff(old_lines, new_lines, one, other):
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _modes(old: Item | None, new: Item | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"new file mode {new[0]:06o}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {old[0]:06o}\n"
    elif old is not None and new is not None and old[0] != new[0]:
        yield f"old mode {old[0]:06o}\nnew mode {new[0]:06o}\n"


def _lines(data: bytes) -> list[str] | None:
    """The lines with their ends; None for what is no text or too much of it."""
    if len(data) > _LARGEST or data.count(b"\n") > _MOST_LINES or not _is_text(data):
        return None
    lines = data.decode("utf-8").split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _is_text(*sides: bytes) -> bool:
    try:
        return all(b"\0" not in data[:8000] and data.decode("utf-8") is not None for data in sides)
    except UnicodeDecodeError:
        return False


def _name(side: str, path: str) -> str:
    """A file's name as Git writes it: in quotes where it has characters that could be taken for something else."""
    name = f"{side}/{path}"
    if name.isprintable() and not {'"', "\\"} & set(name):
        return name
    return '"' + "".join(_escaped(character) for character in name) + '"'


def _escaped(character: str) -> str:
    if character in _QUOTED:
        return "\\" + _QUOTED[character]
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
