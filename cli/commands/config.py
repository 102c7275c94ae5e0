"""``assay config``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.config import Config

SECRET = ("secret_access_key", "session_token", "password")
"""Settings whose values are not listed."""

EXAMPLES = """\
  assay config --global user.name "Ann Lee"
  assay config cache.type hardlink,copy
  assay config --global user.name
  assay config --list --show-origin
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("key", nargs="?", help="a setting, as section.key")
    parser.add_argument("value", nargs="?", help="its new value; without one the present value is printed")
    parser.add_argument("-u", "--unset", action="store_true", help="take the setting away")
    parser.add_argument("-l", "--list", action="store_true", help="print all settings")
    parser.add_argument("--show-origin", action="store_true", help="with --list: the file that each stands in")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--global", dest="level", action="store_const", const="user", help="for all your projects")
    where.add_argument(
        "--local", dest="level", action="store_const", const="local", help="for this clone only, never committed"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Reads or writes settings."""
    from assay.engine.errors import UsageError
    from assay.engine.settings import change, split

    if args.list:
        for line in _lines(_config(args.level, context), show_origin=args.show_origin):
            context.say(line)
        return 0
    if args.key is None:
        raise UsageError("assay config needs a setting, or --list.", "`assay config --help` has examples.")
    if args.value is not None or args.unset:
        change(_path(args.level, context), args.key, None if args.unset else args.value)
        return 0
    value = _config(args.level, context).get(*split(args.key))
    if value:
        context.say(value)
    return 0 if value else 1


def _path(level: str | None, context: Context) -> str:
    from assay.engine.errors import ConfigError

    if level == "user":
        if not context.user_config:
            raise ConfigError(
                "There is no home folder, so there are no settings for all projects.", "Leave --global out."
            )
        return context.user_config
    project = context.project()
    return project.path(project.layout.config[1 if level == "local" else 0])


def _config(level: str | None, context: Context) -> Config:
    """All settings, or those of one level; the user's own need no project."""
    from assay.engine.settings import layer

    return layer(level, _path(level, context)) if level else context.project().config


def _lines(config: Config, *, show_origin: bool) -> list[str]:
    lines = []
    for _, path, sections in config.layers:
        origin = f"{path}\t" if show_origin else ""
        for section, keys in sections.items():
            name = section.replace(' "', ".").rstrip('"')
            lines += [f"{origin}{name}.{key}={'***' if key in SECRET else value}" for key, value in keys.items()]
    return lines
