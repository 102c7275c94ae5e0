"""Which paths are ignored: one matcher for .gitignore and .dvcignore.

A pattern file lies in a folder and speaks about what is below it. The nearest file that has an opinion on a path wins,
and within a file the last line that matches; below an ignored folder everything is ignored and no pattern file is read.
A line becomes the cheapest test that says the same: a name in a table, a suffix, a path in a table, and only then a
regular expression. The semantics are those of Git's wildmatch, which works on bytes: paths that are not ASCII are
looked at as the Latin-1 text of their bytes, so that ``?`` is one byte.

Limits: the pattern files are read from the work tree once; an object of this class is for one command.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

_BOM = "\xef\xbb\xbf"
_SPECIAL = frozenset("*?[\\")
_NEVER = "(?!)"
_ASCII = {name: frozenset(chars) for name, chars in {
    "alnum": b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "alpha": b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "blank": b" \t",
    "cntrl": bytes([*range(32), 127]),
    "digit": b"0123456789",
    "graph": bytes(range(33, 127)),
    "lower": b"abcdefghijklmnopqrstuvwxyz",
    "print": bytes(range(32, 127)),
    "punct": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "space": b" \t\n\r\v\f",
    "upper": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "xdigit": b"0123456789ABCDEFabcdef",
}.items()}  # fmt: skip


class Pattern(NamedTuple):
    """One line of a pattern file.

    Attributes:
        glob: The pattern as Latin-1 text of its bytes, without ``!`` and a trailing slash.
        negative: Whether it takes paths back in (``!``).
        dir_only: Whether it speaks about folders only (a trailing slash).
        anchored: Whether it is compared with the whole path below its folder, not with the last name alone.
    """

    glob: str
    negative: bool
    dir_only: bool
    anchored: bool


def parse_line(line: str) -> Pattern | None:
    """The pattern that a line holds; None for an empty line, a comment, or a pattern that matches nothing."""
    if line.startswith("#"):
        return None
    line = _without_trailing_spaces(line)
    negative = line.startswith("!")
    if negative:
        line = line[1:]
    dir_only = line.endswith("/")
    if dir_only:
        line = line[:-1]
    if not line:
        return None
    return Pattern(line, negative, dir_only, "/" in line)


def parse(data: bytes) -> list[Pattern]:
    """The patterns of a file's content, in its order."""
    lines = data.decode("latin-1").removeprefix(_BOM).split("\n")
    found = (parse_line(line.removesuffix("\r")) for line in lines)
    return [pattern for pattern in found if pattern is not None]


def _without_trailing_spaces(line: str) -> str:
    """The line up to its last character that is not a space, or is a space after a backslash."""
    if not line.endswith(" "):
        return line
    end, at = 0, 0
    while at < len(line):
        if line[at] == "\\":
            at += 1
            if at == len(line):
                return line
            end = at + 1
        elif line[at] != " ":
            end = at + 1
        at += 1
    return line[:end]


def translate(glob: str, *, anchored: bool) -> str | None:
    """A regular expression for `re.fullmatch` that says what Git's wildmatch says; None when nothing can match.

    Args:
        glob: A pattern as in `Pattern`.
        anchored: Whether it is for whole paths, so that ``**`` can cross slashes.
    """
    if anchored and glob.startswith("/"):
        glob = glob[1:]
    literal = _literal_length(glob)
    out, at = [re.escape(glob[:literal])], literal
    while at < len(glob):
        char = glob[at]
        if char == "*":
            part, at = _stars(glob, at, start=literal)
        elif char == "?":
            part, at = "[^/]", at + 1
        elif char == "[":
            part, at = _char_class(glob, at + 1)
        elif char == "\\":
            part, at = (re.escape(glob[at + 1]) if at + 1 < len(glob) else _NEVER), at + 2
        else:
            part, at = re.escape(char), at + 1
        if part == _NEVER:
            return None
        out.append(part)
    return "".join(out)


def _literal_length(glob: str) -> int:
    for at, char in enumerate(glob):
        if char in _SPECIAL:
            return at
    return len(glob)


def _stars(glob: str, at: int, *, start: int) -> tuple[str, int]:
    """What a run of stars means; ``start`` is where Git begins to match, which counts as a path's beginning."""
    end = at
    while end < len(glob) and glob[end] == "*":
        end += 1
    rest = glob[end : end + 2]
    whole = end - at > 1 and (at == start or glob[at - 1] == "/") and (rest[:1] in ("", "/") or rest == "\\/")
    if not whole:
        return "[^/]*", end
    if rest[:1] == "/":
        return "(?:.*/)?", end + 1
    return ".*", end


def _char_class(glob: str, at: int) -> tuple[str, int]:
    """A bracket expression that begins after ``[``, and where it ends; one that Git refuses never matches."""
    negated = glob[at : at + 1] in ("!", "^")
    if negated:
        at += 1
    members: set[int] = set()
    previous, first = "", True
    while first or glob[at : at + 1] != "]":
        first = False
        name = _class_name(glob, at)
        if name is not None:
            if name not in _ASCII:
                return _NEVER, at
            members |= _ASCII[name]
            at, previous = at + len(name) + 4, ""
            continue
        is_range = glob[at : at + 1] == "-" and previous != "" and glob[at + 1 : at + 2] not in ("", "]")
        char, at = _escaped(glob, at + 1 if is_range else at)
        if not char:
            return _NEVER, at
        if is_range:
            members.update(range(ord(previous), ord(char) + 1))
            previous = ""
        else:
            members.add(ord(char))
            previous = char
    chosen = (set(range(256)) - members if negated else members) - {ord("/")}
    if not chosen:
        return _NEVER, at
    return "[" + "".join(f"\\x{code:02x}" for code in sorted(chosen)) + "]", at + 1


def _class_name(glob: str, at: int) -> str | None:
    """The name in ``[:name:]`` at a place, "?" when the brackets never close, None when it is no such class."""
    if glob[at : at + 2] != "[:":
        return None
    close = glob.find("]", at + 2)
    if close < 0:
        return "?"
    return glob[at + 2 : close - 1] if close > at + 2 and glob[close - 1] == ":" else None


def _escaped(glob: str, at: int) -> tuple[str, int]:
    """The character at a place, or after the backslash there, and where the next one begins; "" at the end."""
    if glob[at : at + 1] == "\\":
        at += 1
    return glob[at : at + 1], at + 1


class _Tests:
    """The patterns of one file as tests on a name and a path; a test's answer is the number of its line."""

    def __init__(self, patterns: Iterable[tuple[int, Pattern]], *, ignore_case: bool) -> None:
        self._names: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._suffixes: list[tuple[int, str]] = []
        names: list[tuple[int, str]] = []
        paths: list[tuple[int, str]] = []
        for number, pattern in patterns:
            glob = _lowered(pattern.glob) if ignore_case else pattern.glob
            length = _literal_length(glob)
            if length == len(glob):
                if pattern.anchored:
                    self._paths[glob.removeprefix("/")] = number
                else:
                    self._names[glob] = number
            elif not pattern.anchored and length == 0 and glob[0] == "*" and _literal_length(glob[1:]) == len(glob) - 1:
                self._suffixes.append((number, glob[1:]))
            else:
                regex = translate(glob, anchored=pattern.anchored)
                if regex is not None:
                    (paths if pattern.anchored else names).append((number, regex))
        self._suffixes.reverse()
        self._name_numbers, self._name_regex = _alternation(names, ignore_case=ignore_case)
        self._path_numbers, self._path_regex = _alternation(paths, ignore_case=ignore_case)

    def last(self, path: str, name: str) -> int:
        """The number of the last line that matches, -1 when none does."""
        best = self._names.get(name, -1)
        for number, suffix in self._suffixes:
            if number < best:
                break
            if name.endswith(suffix):
                best = number
                break
        if self._name_regex is not None and (match := self._name_regex(name)):
            best = max(best, self._name_numbers[match.lastindex or 0])
        if self._paths:
            best = max(best, self._paths.get(path, -1))
        if self._path_regex is not None and (match := self._path_regex(path)):
            best = max(best, self._path_numbers[match.lastindex or 0])
        return best


def _alternation(
    tests: Sequence[tuple[int, str]], *, ignore_case: bool
) -> tuple[list[int], Callable[[str], re.Match[str] | None] | None]:
    """One expression that finds the last of several: later lines stand first, and each is a group."""
    if not tests:
        return [], None
    flags = re.DOTALL | (re.ASCII | re.IGNORECASE if ignore_case else 0)
    ordered = list(reversed(tests))
    regex = re.compile("|".join(f"({regex})" for _, regex in ordered), flags)
    return [-1, *(number for number, _ in ordered)], regex.fullmatch


class _PatternFile:
    """What one pattern file says, asked about paths relative to its folder."""

    def __init__(self, patterns: Sequence[Pattern], *, ignore_case: bool) -> None:
        self._patterns = patterns
        self._ignore_case = ignore_case
        self._tests: dict[bool, _Tests] = {}

    def verdict(self, path: str, name: str, is_dir: bool) -> bool | None:
        """True: ignored; False: taken back in; None: no opinion."""
        tests = self._tests.get(is_dir)
        if tests is None:
            chosen = [item for item in enumerate(self._patterns) if is_dir or not item[1].dir_only]
            tests = self._tests[is_dir] = _Tests(chosen, ignore_case=self._ignore_case)
        last = tests.last(path, name)
        return None if last < 0 else not self._patterns[last].negative


def speaks_about(pattern: Pattern, path: str, *, is_dir: bool) -> bool:
    """Whether a pattern matches a path that is relative to its folder."""
    path = byte_text(path)
    return _PatternFile([pattern], ignore_case=False).verdict(path, path.rpartition("/")[2], is_dir) is not None


class _Level(NamedTuple):
    """What holds directly in one folder: the pattern files that count, nearest first, and where their paths begin."""

    excluded: bool
    files: tuple[tuple[_PatternFile, int], ...]


class IgnoreRules:
    """Answers whether paths below a root are ignored.

    Args:
        root: Absolute path of the folder that paths are relative to.
        file_names: Names of the pattern files that a folder may have; a later name wins over an earlier one.
        outer: Contents of pattern files that speak about the whole tree, the weakest first (Git: the user's
            ``core.excludesFile``, then ``info/exclude``).
        always: Patterns that no pattern file can take back.
        ignore_case: Whether ``A`` and ``a`` are one name (Git's ``core.ignoreCase``).
        read: Gives the content of a pattern file by its path below the root, None when there is none; the
            default reads the file and does not follow a symlink, as Git.
    """

    def __init__(
        self,
        root: str,
        file_names: Sequence[str] = (".gitignore",),
        *,
        outer: Iterable[bytes] = (),
        always: Iterable[str] = (),
        ignore_case: bool = False,
        read: Callable[[str], bytes | None] | None = None,
    ) -> None:
        self._root = root
        self._file_names = tuple(file_names)
        self._ignore_case = ignore_case
        self._read = read or self._read_file
        fixed = [pattern for line in always if (pattern := parse_line(byte_text(line)))]
        self._always = _PatternFile(fixed, ignore_case=ignore_case) if fixed else None
        files = [(found, 0) for data in outer if (found := self._file(data))]
        self._levels: dict[str, _Level] = {"": _Level(False, (*self._own_files(""), *reversed(files)))}

    def ignored(self, path: str, is_dir: bool = False) -> bool:
        """Whether a path is ignored, by itself or because a folder above it is."""
        folder, _, name = path.rpartition("/")
        level = self._levels.get(folder) or self._level(folder)
        return level.excluded or self._decide(level, path, name, is_dir)

    def enter(self, folder: str) -> bool:
        """Whether a walk has anything to find below a folder; "" is the root."""
        return not self._level(folder).excluded

    def _level(self, folder: str) -> _Level:
        level = self._levels.get(folder)
        if level is None:
            above, _, name = folder.rpartition("/")
            parent = self._level(above)
            if parent.excluded or self._decide(parent, folder, name, True):
                level = _Level(True, ())
            else:
                own = self._own_files(folder + "/")
                level = _Level(False, own + parent.files) if own else parent
            self._levels[folder] = level
        return level

    def _decide(self, level: _Level, path: str, name: str, is_dir: bool) -> bool:
        path, name = self._seen(path), self._seen(name)
        if self._always is not None and self._always.verdict(path, name, is_dir):
            return True
        for file, cut in level.files:
            verdict = file.verdict(path[cut:], name, is_dir)
            if verdict is not None:
                return verdict
        return False

    def _seen(self, text: str) -> str:
        text = text if text.isascii() else byte_text(text)
        return _lowered(text) if self._ignore_case else text

    def _own_files(self, prefix: str) -> tuple[tuple[_PatternFile, int], ...]:
        contents = (self._read(prefix + name) for name in reversed(self._file_names))
        cut = len(byte_text(prefix))
        return tuple((file, cut) for data in contents if data and (file := self._file(data)))

    def _file(self, data: bytes) -> _PatternFile | None:
        patterns = parse(data)
        return _PatternFile(patterns, ignore_case=self._ignore_case) if patterns else None

    def _read_file(self, path: str) -> bytes | None:
        try:
            fd = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENXIO):
                return None
            raise
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            with open(fd, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(fd)


def byte_text(text: str) -> str:
    """The Latin-1 text of a path's bytes."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else text.encode("latin-1").lower().decode("latin-1")
