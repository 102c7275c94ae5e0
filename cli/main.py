"""The ``assay`` command: a table of verbs, loaded one at a time.

stdout is the result, everything else goes to stderr. What becomes of errors: `assay.cli.frame`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from assay.cli.frame import finish, guarded, nearest, parser_of

if TYPE_CHECKING:
    from assay.cli.wiring import Context

GROUPS: dict[str, dict[str, str]] = {
    "every day": {
        "init": "make the folder an assay project",
        "run": "run the pipeline, or a command, as an experiment",
        "save": "keep the workspace as an experiment, without running anything",
        "show": "compare experiments in a table",
        "push": "share experiments and their data",
        "pull": "get the experiments and data that others shared",
        "fetch": "get them without touching the workspace",
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
    "many experiments": {
        "queue": "experiments that wait to be run, run, or are over",
        "worker": "carry out what is queued, on this machine or another that sees the folder",
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
        "convert": "make a DVC project of a native one, or the other way round",
        "completion": "words for your shell's Tab key",
    },
}
_OTHERS_THAT_NEED_GIT = ("run", "save", "show", "baseline", "log", "switch")
NEED_GIT = frozenset([*GROUPS["experiments"], *GROUPS["many experiments"], *_OTHERS_THAT_NEED_GIT]) - {"undo"}
"""Verbs about experiments and commits, which a project without Git has none of."""

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
    finish(main)


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

    return guarded(_dispatch, words, Context())


def overview() -> str:
    """The help of ``assay`` itself: examples first, then every verb by group."""
    lines = ["usage: assay [--cd FOLDER] COMMAND ...\n", "\nexamples:\n", EXAMPLES]
    for title, commands in GROUPS.items():
        lines.append(f"\n{title}:\n")
        lines += [f"  {name:<11} {line}\n" for name, line in commands.items()]
    lines.append("\n`assay COMMAND --help` tells more. --version, --cd FOLDER and --debug go before the command.\n")
    return "".join(lines)


def _dispatch(words: list[str], context: Context) -> int:
    from assay.engine.errors import UsageError

    typed, words = words, _global_options(words, context)
    if not words:
        raise UsageError("There is no command.", "`assay --help` lists them.")
    verb, rest = words[0], words[1:]
    if verb in ("help", "--help", "-h"):
        verb, rest = (rest[0], ["--help"]) if rest else ("", [])
        if not verb:
            context.out.write(overview())
            return 0
    if verb not in COMMANDS:
        raise UsageError(f"assay has no command {verb!r}.", nearest(verb, COMMANDS, "`assay --help` lists them."))
    from importlib import import_module

    module = import_module(f"assay.cli.commands.{verb}")
    command = None
    if "--" in rest and getattr(module, "TAKES_COMMAND", False):
        at = rest.index("--")
        rest, command = rest[:at], rest[at + 1 :]
    description = f"{COMMANDS[verb]}\n\nexamples:\n{module.EXAMPLES}"
    args = parser_of(f"assay {verb}", description, module.add_arguments, abbreviations=False).parse_args(rest)
    args.command = command
    context.command = " ".join(["assay", *words])
    context.typed = (typed[: len(typed) - len(words)], words)
    context.needs_git = verb in NEED_GIT
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
