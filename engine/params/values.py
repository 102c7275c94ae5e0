"""The right-hand side of a ``-S`` word: numbers, words, strings, lists, maps, functions, sweeps.

This is the grammar of Hydra 1.3's basic overrides. A text is cut into the longest tokens that fit; tokens that stand
side by side make one string (``10cm``, ``a b``, ``007``), and a number, ``true`` or ``null`` is one only where it
stands alone.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from assay.engine.params import functions
from assay.engine.params.sweeps import Choice, Shuffle, Sweep

_WHOLE = r"(?:[1-9](?:_?[0-9])*|0)"
_DIGITS = r"[0-9](?:_?[0-9])*"
_POINT = rf"(?:{_WHOLE}?\.{_DIGITS}|{_WHOLE}\.)"
_KINDS = {
    kind: re.compile(pattern, re.DOTALL)
    for kind, pattern in {
        "(": r"[ \t]*\([ \t]*",
        ",": r"[ \t]*,[ \t]*",
        ")": r"[ \t]*\)",
        "[": r"\[[ \t]*",
        "]": r"[ \t]*\]",
        "{": r"\{[ \t]*",
        "}": r"[ \t]*\}",
        ":": r"[ \t]*:[ \t]*",
        "=": r"[ \t]*=[ \t]*",
        "float": rf"[+-]?(?:(?:{_POINT}|{_WHOLE})[eE][+-]?{_DIGITS}|{_POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])",
        "int": rf"[+-]?{_WHOLE}",
        "bool": r"[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]",
        "null": r"[Nn][Uu][Ll][Ll]",
        "char": r"[/\-\\+.$%*@?|]",
        "word": r"[A-Za-z_][A-Za-z0-9_-]*",
        "escape": r"(?:\\[\\()\[\]{}:=, \t])+",
        "space": r"[ \t]+",
        "quoted": r"""\"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""",
        "interpolation": r"\$\{[^}]+\}",
    }.items()
}
_BARE = frozenset(("float", "int", "bool", "null", "char", "word", "escape", "space"))
_IN_VALUE = _BARE | {":", "interpolation"}
_ESCAPED_QUOTE = re.compile(r"(\\+)(['\"]|\Z)")


class SyntaxProblem(Exception):
    """The text is not a value; ``at`` is the offset of the character where that shows."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_value(text: str, at: int, shuffle: Shuffle) -> Any:
    """The value that starts at offset ``at`` and goes to the end: plain data, or a `Sweep`.

    Args:
        text: The whole word.
        at: Where its value starts.
        shuffle: The source of chance for ``shuffle([..])``.

    Raises:
        SyntaxProblem: There is none.
    """
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    parser = _Parser(_tokens(text, at), shuffle)
    if parser.kind == "end":
        return ""
    values = [parser.element()]
    while parser.kind == ",":
        parser.take()
        values.append(parser.element())
    parser.expect("end", "the value goes on where it should end; quote a text that has such characters")
    if len(values) == 1:
        return values[0]
    if any(isinstance(value, Sweep) for value in values):
        raise SyntaxProblem("a sweep stands inside a list of values", at)
    return Choice(tuple(values), simple=True)


def _tokens(text: str, at: int) -> list[_Token]:
    result = []
    while at < len(text):
        found = [(match.end(), kind) for kind, pattern in _KINDS.items() if (match := pattern.match(text, at))]
        if not found:
            what = "a quote is not closed" if text[at] in "'\"" else f"{text[at]!r} has to stand in quotes"
            raise SyntaxProblem(what, at)
        end, kind = max(found, key=lambda pair: pair[0])  # the first of equally long ones
        result.append(_Token(kind, text[at:end], at))
        at = end
    result.append(_Token("end", "", at))
    return result


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], shuffle: Shuffle) -> None:
        self.tokens = tokens
        self.position = 0
        self.shuffle = shuffle

    @property
    def kind(self) -> str:
        return self.tokens[self.position].kind

    def take(self) -> _Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, kind: str, problem: str) -> _Token:
        if self.kind != kind:
            raise SyntaxProblem(problem, self.tokens[self.position].at)
        return self.take()

    def element(self) -> Any:
        if self.kind == "[":
            return self.list()
        if self.kind == "{":
            return self.map()
        if self.kind == "word" and self.tokens[self.position + 1].kind == "(":
            return self.function()
        if self.kind == "quoted":
            return _unquoted(self.take().text)
        return self.bare(_IN_VALUE, "a value is missing")

    def list(self) -> list[Any]:
        self.take()
        values: list[Any] = []
        while self.kind != "]":
            if values:
                self.expect(",", "a ',' or ']' is missing")
            values.append(self.plain_element())
        self.take()
        return values

    def map(self) -> dict[Any, Any]:
        self.take()
        pairs: dict[Any, Any] = {}
        while self.kind != "}":
            if pairs:
                self.expect(",", "a ',' or '}' is missing")
            key = self.bare(_BARE, "a key is missing; it may not be quoted")
            self.expect(":", "a ':' is missing after the key")
            pairs[key] = self.plain_element()
        self.take()
        return pairs

    def plain_element(self) -> Any:
        at = self.tokens[self.position].at
        value = self.element()
        if isinstance(value, Sweep):
            raise SyntaxProblem("a sweep may not stand inside a list or a map", at)
        return value

    def function(self) -> Any:
        name = self.take()
        self.take()
        args: list[Any] = []
        named: dict[str, Any] = {}
        while self.kind != ")":
            if args or named:
                self.expect(",", "a ',' or ')' is missing")
            keyword = ""
            if self.kind == "word" and self.tokens[self.position + 1].kind == "=":
                keyword = self.take().text
                self.take()
                named[keyword] = self.element()
            elif named:
                raise SyntaxProblem("an argument without a name follows one with a name", self.tokens[self.position].at)
            else:
                args.append(self.element())
        self.take()
        try:
            return functions.call(name.text, args, named, self.shuffle)
        except ValueError as error:
            raise SyntaxProblem(str(error), name.at) from error

    def bare(self, kinds: frozenset[str], problem: str) -> Any:
        """An unquoted scalar: the tokens of these kinds that stand side by side."""
        start = self.position
        while self.kind in kinds:
            self.position += 1
        tokens = self.tokens[start : self.position]
        if tokens and tokens[0].kind == "space":
            del tokens[0]
        if tokens and tokens[-1].kind == "space":
            del tokens[-1]
        if not tokens:
            raise SyntaxProblem(problem, self.tokens[self.position].at)
        if len(tokens) == 1:
            return _single(tokens[0])
        return "".join(token.text[1::2] if token.kind == "escape" else token.text for token in tokens)


def _single(token: _Token) -> Any:
    """The value of a token that stands alone."""
    kind, text = token.kind, token.text
    if kind == "int":
        return _number(int, token)
    if kind == "float":
        return _number(float, token)
    if kind == "bool":
        return text.lower() == "true"
    if kind == "null":
        return None
    return text[1::2] if kind == "escape" else text


def _number(convert: type[int] | type[float], token: _Token) -> float:
    try:
        return convert(token.text)
    except ValueError as error:  # Python reads no more than some thousand digits
        raise SyntaxProblem("the number is too long", token.at) from error


def _unquoted(text: str) -> str:
    """The text between quotes; backslashes mean something only before a quote of that kind and at the end."""
    quote = text[0]

    def halved(found: re.Match[str]) -> str:
        slashes, end = found.groups()
        if end and end != quote:
            return found.group()
        return "\\" * (len(slashes) // 2) + end

    return _ESCAPED_QUOTE.sub(halved, text[1:-1])
