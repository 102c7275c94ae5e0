"""Who needs whom: stages joined by what they read and write, and the order to run them in.

A stage needs another when it reads something that the other writes: the same path, one inside a folder that is
written, or a folder that something is written into. Parameter files count as read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.stage import Out, Stage

ROOT_FILE = "dvc.yaml"


class Graph:
    """The stages of a project, checked as a whole.

    Args:
        stages: By address, in the order of their files.

    Raises:
        BadInput: Two stages write the same path, or one inside the other's; or stages need each other in a circle.
    """

    def __init__(self, stages: Mapping[str, Stage]) -> None:
        self.stages = stages
        self._writers = {out.path: (stage, out) for stage in stages.values() for out in stage.outs}
        self._sorted = sorted(self._writers)
        self._check_overlaps()
        self._needs = {address: self._needed_by(stage) for address, stage in stages.items()}
        self._check_cycles()

    def needs(self, address: str) -> tuple[str, ...]:
        """The addresses of the stages that one needs directly; a frozen stage needs none, as it never runs."""
        return () if self.stages[address].frozen else self._needs[address]

    def order(self, targets: Iterable[str] = (), *, single: bool = False) -> list[Stage]:
        """The stages to look at, each after those that it needs.

        Args:
            targets: Stage addresses or paths of pipeline files; none means the project's own dvc.yaml.
            single: Only the targets themselves.

        Raises:
            UsageError: There is no such stage.
        """
        chosen = [address for target in targets for address in self.matching(target)]
        if not chosen:
            own = [stage.address for stage in self.stages.values() if stage.file == ROOT_FILE]
            chosen = own or list(self.stages)
        done: dict[str, None] = {}
        for address in chosen:
            for found in self._after_needs(address, done):
                if not single or found in chosen:
                    done[found] = None
        return [self.stages[address] for address in done]

    def matching(self, target: str) -> list[str]:
        """The addresses that a target means. Raises UsageError when there is none."""
        if target in self.stages:
            return [target]
        name = target.removeprefix(ROOT_FILE + ":")
        if name in self.stages:
            return [name]
        of_file = [address for address, stage in self.stages.items() if stage.file == target]
        if of_file:
            return of_file
        known = list(self.stages)
        hint = nearest(target, known) or (f"There are: {', '.join(known[:20])}." if known else "")
        raise UsageError(f"There is no stage {target!r}.", hint)

    def _after_needs(self, address: str, done: Mapping[str, None]) -> Iterator[str]:
        """Depth first, what is needed before what needs it; without recursion, so that chains may be long."""
        entered = {address}
        path = [(address, iter(self.needs(address)))]
        while path:
            current, left = path[-1]
            needed = next((other for other in left if other not in done and other not in entered), None)
            if needed is not None:
                entered.add(needed)
                path.append((needed, iter(self.needs(needed))))
            else:
                path.pop()
                if current not in done:
                    yield current

    def _needed_by(self, stage: Stage) -> tuple[str, ...]:
        paths = [dep.path for dep in stage.deps] + [params.path for params in stage.params]
        return tuple(dict.fromkeys(writer for path in paths for writer in self.writers(path)))

    def writers(self, path: str) -> Iterator[str]:
        """The addresses of the stages that write a path, a folder above it, or something in it."""
        for candidate in (path, *_above(path)):
            if candidate in self._writers:
                yield self._writers[candidate][0].address
        at = bisect_left(self._sorted, path + "/")
        while at < len(self._sorted) and self._sorted[at].startswith(path + "/"):
            yield self._writers[self._sorted[at]][0].address
            at += 1

    def _check_overlaps(self) -> None:
        met: dict[str, tuple[Stage, Out]] = {}
        for stage in self.stages.values():
            for out in stage.outs:
                if out.path in met:
                    other = met[out.path][0].address
                    raise stage.source.bad(out.keys, f"{out.path!r} is also written by stage {other!r}")
                met[out.path] = (stage, out)
        for path, (stage, out) in met.items():
            for above in _above(path):
                if above in met:
                    other = met[above][0].address
                    raise stage.source.bad(out.keys, f"{path!r} lies inside {above!r}, which stage {other!r} writes")

    def _check_cycles(self) -> None:
        done: set[str] = set()
        for start in self.stages:
            path: list[tuple[str, Iterator[str]]] = [] if start in done else [(start, iter(self._needs[start]))]
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
                    path.append((needed, iter(self._needs[needed])))

    def _cycle(self, path: list[str], start: str) -> BadInput:
        circle = path[path.index(start) :]
        stage = self.stages[start]
        if len(circle) == 1:
            return stage.source.bad(stage.keys, f"stage {start!r} needs its own output")
        # Each stage needs the next one; from the first one backwards it is the order in which they would have to run.
        words = " -> ".join([start, *reversed(circle[1:]), start])
        return stage.source.bad(stage.keys, f"stages need each other in a circle: {words}", "Take one of the deps out.")


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, the nearest first."""
    cut = path.rfind("/")
    while cut > 0:
        path = path[:cut]
        yield path
        cut = path.rfind("/")
