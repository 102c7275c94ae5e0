"""``assay remote``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay remote add -d team s3://bucket/team
  assay remote add backup /mnt/share/experiments
  assay remote list
  assay remote default backup
  assay remote modify team endpointurl https://s3.example.com
  assay remote modify team secret_access_key SECRET      kept in config.local
  assay remote modify team region --unset
  assay remote rename backup archive
  assay remote remove archive
  assay remote test s3://bucket/team                     what can be done there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="add|list|default|modify|rename|remove|test", required=True)
    add = actions.add_parser("add", help="give a place to share through a name")
    add.add_argument("name")
    add.add_argument("url", help="s3://bucket/prefix, or a folder")
    add.add_argument("-d", "--default", action="store_true", help="make it the one that push and pull use")
    add.add_argument("-f", "--force", action="store_true", help="replace the URL of a remote of that name")
    actions.add_parser("list", help="names and URLs")
    default = actions.add_parser("default", help="which remote push and pull use")
    default.add_argument("name", nargs="?", help="make it this one")
    _add_modify(actions.add_parser("modify", help="change a setting of a remote"))
    rename = actions.add_parser("rename", help="give a remote another name")
    rename.add_argument("name", type=str.lower)
    rename.add_argument("new", type=str.lower, help="its new name")
    actions.add_parser("remove", help="forget a remote; what is there stays").add_argument("name", type=str.lower)
    test = actions.add_parser("test", help="try what a remote can do, on scratch keys that are removed again")
    test.add_argument("remote", nargs="?", metavar="NAME|URL", help="the default remote when not given")


def _add_modify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", type=str.lower)
    parser.add_argument("key", type=str.lower, help="url, jobs, endpointurl, git-remote ...")
    parser.add_argument("value", nargs="?", help="its new value")
    parser.add_argument("-u", "--unset", action="store_true", help="take the setting away")
    where = parser.add_mutually_exclusive_group()
    for level, what in (
        ("global", "for all your projects"),
        ("project", "for everybody who has the project (secrets never)"),
        ("local", "for this clone only, never committed"),
    ):
        where.add_argument(f"--{level}", dest="level", action="store_const", const=level, help=what)


def run(args: argparse.Namespace, context: Context) -> int:
    """Does what the action says."""
    if args.action == "test":
        return _test(args, context)
    actions = {
        "add": _add,
        "list": _list,
        "default": _default,
        "modify": _modify,
        "rename": _rename,
        "remove": _remove,
    }
    actions[args.action](args, context)
    return 0


def _add(args: argparse.Namespace, context: Context) -> None:
    from assay.remotes import registry

    project = context.project()
    remote = registry.add(project, args.name, args.url, folder=context.here, default=args.default, force=args.force)
    context.say(f"{remote.name} is {registry.shown(remote.url)}" + (", the default." if args.default else "."))


def _list(_: argparse.Namespace, context: Context) -> None:
    from assay.remotes import registry

    project = context.project()
    default = registry.default_name(project)
    for name, url in registry.remotes(project).items():
        context.say(f"{name}\t{url}" + ("\t(default)" if name == default else ""))


def _default(args: argparse.Namespace, context: Context) -> None:
    from assay.engine.errors import Refused
    from assay.remotes import registry

    project = context.project()
    if args.name:
        registry.make_default(project, args.name)
        return
    name = registry.default_name(project)
    if not name:
        raise Refused("No remote is the default.", "Choose one: `assay remote default NAME`.")
    context.say(name)


def _modify(args: argparse.Namespace, context: Context) -> None:
    from assay.cli.secrets import level_for
    from assay.engine.errors import UsageError
    from assay.remotes.edits import modify

    if (args.value is None) != args.unset:
        raise UsageError("Give the setting a value, or take it away with --unset.")
    level = args.level if args.unset else level_for(args.key, args.level, context)
    for path in _unset_in(args, context) if args.unset and level is None else [_file(level, context)]:
        modify(context.project(), args.name, args.key, args.value, path, typed_in=context.here)


def _unset_in(args: argparse.Namespace, context: Context) -> list[str]:
    """The files of the project that have a setting; its own where none has."""
    section = f'remote "{args.name}"'
    layers = [layer for layer in context.project().config.layers if layer.name in ("project", "local")]
    having = [layer.path for layer in layers if args.key in layer.sections.get(section, {})]
    return having or [_file(None, context)]


def _test(args: argparse.Namespace, context: Context) -> int:
    """Says what a remote can do; 1 when it is of no use."""
    from assay.remotes import registry
    from assay.remotes.stores.probe import probe

    is_place = args.remote is not None and ("://" in args.remote or "/" in args.remote)
    if is_place:
        remote = registry.Remote("", registry.located(args.remote, context.here), {})
    else:
        remote = registry.find(context.project(), args.remote)
    store = registry.bare_store(remote)
    try:
        verdict = probe(store)
    finally:
        store.close()
    context.say(registry.shown(remote.url))
    for what, can, says in verdict.findings:
        context.say(f"  {what:<10}{'' if can is None else 'yes' if can else 'no':<5}{says}")
    if not verdict.can_read:
        context.say("This remote cannot be used.")
        return 1
    use = "pushed to and pulled from" if verdict.can_write else "pulled from, not pushed to"
    context.say(f"This remote can be {use}.")
    return 0


def _file(level: str | None, context: Context) -> str:
    """The path of a level's file."""
    from assay.engine.errors import ConfigError
    from assay.engine.project import outer_files

    project = context.project()
    if level != "global":
        return project.path(project.layout.config[1 if level == "local" else 0])
    path = outer_files(context.world)["global" if "global" in project.layout.outer else "user"]
    if not path:
        raise ConfigError("There is no home folder, so there are no settings for all projects.", "Leave --global out.")
    return path


def _rename(args: argparse.Namespace, context: Context) -> None:
    from assay.remotes.edits import rename
    from assay.remotes.registry import check_name

    check_name(args.new)
    rename(context.project(), args.name, args.new, [_file("project", context), _file("local", context)])
    context.say(f"{args.name} is called {args.new} now.")


def _remove(args: argparse.Namespace, context: Context) -> None:
    from assay.remotes.edits import remove

    remove(context.project(), args.name, [_file("project", context), _file("local", context)])
    context.say(f"{args.name} is forgotten; what is there stays there.")
