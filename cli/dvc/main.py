"""The table of verbs, DVC's options before the verb, and how a line of words becomes one verb's call.

A verb that DVC has and assay has not is in `LATER` and says so; words that DVC does not know either are a usage error.
Differences from DVC's own command line: help of a mistyped command is not poured over the result on stdout, and -q
never hides an error.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NoReturn

from assay.cli.frame import finish, guarded, nearest, parser_of

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from assay.cli.wiring import Context

VERBS: dict[str, str] = {
    "add": "track files and folders that no stage writes",
    "cache dir": "where the cache lies",
    "check-ignore": "whether .dvcignore files ignore a path, and which line says so",
    "checkout": "bring tracked data from the cache into the workspace",
    "commit": "record data and outputs as they are, without running anything",
    "config": "read and write settings",
    "dag": "draw what needs what",
    "data status": "the last commit, the .dvc and lock files, and the data, compared",
    "diff": "the data that differs between two revisions",
    "exp apply": "make the workspace what an experiment was",
    "exp branch": "make a Git branch of an experiment",
    "exp clean": "take away what queue workers left for each other",
    "exp diff": "what differs between two experiments",
    "exp list": "the names of experiments",
    "exp pull": "get experiments from a Git remote, and their data",
    "exp push": "share experiments through a Git remote, and their data",
    "exp remove": "take experiments away",
    "exp rename": "give an experiment another name",
    "exp run": "run the pipeline as an experiment",
    "exp save": "keep the workspace as an experiment, without running anything",
    "exp show": "experiments in a table",
    "fetch": "bring data from a remote into the cache",
    "freeze": "never run a stage, whatever changes",
    "gc": "take data that nothing needs out of the cache",
    "get": "bring a file or folder from a Git repository, and track nothing",
    "get-url": "bring a file or folder from a URL, and track nothing",
    "import": "bring a file or folder from a Git repository, and note which commit it was",
    "import-url": "bring a file or folder from a URL, and note where it came from",
    "init": "make a folder a DVC project",
    "list": "what is in a Git repository, and what it tracks as data",
    "list-url": "what is in a folder at a URL",
    "metrics diff": "the metrics that differ between two revisions",
    "metrics show": "the metrics of the workspace, or of revisions as well",
    "move": "give added data another path",
    "params diff": "the parameters that differ between two revisions",
    "pull": "fetch data, and bring it into the workspace",
    "push": "send data to a remote",
    "remote add": "give a place to share data through a name",
    "remote default": "which remote push and pull use",
    "remote list": "names and URLs of remotes",
    "remote modify": "change a setting of a remote",
    "remote remove": "let go of a remote",
    "remote rename": "give a remote another name",
    "queue kill": "end running tasks, with whatever they started",
    "queue logs": "what a task printed",
    "queue remove": "take tasks out of the queue; their experiments stay",
    "queue start": "start workers for what is queued",
    "queue status": "what is queued, runs, or is over",
    "queue stop": "have workers end after their tasks",
    "remove": "stop tracking data, take stages away",
    "repro": "run the stages that changed",
    "root": "the way from here to the root of the project",
    "stage add": "add a stage to the dvc.yaml of this folder",
    "stage list": "stages, with a line about each",
    "status": "how stages and data differ from what was recorded",
    "unfreeze": "run a frozen stage again",
    "unprotect": "make files that are links into the cache your own",
    "update": "bring imports up to date with where they came from",
    "version": "which DVC this stands in for, and what it runs on",
}
"""Every verb that is here, and its line in the help."""

LATER = (
    "artifacts get",
    "cache migrate",
    "completion",
    "daemon analytics",
    "daemon updater",
    "dataset add",
    "dataset update",
    "destroy",
    "du",
    "exp exec-run",
    "exp queue-worker",
    "git-hook merge-driver",
    "git-hook post-checkout",
    "git-hook pre-commit",
    "git-hook pre-push",
    "import-db",
    "install",
    "plots diff",
    "plots modify",
    "plots show",
    "plots templates",
    "studio login",
    "studio logout",
    "studio token",
    "test-db",
)
"""Verbs that DVC has and assay has not."""

TOLD_IN_QUIET = ("exp diff", "exp show", "metrics diff", "metrics show", "params diff", "stage list", "version")
"""Verbs whose result -q leaves on stdout: DVC's tables. All others write nothing there, as in DVC."""

ALIASES = {
    "doctor": "version",
    "ds": "dataset",
    "exp ls": "exp list",
    "exp rm": "exp remove",
    "experiments": "exp",
    "ls": "list",
    "ls-url": "list-url",
    "mv": "move",
    "rm": "remove",
}
"""Other words for a verb, or for the first of its two words."""

SPEAKS = "3.67.1"
"""The DVC whose words, files and output these are. Editors read the version and want one they know."""

PROFILING = (
    "--cprofile",
    "--yappi",
    "--yappi-separate-threads",
    "--viztracer",
    "--viztracer-async",
    "--instrument",
    "--instrument-open",
    "--pdb",
)
"""Options for DVC's own developers: understood, and without effect."""

_SAME_CODES = (251, 252, 253)
"""Exit codes that mean the same whatever the verb: a setting, an interrupt, no project."""


def entry() -> NoReturn:
    """The console script."""
    finish(main)


def main(words: list[str]) -> int:
    """Runs one command line and returns its exit code.

    Args:
        words: What follows ``assay-dvc``.
    """
    if words in (["--version"], ["-V"]):
        print(version())
        return 0
    from assay.cli.wiring import Context

    context = Context()
    context.error_word, context.debug_form = "ERROR", "assay-dvc --show-stack ..."
    return guarded(_dispatch, words, context)


def version() -> str:
    """The first line of every version: DVC's number stands first, as editors expect."""
    from assay.version import __version__

    return f"{SPEAKS} (assay {__version__})"


def overview(group: str = "") -> str:
    """The help of the command itself, or of the verbs that share a first word."""
    names = [name for name in VERBS if not group or name.startswith(group + " ")]
    lines = [f"usage: assay-dvc [-q | -v] [--cd FOLDER] {group or 'COMMAND'} ...\n", "\nDVC's commands, by assay.\n\n"]
    lines += [f"  {name:<15} {VERBS[name]}\n" for name in names]
    lines.append("\n`assay-dvc COMMAND --help` tells more.\n")
    return "".join(lines)


def _dispatch(words: list[str], context: Context) -> int:
    from assay.engine.errors import AssayError

    context.command = " ".join(["assay-dvc", *words])
    before, words = _options(words)
    if "--version" in before:
        context.say(version())
        return 0
    verb, rest, asked_for_help = _verb(words, "--help" in before)
    if asked_for_help:
        context.out.write(overview(verb))
        return 0
    module = module_of(verb)
    context.needs_git = verb.startswith("exp ")
    args = parser_for(verb, module).parse_args(rest)
    _apply(before, args, context)
    if context.quiet and verb not in TOLD_IN_QUIET:
        context.out = io.StringIO()
    try:
        code: int = module.run(args, context)
    except AssayError as error:
        context.fail(error)
        return error.exit_code if error.exit_code in _SAME_CODES else getattr(module, "FAILURE_CODE", 255)
    return code


def module_of(verb: str) -> ModuleType:
    """The module of a verb."""
    from importlib import import_module
    from keyword import iskeyword

    name = verb.replace(" ", "_").replace("-", "_")
    return import_module(f"assay.cli.dvc.{name}_" if iskeyword(name) else f"assay.cli.dvc.{name}")


def parser_for(verb: str, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of a verb, with the options that every verb has."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        _add_common(parser)
        module.add_arguments(parser)

    return parser_of(f"assay-dvc {verb}", VERBS[verb], add_arguments, abbreviations=True)


def _options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options before the verb, by their long names, and what is left of the words."""
    from assay.engine.errors import UsageError

    long = {
        "-q": "--quiet",
        "-v": "--verbose",
        "-vv": "--verbose",
        "-h": "--help",
        "-V": "--version",
        "--ss": "--show-stack",
    }
    bare = {"--quiet", "--verbose", "--help", "--version", "--wait-for-lock", "--show-stack", *PROFILING}
    found: dict[str, str] = {}
    while words and words[0].startswith("-"):
        name, equals, value = words[0].partition("=")
        name = long.get(name, name)
        words = words[1:]
        if name == "--cd":
            if not equals and not words:
                raise UsageError("--cd needs a folder.")
            found[name] = value if equals else words[0]
            words = words if equals else words[1:]
        elif name in bare and not equals:
            found[name] = ""
        else:
            raise UsageError(
                f"assay-dvc has no option {name!r}.", nearest(name, {*bare, "--cd"}, "`assay-dvc --help`.")
            )
    return found, words


def _verb(words: list[str], help_asked: bool) -> tuple[str, list[str], bool]:
    """The verb, the words that are left, and whether the help of a table of verbs was asked for instead.

    Raises:
        UsageError: No verb, or none that DVC knows.
        AssayError: A verb that assay has not.
    """
    from assay.engine.errors import AssayError, UsageError

    if not words:
        if help_asked:
            return "", [], True
        raise UsageError("There is no command.", "`assay-dvc --help` lists them.")
    first = ALIASES.get(words[0], words[0])
    seconds = [name.partition(" ")[2] for name in (*VERBS, *LATER) if name.startswith(first + " ")]
    if not seconds:
        verb, rest = first, words[1:]
    else:
        flags = [word for word in words[1:] if not word.startswith("-")][:1]
        if not flags:
            if help_asked or {"-h", "--help"} & set(words):
                return first, [], True
            raise UsageError(f"`assay-dvc {first}` needs one more word.", f"One of {', '.join(seconds)}.")
        at = words.index(flags[0], 1)
        verb = ALIASES.get(f"{first} {flags[0]}", f"{first} {flags[0]}")
        rest = words[1:at] + words[at + 1 :]
    if verb in LATER:
        raise AssayError(f"assay has no {verb!r} yet.", "docs/coming-from-dvc.md says what there is.")
    if verb not in VERBS:
        known = [*VERBS, *(word for word in ALIASES if " " not in word)]
        raise UsageError(f"assay-dvc has no command {verb!r}.", nearest(verb, known, "`assay-dvc --help` lists them."))
    return verb, ["--help"] if help_asked else rest, False


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The options that every verb has."""
    import argparse

    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("-q", "--quiet", action="count", default=0, help="say only warnings and errors")
    volume.add_argument("-v", "--verbose", action="count", default=0, help="for a mistake in assay, show where it is")
    parser.add_argument("--show-stack", "--ss", action="store_true", help=argparse.SUPPRESS)
    for name in PROFILING:
        parser.add_argument(name, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cprofile-dump", help=argparse.SUPPRESS)
    parser.add_argument("--viztracer-depth", help=argparse.SUPPRESS)


def _apply(before: dict[str, str], args: argparse.Namespace, context: Context) -> None:
    """Lets the common options, before or after the verb, have their effect."""
    context.quiet = bool(args.quiet) or "--quiet" in before
    context.debug = context.debug or args.show_stack or "--show-stack" in before
    context.patient = "--wait-for-lock" in before
    if "--cd" in before:
        context.change_folder(before["--cd"])
