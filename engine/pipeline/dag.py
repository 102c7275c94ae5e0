"""The graph of a pipeline as plain names and arrows, to be drawn: of its stages and data, or of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from assay.engine.errors import UsageError
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.targets import placed


class Dag(NamedTuple):
    """Names, and arrows from what is needed to what needs it; each once."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]

    def renamed(self, name: Callable[[str], str]) -> Dag:
        """The same with other names; nodes that get the same name become one."""
        edges = ((name(start), name(end)) for start, end in self.edges)
        return Dag(
            tuple(dict.fromkeys(map(name, self.nodes))),
            tuple(dict.fromkeys(edge for edge in edges if len({*edge}) > 1)),
        )

    def before(self, nodes: Iterable[str]) -> Dag:
        """These nodes and all that they need."""
        return self._only(_reached(nodes, self._neighbours(forwards=False)))

    def around(self, nodes: Iterable[str]) -> Dag:
        """All that hangs together with these nodes."""
        back, forth = self._neighbours(forwards=False), self._neighbours(forwards=True)
        both = {node: [*back.get(node, ()), *forth.get(node, ())] for node in self.nodes}
        return self._only(_reached(nodes, both))

    def parts(self) -> list[Dag]:
        """The parts that have nothing to do with one another, in the order of their first nodes."""
        found: list[Dag] = []
        seen: set[str] = set()
        for node in self.nodes:
            if node not in seen:
                found.append(self.around([node]))
                seen.update(found[-1].nodes)
        return found

    def _neighbours(self, *, forwards: bool) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for start, end in self.edges:
            found.setdefault(start if forwards else end, []).append(end if forwards else start)
        return found

    def _only(self, kept: set[str]) -> Dag:
        edges = tuple(edge for edge in self.edges if edge[0] in kept and edge[1] in kept)
        return Dag(tuple(node for node in self.nodes if node in kept), edges)


def _reached(nodes: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    found = set(nodes)
    left = list(found)
    while left:
        more = [node for node in following.get(left.pop(), ()) if node not in found]
        found.update(more)
        left += more
    return found


def of_stages(graph: Graph) -> Dag:
    """Stages and ``.dvc`` files, a frozen stage's needs included."""
    edges = [(needed, node) for node in graph.stages for needed in dict.fromkeys(graph.reads(node))]
    return Dag((*graph.data, *graph.stages), tuple(edges))


def of_outs(graph: Graph) -> Dag:
    """Outputs of stages and tracked data: an arrow from what a stage reads to each thing that it writes."""
    nodes = [out.path for file in graph.data.values() for out in file.all_outs]
    edges: dict[tuple[str, str], None] = {}
    for stage in graph.stages.values():
        paths = [dep.path for dep in stage.deps] + [params.path for params in stage.params]
        read = [out for path in paths for out in graph.outs_at(path)]
        nodes += [out.path for out in stage.written]
        edges |= {(start, out.path): None for start in read for out in stage.written}
    return Dag(tuple(nodes), tuple(edges))


def meant(graph: Graph, target: str, folder: str, *, outs: bool) -> list[str]:
    """The nodes that a target means in `of_stages`, or in `of_outs`.

    Args:
        graph: The graph.
        target: A stage, a file of stages, a ``.dvc`` file, or the path of an output, as it is spelled in ``folder``.
        folder: A project path; "" is the project itself.
        outs: Whether outputs are wanted.

    Raises:
        UsageError: It means nothing.
    """
    try:
        nodes = graph.matching(target, folder)
    except UsageError:
        path = placed(target, folder)
        found = list(graph.outs_at(path)) if path else []
        if not found:
            raise
        return found if outs else list(dict.fromkeys(graph.writers(path)))
    if not outs:
        return nodes
    stages, data = graph.stages, graph.data
    return [out.path for node in nodes for out in (stages[node].written if node in stages else data[node].all_outs)]
