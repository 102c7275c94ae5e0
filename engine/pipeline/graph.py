"""Who needs whom: stages and tracked data joined by what they read and write, and the order to go through them.

A stage needs another when it reads something that the other writes: the same path, one inside a folder that is
written, or a folder that something is written into. Parameter files count as read. A ``.dvc`` file writes its data and
needs nothing. What targets mean is told by `Names`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from assay.engine.errors import BadInput
from assay.engine.pipeline.choice import OWN, Choice
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.source import Keys, Source
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.targets import Names, folders_above


class _Written(NamedTuple):
    """A path that is written: by which node of the graph, said where."""

    by: str
    source: Source
    keys: Keys


class Graph:
    """The stages of a project and its tracked data, checked as a whole.

    Both are nodes: a stage is known by its address, data by the path of its ``.dvc`` file.

    Args:
        stages: By address, in the order of their files.
        data: The ``.dvc`` files by path; anything with ``outs`` (each with ``path`` and ``keys``) and ``source``.

    Raises:
        BadInput: The same path is written twice, or one inside another; a pipeline file lies inside an output; or
            stages need each other in a circle.
    """

    def __init__(self, stages: Mapping[str, Stage], data: Mapping[str, Any] | None = None) -> None:
        self.stages = stages
        self.data: Mapping[str, Any] = data or {}
        self.names = Names(stages, self.data)
        self._writers: dict[str, _Written] = {}
        for stage in stages.values():
            for out in stage.written:
                self._add_writer(out.path, _Written(stage.address, stage.source, out.keys))
        for path, file in self.data.items():
            for out in file.all_outs:
                self._add_writer(out.path, _Written(path, file.source, out.keys))
        self._sorted = sorted(self._writers)
        self._check_overlaps()
        self._reads = {address: self._read_by(stage) for address, stage in stages.items()}
        self._check_cycles()

    def reads(self, node: str) -> tuple[str, ...]:
        """The nodes whose outputs one reads directly."""
        return self._reads.get(node, ())

    def needs(self, node: str) -> tuple[str, ...]:
        """The nodes that one needs directly before it runs; a frozen stage needs none, as it never runs."""
        return () if node not in self._reads or self.stages[node].frozen else self._reads[node]

    @cached_property
    def _needed_by(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for address in self.stages:
            for needed in self.needs(address):
                found.setdefault(needed, []).append(address)
        return found

    def needed_by(self, node: str) -> tuple[str, ...]:
        """The addresses of the stages that need one directly."""
        return tuple(self._needed_by.get(node, ()))

    def dependents(self, *nodes: str) -> list[str]:
        """The addresses of every stage that needs one of these, directly or not, in the order of their files."""
        found = self._reached(nodes, self.needed_by) - set(nodes)
        return [address for address in self.stages if address in found]

    def with_reads(self, nodes: Iterable[str]) -> set[str]:
        """These nodes, and all whose outputs they read, directly or not."""
        return self._reached(nodes, self.reads)

    def order(self, choice: Choice = OWN) -> list[Stage]:
        """The stages to look at, each after those that it needs.

        Raises:
            UsageError: A target means nothing.
        """
        return [self.stages[node] for node in self._plan(choice) if node in self.stages]

    def steps(self, choice: Choice = OWN) -> list[Stage | Any]:
        """`order` and `sources` in one: each after those that it needs. Raises UsageError as they do."""
        return [self.stages.get(node) or self.data[node] for node in self._plan(choice)]

    def sources(self, choice: Choice = OWN) -> list[Any]:
        """The ``.dvc`` files that are part of a choice. Raises UsageError when a target means nothing."""
        return [self.data[node] for node in self._plan(choice) if node in self.data]

    def _plan(self, choice: Choice) -> list[str]:
        nodes = [*self.data, *self.stages]
        if choice.all_pipelines:
            return self._after_needs(nodes)
        chosen = self.chosen(choice)
        if choice.pipeline:
            together = self._reached(chosen, lambda node: (*self.needs(node), *self.needed_by(node)))
            return self._after_needs(node for node in nodes if node in together)
        if choice.downstream:
            below = self._reached(chosen, self.needed_by)
            return [node for node in self._after_needs(node for node in nodes if node in below) if node in below]
        if choice.single:
            return [node for node in self._after_needs(chosen) if node in chosen]
        return self._after_needs(chosen)

    def chosen(self, choice: Choice) -> list[str]:
        """The nodes that the targets of a choice mean, without what they need.

        Without targets that is the pipeline file of the folder, and in a project without one of its own everything.

        Raises:
            UsageError: A target means nothing.
        """
        if choice.all_pipelines:
            return [*self.data, *self.stages]
        if choice.targets:
            found = (
                node
                for target in choice.targets
                for node in self.matching(target, choice.folder, recursive=choice.recursive, glob=choice.glob)
            )
            return list(dict.fromkeys(found))
        file = self.names.own_file(choice.folder)
        return [stage.address for stage in self.stages.values() if stage.file == file] or list(self.stages)

    def matching(self, target: str, folder: str = "", *, recursive: bool = False, glob: bool = False) -> list[str]:
        """The nodes that a target means; see `Names`. Raises UsageError when it means nothing."""
        return self.names.matching(target, folder, recursive=recursive, glob=glob)

    def _after_needs(self, nodes: Iterable[str]) -> list[str]:
        """Depth first, what is needed before what needs it; without recursion, so that chains may be long."""
        done: dict[str, None] = {}
        for node in nodes:
            path = [] if node in done else [(node, iter(self.needs(node)))]
            while path:
                current, left = path[-1]
                needed = next((other for other in left if other not in done), None)
                if needed is not None:
                    path.append((needed, iter(self.needs(needed))))
                else:
                    path.pop()
                    done[current] = None
        return list(done)

    @staticmethod
    def _reached(nodes: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
        """These nodes, and whatever can be reached from them."""
        found = set(nodes)
        left = list(found)
        while left:
            more = [node for node in following(left.pop()) if node not in found]
            found.update(more)
            left += more
        return found

    def _read_by(self, stage: Stage) -> tuple[str, ...]:
        paths = [dep.path for dep in stage.deps] + [params.path for params in stage.params]
        return tuple(dict.fromkeys(writer for path in paths for writer in self.writers(path)))

    def writers(self, path: str) -> Iterator[str]:
        """The nodes that write a path, a folder above it, or something in it."""
        return (self._writers[out].by for out in self.outs_at(path))

    def outs_at(self, path: str) -> Iterator[str]:
        """The outputs that are a path, a folder above it, or something in it; "" is the whole project."""
        if not path:
            yield from (out for out in self._sorted if not is_outside(out))
            return
        for candidate in (path, *folders_above(path)):
            if candidate in self._writers:
                yield candidate
        at = bisect_left(self._sorted, path + "/")
        while at < len(self._sorted) and self._sorted[at].startswith(path + "/"):
            yield self._sorted[at]
            at += 1

    def _add_writer(self, path: str, written: _Written) -> None:
        other = self._writers.setdefault(path, written)
        if other is not written:
            raise written.source.bad(written.keys, f"{path!r} is also written by {self._called(other.by)}")

    def _called(self, node: str) -> str:
        return repr(node) if node in self.data else f"stage {node!r}"

    def _check_overlaps(self) -> None:
        for path, written in self._writers.items():
            for above in folders_above(path):
                if above in self._writers:
                    other = self._called(self._writers[above].by)
                    raise written.source.bad(written.keys, f"{path!r} lies inside {above!r}, which {other} writes")
        for file in dict.fromkeys(map(self.names.file, (*self.stages, *self.data))):
            for above in (file, *folders_above(file)):
                if above in self._writers:
                    written = self._writers[above]
                    raise written.source.bad(written.keys, f"{above!r} would be written over {file}, which is in it")

    def _check_cycles(self) -> None:
        done: set[str] = set()
        for start in self.stages:
            path: list[tuple[str, Iterator[str]]] = [] if start in done else [(start, iter(self.reads(start)))]
            inside = {start}
            while path:
                current, left = path[-1]
                needed = next((other for other in left if other not in done), None)
                if needed is None:
                    path.pop()
                    inside.discard(current)
                    done.add(current)
                elif needed in inside:
                    raise self._cycle([address for address, _ in path], needed)
                else:
                    inside.add(needed)
                    path.append((needed, iter(self.reads(needed))))

    def _cycle(self, path: list[str], start: str) -> BadInput:
        circle = path[path.index(start) :]
        stage = self.stages[start]
        if len(circle) == 1:
            return stage.source.bad(stage.keys, f"stage {start!r} needs its own output")
        # Each stage needs the next one; from the first one backwards it is the order in which they would have to run.
        words = " -> ".join([start, *reversed(circle[1:]), start])
        return stage.source.bad(stage.keys, f"stages need each other in a circle: {words}", "Take one of the deps out.")
