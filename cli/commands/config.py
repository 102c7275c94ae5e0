"""``assay config``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.engine.config import Layer
    from assay.engine.project import Project

EXAMPLES = """\
  assay config --global user.name "Ann Lee"
  assay config cache.type hardlink,copy
  assay config --local cache.dir /mnt/fast/cache
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
    for level, what in (
        ("global", "for all your projects"),
        ("system", "for everybody on this machine, in a DVC project"),
        ("project", "for everybody who has the project, as without a flag"),
        ("local", "for this clone only, never committed"),
    ):
        where.add_argument(f"--{level}", dest="level", action="store_const", const=level, help=what)


def run(args: argparse.Namespace, context: Context) -> int:
    """Reads or writes settings."""
    from assay.engine.errors import UsageError
    from assay.engine.vocabulary import dotted, split

    if args.list:
        for layer in _layers(args.level, context):
            origin = f"{layer.path}\t" if args.show_origin else ""
            for section, keys in layer.sections.items():
                for key, value in keys.items():
                    context.say(f"{origin}{dotted(section, key)}={_shown(key, value)}")
        return 0
    if args.key is None:
        raise UsageError("assay config needs a setting, or --list.", "`assay config --help` has examples.")
    if args.value is not None or args.unset:
        _change(args.key, None if args.unset else args.value, args.level, context)
        return 0
    from assay.engine.config import Config

    section, key = split(args.key)
    value = Config(_layers(args.level, context)).get(section, key)
    if value:
        context.say(value)
    else:
        _known(section, key, context)
    return 0 if value else 1


def _shown(key: str, value: str | tuple[str, ...]) -> str:
    from assay.engine.configtext import as_text
    from assay.engine.vocabulary import SECRET

    return "***" if key in SECRET else as_text(value)


def _known(section: str, key: str, context: Context) -> None:
    """Refuses to look for a setting that there is not."""
    from assay.engine.vocabulary import check

    project = _project(context)
    words = project.layout.words if project and section not in project.layout.own_words else "assay"
    if not section.startswith("remote "):
        check(words, section, key, None)


def _project(context: Context) -> Project | None:
    from assay.engine.errors import NotAProject

    try:
        return context.project()
    except NotAProject:
        return None


def _change(key: str, value: str | None, level: str | None, context: Context) -> None:
    from assay.cli.secrets import level_for
    from assay.engine.settings import change
    from assay.engine.vocabulary import split

    section, last = split(key)
    level = level_for(last, level, context) if value is not None else level
    name, path = _place(section, level, context)
    project = None if name == "user" else context.project()
    words = project.layout.words if project else "assay"
    below = _below(project.config.layers if project else (), name)
    change(path, key, value, words=words, typed_in=context.here, below=below)


def _below(layers: Iterable[Layer], name: str) -> list[Layer]:
    found = []
    for layer in layers:
        if layer.name == name:
            break
        found.append(layer)
    return found


def _place(section: str, level: str | None, context: Context) -> tuple[str, str]:
    """The layer that a setting goes to, and its file."""
    from assay.engine.errors import ConfigError
    from assay.engine.project import outer_files

    if level == "global":
        project = _project(context)
        shared = project is not None and section not in project.layout.own_words and "global" in project.layout.outer
        name = "global" if shared else "user"
    else:
        layout = context.project().layout
        if section in layout.own_words:
            raise ConfigError(
                f"Settings of {section} cannot stand in this project's files: DVC would refuse those.",
                "With --global they go into your own.",
            )
        if level != "system":
            return level or "project", context.project().path(layout.config[1 if level == "local" else 0])
        name = level
        if name not in layout.outer:
            raise ConfigError("There are no settings for a whole machine here.", "Use --global.")
    path = outer_files(context.world)[name]
    if not path:
        raise ConfigError("There is no home folder, so there are no settings for all projects.", "Leave --global out.")
    return name, path


def _layers(level: str | None, context: Context) -> list[Layer]:
    """All layers, or those of one level; the user's own need no project."""
    if level is None:
        return list(context.project().config.layers)
    from assay.engine.config import load
    from assay.engine.project import outer_files

    if level == "global":
        project = _project(context)
        if project is None:
            layer = load("user", path, context.home) if (path := outer_files(context.world)["user"]) else None
            return [layer] if layer else []
        return [layer for layer in project.config.layers if layer.name in ("user", "global")]
    return [layer for layer in context.project().config.layers if layer.name == level]
