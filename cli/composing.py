"""The program that composes configurations with Hydra: the only module that imports it.

`cli/composer.py` starts it as a file, alone in its process, so nothing of assay is imported here. The request is one
object of JSON on the standard input; each answer is one line of JSON on what was the standard output. As in DVC, the
folder of plugins is a place to import from, and interpolations are resolved before the text is made.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any


def composed(request: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The answers: a text for each list of overrides, and at the first problem nothing more but that."""
    try:
        from hydra import compose, initialize_config_dir, initialize_config_module
        from hydra.core.plugins import Plugins
        from omegaconf import OmegaConf
    except ImportError as error:
        yield {"missing": str(error)}
        return
    sys.path.append(request["plugins"])
    begin = initialize_config_module if request["module"] else initialize_config_dir
    try:
        Plugins.instance()
        with begin(request["module"] or request["folder"], version_base=None):
            for words in request["overrides"]:
                values = compose(config_name=request["name"], overrides=words)
                OmegaConf.resolve(values)
                yield {"text": OmegaConf.to_yaml(values)}
    except Exception as error:  # noqa: BLE001 - the user's own modules can raise anything
        yield {"problem": told(error)}


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
