"""YAML 1.2 read through PyYAML, whose own meaning is YAML 1.1's.

PyYAML's C parser (the pure one where libyaml is missing) gives the nodes; what they mean is decided here: scalars
by `scalars`, duplicate keys refused, merge keys and aliases resolved. The result is what ruamel.yaml's safe loader
gives for YAML 1.2, which is what DVC reads.

Limits, each refused in one sentence: documents that declare ``%YAML 1.1``, several documents in one file, keys that
are lists or maps, tags other than YAML's own simple types, an anchor that contains itself, aliases that expand to
more than `MAX_NODES` values, nesting deeper than `MAX_DEPTH`, and a tab after ``:``, which DVC refuses too.
Dates are read as dates; whoever needs JSON has to say what becomes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import yaml

from assay.engine.errors import BadInput
from assay.engine.params import scalars

if TYPE_CHECKING:
    _Parser = yaml.SafeLoader
else:
    _Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 200
MAX_NODES = 1_000_000

_YAML = "tag:yaml.org,2002:"
PLAIN = "plain"
STR, SEQ, MAP, MERGE = _YAML + "str", _YAML + "seq", _YAML + "map", _YAML + "merge"
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_SCALARS: dict[str, Callable[[str], Any]] = {
    PLAIN: scalars.plain,
    STR: str,
    _YAML + "int": scalars.integer,
    _YAML + "float": scalars.floating,
    _YAML + "bool": lambda text: _BOOLS[text.lower()],
    _YAML + "null": lambda _text: None,
    _YAML + "timestamp": scalars.date,
}
# Line breaks of YAML 1.1 that are ordinary characters in 1.2: they travel through libyaml as noncharacters.
_OLD_BREAKS = {0x85: 0x1FFFE, 0x2028: 0x2FFFE, 0x2029: 0x3FFFE}
_NEW_BREAKS = {new: old for old, new in _OLD_BREAKS.items()}
_VERSION_11 = re.compile(r"^%YAML[ \t]+1\.[01]\b", re.MULTILINE)


class _Loader(_Parser):
    """PyYAML's parser with the resolving switched off: a plain scalar's tag is `PLAIN`, whatever it looks like."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else STR
        return MAP if kind is yaml.MappingNode else SEQ

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002
        # The C composer recurses without a limit of its own and would end the process.
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = current_node.start_mark if current_node is not None else None
            raise yaml.composer.ComposerError(None, None, f"it is nested deeper than {MAX_DEPTH} levels", mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


def load(text: str, path: str) -> Any:
    """The data of a document; None when it is empty.

    Args:
        text: The whole file.
        path: Its name, for errors.

    Raises:
        BadInput: It is not a YAML 1.2 document, or passes one of the limits above.
    """
    node = compose(text, path)
    return None if node is None else _Builder(path).build(node)


def compose(text: str, path: str) -> yaml.Node | None:
    """The node graph of a document; None when it is empty. Raises BadInput."""
    text, changed = _for_the_parser(text, path)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadInput(path, _sentence(error), line=mark.line + 1 if mark else 0) from error
    except yaml.reader.ReaderError as error:
        raise _odd_character(text, int(error.character), path) from error
    except RecursionError as error:
        raise BadInput(path, "it is nested too deeply") from error
    finally:
        loader.dispose()
    if "\t" in text:
        _refuse_tab_after_colon(text, path)
    if changed and node is not None:
        _restore_breaks(node)
    return node


def events(text: str, path: str) -> Iterator[yaml.Event]:
    """The parser's events of a document that `load` accepts; their marks count characters. Raises BadInput."""
    return yaml.parse(_for_the_parser(text, path)[0], Loader=_Parser)


def _for_the_parser(text: str, path: str) -> tuple[str, bool]:
    """The text with the line breaks that are none in YAML 1.2 replaced, and whether there were any."""
    old = _VERSION_11.search(text) if "%YAML" in text else None
    if old is not None:
        line = text.count("\n", 0, old.start()) + 1
        raise BadInput(path, "it declares YAML 1.1; only YAML 1.2 is read", line=line, hint="Remove the %YAML line.")
    if text.isascii():
        return text, False
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _odd_character(text, ord(text[error.start]), path) from error
    for code in _NEW_BREAKS:
        if chr(code) in text:
            raise _odd_character(text, code, path)
    replaced = text.translate(_OLD_BREAKS)
    return replaced, replaced != text


def _odd_character(text: str, code: int, path: str) -> BadInput:
    line = text.count("\n", 0, text.find(chr(code))) + 1
    return BadInput(path, f"the character U+{code:04X} may not stand in YAML", line=line)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """What PyYAML says, as one clause."""
    problem = (error.problem or "").strip()
    if "\t" in problem or problem == "found character that cannot start any token":
        return "a tab or a character that no value starts with stands here; quote the value, indent with spaces"
    if problem == "but found another document":
        return "it holds several documents; one is expected"
    return ", ".join(part for part in (error.context, problem) if part) or "it is not YAML"


def _refuse_tab_after_colon(text: str, path: str) -> None:
    depth = 0
    for token in yaml.scan(text, Loader=_Parser):
        if isinstance(token, (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)):
            depth += 1
        elif isinstance(token, (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)):
            depth -= 1
        elif isinstance(token, yaml.ValueToken) and not depth:
            end = token.end_mark
            if text[end.index : end.index + 1] == "\t":
                raise BadInput(path, "a tab follows ':'; use a space", line=end.line + 1)


def _restore_breaks(node: yaml.Node) -> None:
    seen: set[int] = set()
    todo: list[Any] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, tuple):
            todo.extend(item)
        elif isinstance(item, yaml.ScalarNode):
            item.value = item.value.translate(_NEW_BREAKS)
        elif id(item) not in seen:
            seen.add(id(item))
            todo.extend(item.value)


class _Builder:
    """Makes data of nodes; an alias is the same list or map as what it stands for.

    Whoever changes such data changes a copy of it. What aliases expand to is counted as if it were copied, since that
    is how much there is to go through.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.count = 0
        self.open: list[yaml.Node] = []
        self.keys: list[str] = []
        self.built: dict[int, tuple[Any, int]] = {}

    def build(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if len(self.open) > MAX_DEPTH or any(node is outer for outer in self.open):
            raise self.bad(node, "an alias stands inside what it stands for")
        data, inside = self.built.get(id(node), (None, len(node.value)))
        self.count += inside
        if self.count > MAX_NODES:
            raise self.bad(node, f"its aliases expand to more than {MAX_NODES:,} values")
        if data is not None:
            return data
        before = self.count - inside
        self.open.append(node)
        try:
            data = self.container(node)
        finally:
            self.open.pop()
        self.built[id(node)] = data, self.count - before
        return data

    def container(self, node: yaml.Node) -> Any:
        if node.tag == SEQ and isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]
        if node.tag == MAP and isinstance(node, yaml.MappingNode):
            return self.mapping(node)
        raise self.bad(node, f"the tag {_short(node.tag)} is not supported")

    def scalar(self, node: yaml.ScalarNode) -> Any:
        tag, text = node.tag, node.value
        if tag == PLAIN and text == "<<":
            raise self.bad(node, "'<<' is not a key here; quote it")
        convert = _SCALARS.get(tag)
        if convert is None:
            raise self.bad(node, f"the tag {_short(tag)} is not supported")
        try:
            return convert(text)
        except (ValueError, KeyError) as error:
            what = f"of the type {_short(tag)}" if tag != PLAIN else "a number or a date, though it looks like one"
            raise BadInput(
                self.path, f"{_shortened(text)} is not {what}", line=node.start_mark.line + 1, key=".".join(self.keys)
            ) from error

    def mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        own: dict[Any, Any] = {}
        merged: dict[Any, Any] | None = None
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                if merged is not None:
                    raise self.bad(key_node, "the key '<<' stands twice")
                merged = self.merged(value_node)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.bad(key_node, "a key may not be a list or a map")
            key = self.scalar(key_node)
            self.keys.append(str(key))
            if key in own or (key != key and any(other != other for other in own)):
                raise self.bad(key_node, "the key stands twice")
            own[key] = self.build(value_node)
            self.keys.pop()
        if merged:
            merged.update(own)
            return merged
        return own

    def merged(self, node: yaml.Node) -> dict[Any, Any]:
        """What a ``<<`` brings in: a map, or a list of maps of which an earlier one wins."""
        if isinstance(node, yaml.MappingNode):
            return dict(cast("dict[Any, Any]", self.build(node)))
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(one, yaml.MappingNode) for one in node.value):
            raise self.bad(node, "'<<' takes a map, or a list of maps")
        result: dict[Any, Any] = {}
        for one in reversed(node.value):
            result.update(self.build(one))
        return result

    def bad(self, node: yaml.Node, problem: str) -> BadInput:
        return BadInput(self.path, problem, line=node.start_mark.line + 1, key=".".join(self.keys))


def _is_merge(node: yaml.Node) -> bool:
    return node.tag == MERGE or (node.tag == PLAIN and node.value == "<<")


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_YAML) if tag.startswith(_YAML) else tag


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
