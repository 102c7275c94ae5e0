"""What the verbs share that bring something from elsewhere: settings of a URL, where things go, what is said."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.cli.dvc.words import spelled
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.config import Config
    from assay.remotes.foreign import Origin

_SECRET = ("password", "secret", "token", "key", "credential")


class Settings(argparse.Action):
    """Collects ``name=value`` words into a map."""

    def __call__(
        self, parser: argparse.ArgumentParser, args: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        """Takes the words of one option."""
        found = dict(getattr(args, self.dest) or {})
        for word in values:
            name, _, value = word.partition("=")
            if not name or not value:
                parser.error(f"{option}: {word!r} is not NAME=VALUE.")
            found[name] = value
        setattr(args, self.dest, found)


def add_settings(parser: argparse.ArgumentParser, flag: str, what: str) -> None:
    """Declares an option that takes settings."""
    parser.add_argument(flag, nargs="*", action=Settings, metavar="<name>=<value>", help=what)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Declares how many transfers go on at once."""
    parser.add_argument("-j", "--jobs", type=int, metavar="<number>", help="so many transfers at once")


def add_repository(parser: argparse.ArgumentParser, path: str) -> None:
    """Declares which repository is meant, a path in it, and where its data is.

    Args:
        parser: Where.
        path: What the path is; empty where none need be said.
    """
    parser.add_argument("url", metavar="URL", help="a Git repository: a URL, or a path")
    parser.add_argument("path", nargs=None if path else "?", metavar="PATH", help=path or "a file or folder in it")
    parser.add_argument("--rev", nargs="?", metavar="<commit>", help="a commit, branch or tag of it")
    parser.add_argument("--config", metavar="FILE", help="settings that go before its own")
    parser.add_argument("--remote", metavar="NAME", help="the one of its remotes that has the data")
    add_settings(parser, "--remote-config", "settings of that remote")
    if path:
        add_jobs(parser)


def add_level(parser: argparse.ArgumentParser) -> None:
    """Declares how a list is shown."""
    parser.add_argument("-R", "--recursive", action="store_true", help="go into folders")
    parser.add_argument("-T", "--tree", action="store_true", help="as a tree")
    parser.add_argument("-L", "--level", type=int, metavar="depth", help="no deeper than this")
    parser.add_argument("--size", action="store_true", help="with sizes")


def repository_said(args: argparse.Namespace, context: Context) -> Origin:
    """What is meant in which repository, as `add_repository` declares it. Raises UsageError."""
    from assay.engine.errors import UsageError
    from assay.remotes.foreign import Origin
    from assay.remotes.git.addresses import is_elsewhere

    config: Any = args.config and os.path.join(context.here, args.config)
    remote: Any = args.remote
    if args.remote_config:
        if args.remote and args.config:
            raise UsageError("--config cannot go with both --remote and --remote-config.")
        settings = dict(args.remote_config)
        if args.remote:
            config = {"core": {"remote": args.remote}, "remote": {args.remote: settings}}
        remote = None if args.remote else settings
    is_url = "://" in args.url or is_elsewhere(args.url)
    url = args.url if is_url else os.path.normpath(os.path.join(context.here, args.url))
    return Origin(url, args.path or "", args.rev or "", "", config, remote)


def temporary(context: Context) -> str:
    """Absolute path of the folder for what nobody keeps."""
    return os.path.join(context.here, context.environment.get("TMPDIR") or "/tmp")  # noqa: S108  # only a folder in it


def warn_of_secrets(context: Context, flag: str, settings: Mapping[str, str]) -> None:
    """Says of settings that look like secrets that they are written into a file that others read."""
    from assay.engine.events import Warned

    for name, value in settings.items():
        if any(word in name for word in _SECRET) and not os.path.exists(value):
            context.report(Warned(f"{flag} {name} is written into a file that belongs into Git."))


def check_numbers(args: argparse.Namespace) -> None:
    """Raises UsageError for numbers that count nothing."""
    from assay.engine.errors import UsageError

    if getattr(args, "jobs", None) is not None and args.jobs < 1:
        raise UsageError(f"--jobs takes a number from 1 upwards, not {args.jobs}.")
    if getattr(args, "level", None) is not None and args.level < 0:
        raise UsageError(f"--level takes a number from 0 upwards, not {args.level}.")


def destination(source: str, out: str | None, context: Context, *, force: bool) -> str:
    """Absolute path of what is brought: what was said, or in it when that is a folder; else the source's name, here.

    Raises:
        Refused: Something is there, and force is off.
    """
    from assay.engine.errors import Refused, UsageError

    try:
        name = os.path.basename(os.path.normpath(urlsplit(source).path if "://" in source else source))
    except ValueError as error:
        raise UsageError(f"{source.partition('://')[0]}://... is no URL.") from error
    path = out or name
    if out and os.path.isdir(os.path.join(context.here, out)):
        path = os.path.join(out, name)
    full = os.path.normpath(os.path.join(context.here, path))
    if not out and name in ("", ".", "..", "/"):
        raise UsageError(f"{source} has no name that could be used here.", "Name the path that it is to get.")
    if not force and os.path.lexists(full):
        kind = "directory" if os.path.isdir(full) else "file"
        raise Refused(f"The {kind} '{path}' already exists locally.", "To override it, re-run with '--force'.")
    return full


@contextmanager
def as_failure() -> Iterator[None]:
    """Gives wrong settings the exit code that DVC has here for all else that goes wrong."""
    from assay.engine.errors import AssayError, ConfigError

    try:
        yield
    except ConfigError as error:
        raise AssayError(error.message, error.hint) from error


def settings_here(context: Context) -> Config:
    """The configuration that holds here, whether or not this is a project."""
    from assay.engine.config import Config, load
    from assay.engine.errors import NotAProject

    with suppress(NotAProject):
        return context.project().config
    names = zip(("system", "global"), context.dvc_config, strict=True)
    layers = [load(name, path, context.home) for name, path in names if path]
    return Config([layer for layer in layers if layer is not None])


def telling(context: Context) -> Callable[[Mapping[str, Any], str, str], None]:
    """What says that an import begins."""

    def tell(dep: Mapping[str, Any], folder: str, out: str) -> None:
        context.report.clear()
        context.say(f"Importing '{_source(dep, folder, context)}' -> '{spelled(out, context)}'")

    return tell


def _source(dep: Mapping[str, Any], folder: str, context: Context) -> str:
    path: str = dep["path"]
    if "repo" in dep:
        from assay.remotes.git.addresses import shown

        return f"{path} ({shown(dep['repo']['url'])})"
    if "://" in path or os.path.isabs(path):
        return path
    return spelled(os.path.normpath(os.path.join(folder, path)), context)


def say_entries(
    context: Context, args: argparse.Namespace, name: str, top: Any, *, digests: bool = False, in_order: bool = False
) -> None:
    """Says what is in a folder elsewhere.

    Args:
        context: Where.
        args: With what `add_level` declares.
        name: What the folder is called in a tree.
        top: Its node.
        digests: Whether digests are shown.
        in_order: Whether a list is in the order of paths, not folder by folder.
    """
    from assay.cli.render.entries import Look, colours, drawn, listed
    from assay.remotes.imports.listing import rows

    shades = colours(context.environment.get("LS_COLORS", "")) if context.colour else {}
    look = Look(args.size, digests, shades)
    if args.tree:
        lines = drawn(name, top, look, args.level)
    else:
        found = rows(top, recursive=args.recursive, level=args.level)
        lines = listed(sorted(found) if in_order else found, look)
    context.report.clear()
    for line in lines:
        context.say(line)
