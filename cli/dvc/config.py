"""``assay-dvc config``."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.engine.config import Layer

FAILURE_CODE = 1
_LEVELS = ("system", "global", "project", "local")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("name", nargs="?", type=_name, help="a setting, as section.option or remote.name.option")
    parser.add_argument("value", nargs="?", help="its new value; without one the present value is printed")
    parser.add_argument("-u", "--unset", action="store_true", help="take the setting away")
    parser.add_argument("-l", "--list", action="store_true", help="print all settings")
    parser.add_argument("--show-origin", action="store_true", help="the file that each stands in, too")


def add_levels(parser: argparse.ArgumentParser) -> None:
    """Declares the flags that name a configuration file."""
    where = parser.add_mutually_exclusive_group()
    for level, what in (
        ("global", "for all your projects"),
        ("system", "for everybody on this machine"),
        ("project", "for everybody who has the project"),
        ("local", "for this clone only, never committed"),
    ):
        where.add_argument(f"--{level}", dest="level", action="store_const", const=level, help=what)


def _name(text: str) -> str:
    if not re.fullmatch(r"((remote|db)\.)?[^.]*\.[^.]*", text):
        raise argparse.ArgumentTypeError("it has the form section.option or remote.name.option")
    return text.lower()


def run(args: argparse.Namespace, context: Context) -> int:
    """Reads or writes settings."""
    from assay.engine.errors import UsageError

    if args.show_origin and (args.value or args.unset):
        raise UsageError("--show-origin is for reading settings.")
    if args.list and (args.name or args.value or args.unset):
        raise UsageError("-l/--list goes with no setting, and not with -u/--unset.")
    if args.list:
        for layer in _layers(args.level, context):
            for name, value in _settings(layer):
                context.say(f"{_origin(layer, context) if args.show_origin else ''}{name}={value}")
        return 0
    if args.name is None:
        raise UsageError("A setting is needed, or --list.")
    if args.value is None and not args.unset:
        return _tell(args, context)
    change(args.name, None if args.unset else args.value, args.level, context)
    return 0


def _tell(args: argparse.Namespace, context: Context) -> int:
    """Prints one setting; one that is nowhere is a mistake only where one file was asked for."""
    from assay.engine.errors import ConfigError

    found = configured(args.name, args.level, context)
    if found is not None:
        context.say(f"{_origin(found[0], context) if args.show_origin else ''}{found[1]}")
        return 0
    if args.level:
        raise ConfigError(f"{args.name} is not set in {place(args.level, context)}.")
    return 0


def _settings(layer: Layer) -> Iterator[tuple[str, str]]:
    """What a file sets, in DVC's order: sections with names of their own first, kind by kind, then as they stand."""
    from assay.engine.configtext import NAMED, as_text
    from assay.engine.vocabulary import dotted

    def rank(section: str) -> int:
        kind, quote, _ = section.partition(' "')
        return NAMED.index(kind) if quote and kind in NAMED else len(NAMED)

    for section, keys in sorted(layer.sections.items(), key=lambda item: rank(item[0])):
        for key, value in keys.items():
            yield dotted(section, key), as_text(value)


def _origin(layer: Layer, context: Context) -> str:
    inside = layer.name in ("project", "local")
    return f"{os.path.relpath(layer.path, context.project().root) if inside else layer.path}\t"


def configured(name: str, level: str | None, context: Context) -> tuple[Layer, str] | None:
    """The file that has the last word on a setting, of all or of one level, and what it says; None for none."""
    for layer in reversed(_layers(level, context)):
        value = dict(_settings(layer)).get(name)
        if value is not None:
            return layer, value
    return None


def place(level: str | None, context: Context) -> str:
    """The path of a level's file; of the project's own when none is named.

    Raises:
        NotAProject: It is the file of a project, and there is none.
        ConfigError: There is no such file on this machine.
    """
    from assay.engine.errors import ConfigError
    from assay.engine.project import outer_files

    if level in ("global", "system"):
        path = outer_files(context.world)[level]
        if not path:
            raise ConfigError("There is no home folder, so there are no settings for all projects.")
        return path
    project = context.project()
    return project.path(project.layout.config[1 if level == "local" else 0])


def change(name: str, value: str | None, level: str | None, context: Context) -> None:
    """Sets a setting in one of the files, or takes it away when ``value`` is None. Raises ConfigError."""
    from assay.engine.settings import change as change_file

    below = [layer for layer in _layers(None, context) if layer.name in _LEVELS]
    upto = _LEVELS.index(level or "project")
    lower = [layer for layer in below if _LEVELS.index(layer.name) < upto]
    change_file(place(level, context), name, value, words="dvc", typed_in=context.here, below=lower)


def _layers(level: str | None, context: Context) -> list[Layer]:
    """The files that DVC reads, from the lowest to the highest, or one of them; outside a project only the outer."""
    from assay.engine.config import load
    from assay.engine.errors import NotAProject
    from assay.engine.project import outer_files

    try:
        found = list(context.project().config.layers)
    except NotAProject:
        if level not in (None, "global", "system"):
            raise
        files = outer_files(context.world)
        loaded = (load(name, files[name], context.home) for name in ("system", "global") if files[name])
        found = [layer for layer in loaded if layer is not None]
    return [layer for layer in found if layer.name in _LEVELS and level in (None, layer.name)]
