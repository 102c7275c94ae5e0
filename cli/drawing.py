"""The graph of the stages, drawn or written for other programs: what both ``dag`` commands do."""

from __future__ import annotations

import argparse
import posixpath
from typing import TYPE_CHECKING

from assay.cli.targets import target_words
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.pipeline.graph import Graph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a stage, a file of stages, or an output")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--dot", action="store_true", help="in the language of Graphviz")
    shape.add_argument("--mermaid", action="store_true", help="as a Mermaid flowchart")
    shape.add_argument("--md", action="store_true", help="as a Mermaid flowchart for Markdown")
    parser.add_argument("--full", action="store_true", help="all that hangs together with the target")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-o", "--outs", action="store_true", help="outputs in place of stages")
    what.add_argument(
        "--collapse-foreach-matrix", action="store_true", help="one node for all stages of a foreach or matrix"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Draws the graph."""
    from assay.cli.render import dag as render
    from assay.engine.events import Note
    from assay.engine.pipeline import dag
    from assay.engine.pipeline.graph import Graph
    from assay.engine.pipeline.spec import load

    pipeline = load(context.project())
    graph = Graph(pipeline.stages, pipeline.data)
    folder, targets = target_words(context, [args.target] if args.target else [])
    found = dag.of_outs(graph) if args.outs else dag.of_stages(graph)
    for target in targets:
        nodes = dag.meant(graph, target, folder, outs=args.outs)
        found = found.around(nodes) if args.full else found.before(nodes)
    found = found.renamed(lambda node: _shown(node, graph, folder, args))
    parts = [(part.nodes, part.edges) for part in found.parts()]
    context.report.clear()
    if not parts:
        context.report(Note("There are no stages and no data here."))
    written = render.dot if args.dot else render.mermaid if args.mermaid else render.markdown if args.md else None
    context.out.write(written(parts) if written else render.drawn(parts, context.screen[0]))
    return 0


def _shown(node: str, graph: Graph, folder: str, args: argparse.Namespace) -> str:
    """A node as it would be typed here; with --collapse-foreach-matrix the definition that it is made from."""
    if args.outs:
        return posixpath.relpath(node, folder) if folder else node
    seen = graph.names.seen_from(node, folder)
    stage = graph.stages.get(node)
    if stage is None or not stage.group or not args.collapse_foreach_matrix:
        return seen
    return seen[: len(seen) - len(stage.name) + len(stage.group)]
