"""The program that composes configurations with Hydra: the only module that imports it.

`cli/composer.py` starts it as a file, alone in its process, so nothing of assay is imported here. The request is one
object of JSON on the standard input; each answer is one line of JSON on what was the standard output. As in DVC, the
folder of plugins is a place to import from, and interpolations are resolved before the text is made.

Hydra takes a twentieth of a second for each composition, most of it for settings of its own. So what one choice of
options comes to is kept, and for further runs with that choice only values are set, as Hydra sets them. That this
gives Hydra's text is seen at the first run of each kind, which is composed in both ways; where it does not, where this
Hydra is built otherwise, or where anything goes wrong, Hydra composes every run from nothing.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any


def composed(request: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The answers: a text for each list of overrides, and at the first problem nothing more but that."""
    try:
        from hydra import initialize_config_dir, initialize_config_module
        from hydra.core.plugins import Plugins
    except ImportError as error:
        yield {"missing": str(error)}
        return
    sys.path.append(request["plugins"])
    begin = initialize_config_module if request["module"] else initialize_config_dir
    try:
        Plugins.instance()
        with begin(request["module"] or request["folder"], version_base=None):
            for text in _texts(request["name"], request["overrides"]):
                yield {"text": text}
    except Exception as error:  # noqa: BLE001 - the user's own modules can raise anything
        yield {"problem": told(error)}


def _texts(name: str, runs: Sequence[Sequence[str]]) -> Iterator[str]:
    """The text of each run."""
    quick = _Quick(name)
    kinds = [quick.kind(words) for words in runs] if len(runs) > 1 else [None]
    often = Counter(kinds)
    alike: dict[Hashable, bool] = {}
    for words, kind in zip(runs, kinds, strict=True):
        text = quick.text(words) if kind is not None and alike.get(kind, often[kind] > 1) else None
        if kind in alike and text is not None:
            yield text
            continue
        whole = _text(_values(name, words))
        alike[kind] = whole == text
        yield whole


def _values(name: str, words: Sequence[str]) -> Any:
    from hydra import compose

    return compose(config_name=name, overrides=list(words))


def _text(values: Any) -> str:
    from omegaconf import OmegaConf

    OmegaConf.resolve(values)
    return OmegaConf.to_yaml(values)


class _Quick:
    """Runs composed of what others with the same options came to.

    Args:
        name: Which configuration.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._bases: dict[tuple[str, ...], Any] = {}
        self._parsed: dict[str, Any] = {}

    def kind(self, words: Sequence[str]) -> Hashable:
        """What runs have in common that differ in values alone; None where that cannot be told."""
        try:
            chosen, values = self._parts(words)
            return chosen, tuple((one.type, one.get_key_element(), type(one.value()).__name__) for one in values)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, Hydra says so when it composes
            return None

    def text(self, words: Sequence[str]) -> str | None:
        """The text; None where this does not work."""
        try:
            from hydra._internal.config_loader_impl import ConfigLoaderImpl

            chosen, values = self._parts(words)
            if chosen not in self._bases:
                self._bases[chosen] = _values(self._name, chosen)
            made = copy.deepcopy(self._bases[chosen])
            ConfigLoaderImpl._apply_overrides_to_config(values, made)
            return _text(made)
        except Exception:  # noqa: BLE001 - as above
            return None

    def _parts(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[Any]]:
        """The words that choose options, or settings of Hydra's, and those that set values, parsed."""
        from hydra.core.global_hydra import GlobalHydra

        hydra: Any = GlobalHydra.instance().hydra
        options = hydra.config_loader.repository.group_exists
        chosen, values = [], []
        for word in words:
            one = self._parse(word)
            is_option = one.package is not None or options(one.key_or_group)
            if is_option or one.key_or_group.partition(".")[0] == "hydra":
                chosen.append(word)
            else:
                values.append(one)
        return tuple(chosen), values

    def _parse(self, word: str) -> Any:
        if word not in self._parsed:
            from hydra.core.override_parser.overrides_parser import OverridesParser

            (self._parsed[word],) = OverridesParser.create().parse_overrides([word])
        return self._parsed[word]


def told(error: BaseException) -> str:
    """What an exception says, and what those that it came of say beyond that."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        text = str(cause).partition("\n    full_key:")[0].strip() or type(cause).__name__
        if not any(text in known for known in texts):
            texts.append(text)
        cause = cause.__cause__
    return "\n".join(texts)


def main() -> None:
    """Answers one request."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.dont_write_bytecode = True  # composing leaves nothing beside the project's plugins
    request = json.loads(sys.stdin.buffer.read())
    answers, sys.stdout = sys.stdout, sys.stderr  # what plugins print is no answer
    for answer in composed(request):
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]  # this file's neighbours are not what a plugin means by `import targets`
    main()
