r"""The language of ``--where``: which experiments to show.

::

    query      = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" query ")" | operand operator operand
    operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"
    operand    = name | number | text | "true" | "false" | "null"

A name is a parameter or metric (``train.lr``, ``metrics.json:acc``) or a field; an odd one goes in backquotes. Text
goes in single or double quotes, where ``\'`` stands for the quote and every other backslash for itself.
``~`` searches the left side's text for a regular expression. A missing value is unequal to everything, and so
are values of different kinds. Where a name has several values, as ``tag`` may, a comparison is true when it is true of
one of them, and ``!=`` when it is true of all. The text is parsed here and never handed to Python's own evaluator.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, NoReturn

from assay.engine.errors import UsageError
from assay.engine.experiments.values import MISSING, comparable, text_of

EXAMPLE = "For example: --where \"acc > 0.9 and train.lr < 0.01 and author ~ 'ann'\"."
_DEEPEST = 50
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<quoted>`[^`]+`)
      | (?P<operator>==|!=|<=|>=|[=<>~])
      | (?P<bracket>[()])
      | (?P<name>[^\W\d][\w.:/@-]*)""",
    re.VERBOSE | re.DOTALL,
)
_INSTEAD = {"&": "and", "|": "or", "!": "not"}


class Several(tuple[Any, ...]):
    """The value of a name that has any number of values."""

    __slots__ = ()


class Name(NamedTuple):
    """A parameter, a metric or a field; ``at`` is where it stands, counted from 1."""

    text: str
    at: int = 0


class Constant(NamedTuple):
    """A number, text, true, false or null."""

    value: Any


Operand = Name | Constant


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and how they must stand to each other."""

    left: Operand
    operator: str
    right: Operand
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """True where its part is false."""

    part: Query


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every part is."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one part is."""

    parts: tuple[Query, ...]


Query = Comparison | Not | AllOf | AnyOf


def parse(text: str) -> Query:
    """The query that a text says.

    Raises:
        UsageError: It says none; the sentence names the place.
    """
    parser = _Parser(text)
    found = parser.query(0)
    if parser.kind != "end":
        parser.refuse("expected 'and', 'or' or the end")
    return found


def names(query: Query) -> Iterator[Name]:
    """Every name that the query asks for, in its order."""
    if isinstance(query, Comparison):
        yield from (side for side in (query.left, query.right) if isinstance(side, Name))
    elif isinstance(query, Not):
        yield from names(query.part)
    else:
        for part in query.parts:
            yield from names(part)


def matches(query: Query, value_of: Callable[[str], Any]) -> bool:
    """Whether a row is wanted.

    Args:
        query: What `parse` gave.
        value_of: The row's value for a name; `values.MISSING` where it has none, `Several` where it may have many.
    """
    if isinstance(query, Comparison):
        return _compare(query, value_of)
    if isinstance(query, Not):
        return not matches(query.part, value_of)
    if isinstance(query, AllOf):
        return all(matches(part, value_of) for part in query.parts)
    return any(matches(part, value_of) for part in query.parts)


def _compare(query: Comparison, value_of: Callable[[str], Any]) -> bool:
    left = value_of(query.left.text) if isinstance(query.left, Name) else query.left.value
    if query.pattern is not None:
        texts = left if type(left) is Several else () if left is MISSING else (left,)
        return any(query.pattern.search(text_of(text)) is not None for text in texts)
    right = value_of(query.right.text) if isinstance(query.right, Name) else query.right.value
    if type(left) is Several or type(right) is Several:
        pairs = product(*(side if type(side) is Several else (side,) for side in (left, right)))
        return (all if query.operator == "!=" else any)(_holds(one, query.operator, other) for one, other in pairs)
    return _holds(left, query.operator, right)


def _holds(left: Any, sign: str, right: Any) -> bool:
    if left is MISSING or right is MISSING:
        return sign == "!="
    kind, one = comparable(left)
    other_kind, other = comparable(right)
    if sign in ("=", "=="):
        return kind == other_kind and bool(one == other)
    if sign == "!=":
        return kind != other_kind or bool(one != other)
    return kind == other_kind and _ORDERS[sign](one, other)


class _Parser:
    """Recursive descent, one token ahead: ``kind`` and ``word`` are the token, ``at`` its place."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self.advance()

    def advance(self) -> None:
        """Goes to the next token."""
        self.at = self.end
        if self.at == len(self.text):
            self.kind, self.word = "end", ""
            return
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.word = ""
            self.unreadable(self.text[self.at :])
        self.kind, self.word, self.end = match.lastgroup or "", match[0], match.end()
        if self.kind == "space":
            self.advance()
        elif self.kind == "name" and self.word.lower() in ("and", "or", "not"):
            self.kind, self.word = "keyword", self.word.lower()

    def unreadable(self, rest: str) -> NoReturn:
        """Refuses text that starts with no token."""
        character = rest[0]
        if number := re.match(r"[+-]?\d[\w.]*", rest):
            self.refuse(f"{number[0]} is no number")
        if character in "'\"`":
            self.refuse(f"the {character} is never closed")
        if character in _INSTEAD:
            self.refuse(f"write '{_INSTEAD[character]}' instead of {character}")
        self.refuse(f"unexpected {character}")

    def refuse(self, problem: str) -> NoReturn:
        """Raises the one error of this module."""
        found = f", found {self.word}" if self.word else ""
        raise UsageError(f"--where, character {self.at + 1}: {problem}{found}.", EXAMPLE)

    def query(self, depth: int) -> Query:
        parts = [self.term(depth)]
        while self.kind == "keyword" and self.word == "or":
            self.advance()
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def term(self, depth: int) -> Query:
        parts = [self.factor(depth)]
        while self.kind == "keyword" and self.word == "and":
            self.advance()
            parts.append(self.factor(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def factor(self, depth: int) -> Query:
        if depth > _DEEPEST:
            self.refuse("this is nested too deeply")
        if self.kind == "keyword" and self.word == "not":
            self.advance()
            return Not(self.factor(depth + 1))
        if self.word == "(":
            self.advance()
            inner = self.query(depth + 1)
            if self.word != ")":
                self.refuse("expected ')'")
            self.advance()
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        left = self.operand()
        if self.kind != "operator":
            example = f", for example `{left.text} = true`" if isinstance(left, Name) else ""
            self.refuse(f"expected =, !=, <, <=, >, >= or ~{example}")
        sign = self.word
        self.advance()
        at = self.at
        right = self.operand()
        pattern = self.pattern(right, at) if sign == "~" else None
        if self.kind == "operator":
            self.refuse("comparisons cannot be chained; join two with 'and'")
        return Comparison(left, sign, right, pattern)

    def operand(self) -> Operand:
        kind, word, at = self.kind, self.word, self.at
        operand: Operand
        if kind == "name":
            operand = Constant(_CONSTANTS[word]) if word in _CONSTANTS else Name(word, at + 1)
        elif kind == "quoted":
            operand = Name(word[1:-1], at + 1)
        elif kind == "number":
            operand = Constant(float(word) if re.search(r"[.eE]", word) or len(word) > 300 else int(word))
        elif kind == "text":
            operand = Constant(word[1:-1].replace("\\" + word[0], word[0]))
        else:
            self.refuse("expected a name, a number or text in quotes")
        self.advance()
        return operand

    def pattern(self, right: Operand, at: int) -> re.Pattern[str]:
        if not isinstance(right, Constant) or not isinstance(right.value, str):
            self.at, self.word = at, ""
            self.refuse("~ needs a regular expression in quotes")
        try:
            return re.compile(right.value)
        except (re.error, RecursionError, OverflowError) as error:
            self.at, self.word = at, ""
            self.refuse(f"this is no regular expression, {error}")
