"""The ``assay`` command: a table of verbs, loaded one at a time, and what becomes of errors.

stdout is the result, everything else goes to stderr. Exit codes are DVC's, see `assay.engine.errors`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse

    from assay.cli.wiring import Context

GROUPS: dict[str, dict[str, str]] = {
    "every day": {
        "init": "make the folder an assay project",
        "run": "run the pipeline, or a command, as an experiment",
        "save": "keep the workspace as an experiment, without running anything",
        "show": "compare experiments in a table",
        "push": "share experiments and their data",
        "pull": "get the experiments and data that others shared",
        "clone": "get a shared project",
        "demo": "see all of it on a small real project",
    },
    "experiments": {
        "list": "the names of experiments",
        "diff": "what differs between two experiments, or an experiment and the workspace",
        "apply": "make the workspace what an experiment was",
        "undo": "give back what the last command took away",
        "branch": "make a Git branch of an experiment",
        "rename": "give an experiment another name",
        "remove": "take experiments away",
        "tag": "put tags on experiments, to find them again",
        "note": "write a note on an experiment",
        "logs": "what an experiment's commands printed",
    },
    "pipeline": {
        "repro": "run the stages that changed, without making an experiment",
        "stage": "add stages to a pipeline, list them, take them away",
        "dag": "draw what needs what",
        "freeze": "never run a stage, whatever changes",
        "unfreeze": "run a frozen stage again",
        "metrics": "the numbers that stages measured, shown or compared",
        "params": "the parameters, shown or compared",
    },
    "data": {
        "add": "track files and folders that no stage writes",
        "checkout": "bring tracked data from the cache into the workspace",
        "commit": "record data and outputs as they are, without running anything",
        "data": "tracked data: its status, lists, differences; move it, let go of it",
        "unprotect": "make files that are links into the cache your own",
        "gc": "take data that nothing needs out of the cache",
        "fsck": "check every byte of the cache and of Git's objects",
    },
    "life without git": {
        "baseline": "commit the workspace, so that experiments can start from it",
        "log": "commits and how many experiments each has",
        "switch": "go to a branch or a commit, with its data",
        "status": "what changed, which stages would run, who holds a lock",
    },
    "setting up": {
        "remote": "where experiments are shared",
        "config": "read and write settings",
        "completion": "words for your shell's Tab key",
    },
}
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}

EXAMPLES = """\
  assay init                               make this folder a project
  assay baseline -m "first"                commit what experiments start from
  assay run -S train.lr=0.01               run the pipeline with a changed parameter
  assay run --metrics m.json -- python train.py
  assay show                               compare
  assay apply bumpy-lion                   take the best into the workspace
  assay remote add -d team s3://bucket/us  share
  assay push
"""


def entry() -> NoReturn:
    """The console script."""
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


def main(words: list[str]) -> int:
    """Runs one command line and returns its exit code.

    Args:
        words: What follows ``assay``.
    """
    if words in (["--version"], ["-V"]):
        from assay import __version__

        print(f"assay {__version__}")
        return 0
    if not words or (words[0] in ("-h", "--help", "help") and len(words) == 1):
        print(overview(), end="")
        return 0 if words else 254
    from assay.cli.wiring import Context

    context = Context()
    try:
        return _guarded(words, context)
    finally:
        context.close()


def overview() -> str:
    """The help of ``assay`` itself: examples first, then every verb by group."""
    lines = ["usage: assay [--cd FOLDER] COMMAND ...\n", "\nexamples:\n", EXAMPLES]
    for title, commands in GROUPS.items():
        lines.append(f"\n{title}:\n")
        lines += [f"  {name:<11} {line}\n" for name, line in commands.items()]
    lines.append("\n`assay COMMAND --help` tells more. --version, --cd FOLDER and --debug go before the command.\n")
    return "".join(lines)


def _guarded(words: list[str], context: Context) -> int:
    """Runs the command and turns everything that can go wrong into a sentence and an exit code."""
    from assay.engine.errors import AssayError

    try:
        code = _dispatch(words, context)
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
                "Run the same command as `assay --debug ...` and report what it prints.",
            )
        )
        return 255


def _dispatch(words: list[str], context: Context) -> int:
    from assay.engine.errors import UsageError

    words = _global_options(words, context)
    if not words:
        raise UsageError("There is no command.", "`assay --help` lists them.")
    verb, rest = words[0], words[1:]
    if verb in ("help", "--help", "-h"):
        verb, rest = (rest[0], ["--help"]) if rest else ("", [])
        if not verb:
            context.out.write(overview())
            return 0
    if verb not in COMMANDS:
        raise UsageError(
            f"assay has no command {verb!r}.", _nearest(verb, list(COMMANDS), "`assay --help` lists them.")
        )
    from importlib import import_module

    module = import_module(f"assay.cli.commands.{verb}")
    command = None
    if "--" in rest and getattr(module, "TAKES_COMMAND", False):
        at = rest.index("--")
        rest, command = rest[:at], rest[at + 1 :]
    args = parser_of(verb, module.EXAMPLES, module.add_arguments).parse_args(rest)
    args.command = command
    context.command = " ".join(["assay", *words])
    code: int = module.run(args, context)
    return code


def _global_options(words: list[str], context: Context) -> list[str]:
    from assay.engine.errors import UsageError

    while words and words[0] in ("--cd", "--debug", "-q", "--quiet"):
        if words[0] == "--cd":
            if len(words) < 2:
                raise UsageError("--cd needs a folder.")
            context.change_folder(words[1])
            words = words[2:]
        else:
            context.debug = context.debug or words[0] == "--debug"
            context.quiet = context.quiet or words[0] in ("-q", "--quiet")
            words = words[1:]
    return words


def _nearest(word: str, known: list[str], otherwise: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, dict.fromkeys(known), 3, 0.5) if len(word) > 2 else []
    return f"Did you mean {' or '.join(repr(name) for name in near)}?" if near else otherwise


def parser_of(verb: str, examples: str, add_arguments: object) -> argparse.ArgumentParser:
    """The argument parser of one verb; usage errors become `UsageError`.

    Args:
        verb: The command's name.
        examples: Lines that its help starts with.
        add_arguments: The module's function that declares its arguments.
    """
    import argparse
    from functools import partial

    from assay.engine.errors import UsageError

    class Parser(argparse.ArgumentParser):
        """argparse that raises instead of exiting, and shows examples before options."""

        def error(self, message: str) -> NoReturn:
            inner = [action.choices.values() for action in self._actions if isinstance(action.choices, dict)]
            parsers = [self, *(parser for parsers in inner for parser in parsers)]
            known = [option for parser in parsers for action in parser._actions for option in action.option_strings]
            hint = f"`{self.prog} --help` shows what it takes."
            if message.startswith("unrecognized arguments: -"):
                hint = _nearest(message.split()[2].split("=")[0], known, hint)
            raise UsageError(f"{self.prog}: {message}.", hint)

    parser = Parser(
        prog=f"assay {verb}",
        description=f"{COMMANDS[verb]}\n\nexamples:\n{examples}",
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=80),
        allow_abbrev=False,
    )
    if callable(add_arguments):
        add_arguments(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # measures the screen, which only help needs
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):  # a verb of the verb says of itself what the list says
            for listed in action._choices_actions:
                action.choices[listed.dest].description = listed.help
    return parser
