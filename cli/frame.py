"""What both commands, ``assay`` and ``assay-dvc``, do around a verb: its parser, its errors, its end.

Exit codes are DVC's, see `assay.engine.errors`. Imports nothing until it is needed.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from assay.cli.wiring import Context


def finish(main: Callable[[list[str]], int]) -> NoReturn:
    """Runs a console script's main function on the words of the command line, and ends the process."""
    gc.set_threshold(50_000, 20, 50)  # a tenth of the time: what is imported and read is no garbage
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of stdout went away; flushing what is left at exit would complain once more.
        import os

        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        code = 141
    sys.exit(code)


def guarded(dispatch: Callable[[list[str], Context], int], words: list[str], context: Context) -> int:
    """Runs a command line, turns everything that can go wrong into a sentence and an exit code, closes the context."""
    from assay.engine.errors import AssayError

    try:
        code = dispatch(words, context)
        context.out.flush()
        return code
    except AssayError as error:
        context.fail(error)
        return error.exit_code
    except KeyboardInterrupt:
        context.fail(AssayError("Interrupted."))
        return 252
    except BrokenPipeError:
        raise
    except OSError as error:
        if context.debug:
            raise
        from assay.engine.disk import no_space

        context.fail(no_space(error, str(error.filename or "a file")))
        return 255
    except RecursionError:
        context.fail(AssayError("Something is nested too deeply to be read."))
        return 255
    except Exception as error:  # the last line of defence: a sentence instead of a traceback
        if context.debug:
            raise
        context.fail(
            AssayError(
                f"This is a mistake in assay, not yours: {type(error).__name__}: {error}.",
                f"Run the same command as `{context.debug_form}` and report what it prints.",
            )
        )
        return 255
    finally:
        context.close()


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint: the words that a mistyped one may have meant, else another sentence."""
    from difflib import get_close_matches

    near = get_close_matches(word, dict.fromkeys(known), 3, 0.5) if len(word) > 2 else []
    return f"Did you mean {' or '.join(repr(name) for name in near)}?" if near else otherwise


def parser_of(prog: str, description: str, add_arguments: object, *, abbreviations: bool) -> argparse.ArgumentParser:
    """The argument parser of one verb; usage errors become `UsageError`.

    Args:
        prog: The command and the verb.
        description: What its help starts with.
        add_arguments: The module's function that declares its arguments.
        abbreviations: Whether the beginning of an option is enough.
    """
    import argparse
    from functools import partial

    from assay.engine.errors import UsageError

    class Parser(argparse.ArgumentParser):
        """argparse that raises instead of exiting, and shows examples before options."""

        def error(self, message: str) -> NoReturn:
            inner = [action.choices.values() for action in self._actions if isinstance(action.choices, dict)]
            parsers = [self, *(parser for parsers in inner for parser in parsers)]
            actions = [action for parser in parsers for action in parser._actions if action.help != argparse.SUPPRESS]
            known = [option for action in actions for option in action.option_strings]
            hint = f"`{self.prog} --help` shows what it takes."
            if message.startswith("unrecognized arguments: -"):
                hint = nearest(message.split()[2].split("=")[0], known, hint)
            raise UsageError(f"{self.prog}: {message}.", hint)

    parser = Parser(
        prog=prog,
        description=description,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=80),
        allow_abbrev=abbreviations,
    )
    if callable(add_arguments):
        add_arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # measures the screen, which only help needs
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):  # a verb of the verb says of itself what the list says
            for listed in action._choices_actions:
                action.choices[listed.dest].description = listed.help
    return parser
