"""``assay-dvc get-url``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_jobs, add_settings

    parser.add_argument("url", metavar="URL", help="a URL, remote://NAME/PATH, or a path")
    parser.add_argument("out", nargs="?", metavar="PATH", help="where it goes (here, under its own name)")
    add_jobs(parser)
    parser.add_argument("-f", "--force", action="store_true", help="replace what is there")
    add_settings(parser, "--fs-config", "settings of the URL, as a remote has them")


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings a file or a folder, and tracks nothing."""
    from assay.cli.dvc.elsewhere import as_failure, check_numbers, destination, settings_here
    from assay.remotes.imports.getting import get_url
    from assay.remotes.imports.places import place_at
    from assay.remotes.registry import is_proxied, limited

    check_numbers(args)
    target = destination(args.url, args.out, context, force=args.force)
    config = settings_here(context)
    with as_failure():
        place = place_at(args.url, context.here, config, args.fs_config, proxied=is_proxied(context.environment))
        get_url(place._replace(remote=limited(place.remote, args.jobs)), target, context.report)
    context.report.clear()
    return 0
