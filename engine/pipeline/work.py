"""One stage at a time: judged, skipped, restored or run, and recorded.

Dependencies are hashed before a stage runs and once more after it: the lock entry says what the stage was given, and
what changed meanwhile is reported. An unchanged stage whose outputs are gone gets them back from the cache.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from assay.engine.errors import AssayError, StoreError
from assay.engine.events import StageFinished, StageSkipped, StageStarted, Warned
from assay.engine.params import keys
from assay.engine.pipeline import outputs, runcache
from assay.engine.pipeline.changes import Inputs, Reason, input_reasons, out_reasons, same, same_url
from assay.engine.pipeline.choice import PLAIN, Manner
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.observe import Observer, refuse_unfit, refuse_unseen
from assay.engine.pipeline.runcache import RunCache
from assay.engine.pipeline.runner import StageLog, environment, run_stage
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.urls import Unknown, shown, told, without_login

if TYPE_CHECKING:
    from assay.engine.model import Artifact
    from assay.engine.ports import UrlState
    from assay.engine.project import Project


class Work:
    """One command's way through the stages, and what it has done so far.

    Args:
        project: Where.
        graph: Who needs whom.
        manner: How stages are brought up to date.
        extra: Variables for the commands, beside those that the project's world has.
        edited: Files by project path that are seen with this content instead of the one they have.

    Attributes:
        observer: Looks at the workspace.
        locks: The lock files.
        ran: Addresses of the stages that ran, in order; in a dry run, those that would.
        skipped: Addresses of those that did not, in order.
        restored: Those of them that got their outputs back from the cache or the run cache.
        ignores: .gitignore files that were changed.
        changed: Project paths that changed while a stage that reads them ran.
    """

    def __init__(
        self,
        project: Project,
        graph: Graph,
        manner: Manner = PLAIN,
        *,
        extra: Mapping[str, str] | None = None,
        edited: Mapping[str, bytes] | None = None,
    ) -> None:
        self.observer = Observer(project, edited)
        self.locks = Locks(project)
        self.ran: list[str] = []
        self.skipped: list[str] = []
        self.restored: list[str] = []
        self.ignores: dict[str, None] = {}
        self.changed: dict[str, None] = {}
        self._project = project
        self._graph = graph
        self._manner = manner
        self._extra = extra or {}
        self._run_cache = RunCache(project.cache_folder, project.report, shared=project.cache.shared)

    def reasons(self, stage: Stage) -> tuple[list[Reason], Inputs]:
        """Why a stage is not up to date, and what it reads; outputs are looked at only when that can matter."""
        entry = self.locks.entry(stage)
        inputs = Inputs() if stage.frozen else self.observer.inputs(stage, entry)
        found = input_reasons(stage, entry, inputs)
        if entry is not None:
            found += out_reasons(stage, entry, self.observer.states(stage, entry))
        elif stage.frozen:
            found.append(Reason("stage", "", "it has not run yet", "new"))
        if self._manner.allow_missing:
            found = [reason for reason in found if not self._is_only_missing(stage, reason)]
        return found, inputs

    def _is_only_missing(self, stage: Stage, reason: Reason) -> bool:
        """Whether a reason speaks of data that is not there, and of nothing that is known to have changed."""
        if reason.kind != "missing" or reason.about not in ("dep", "out"):
            return False
        if reason.about == "out":
            return True
        entry = self.locks.entry(stage)
        spelled = next(dep.spelled for dep in stage.deps if without_login(dep.path) == reason.name)
        locked = entry.deps.get(spelled) if entry is not None else None
        recorded = self._recorded_at(reason.name)
        return recorded is None or same_content(locked, recorded)

    def _recorded_at(self, path: str) -> Artifact | None:
        """What the stage or the ``.dvc`` file that writes exactly this path says it is."""
        for node in self._graph.writers(path):
            stage, file = self._graph.stages.get(node), self._graph.data.get(node)
            entry = self.locks.entry(stage) if stage is not None else None
            if stage is not None and entry is not None:
                found = next((outputs.recorded(entry, out) for out in stage.outs if out.path == path), None)
            else:
                found = next((out.artifact for out in file.outs if out.path == path), None) if file else None
            if found is not None:
                return found
        return None

    def check(self, order: Collection[Stage]) -> None:
        """Before the first command starts: lock files are good, and what no earlier stage writes is there.

        Where a failure does not end everything, what is missing is left to the stage that reads it.
        """
        coming = {stage.address for stage in order}
        outputs.link_kinds(self._project)
        for stage in order:
            self.locks.entry(stage)
            refuse_unfit(stage)
            refuse_unseen(stage)
            if stage.frozen or self._manner.goes_on:
                continue
            if self._manner.allow_missing and not self.reasons(stage)[0]:
                continue
            self._check_deps(stage, lambda path: not coming.isdisjoint(self._graph.writers(path)))

    def _check_deps(self, stage: Stage, is_coming: Callable[[str], bool]) -> None:
        self._check_urls(stage, is_coming)
        for dep in stage.deps:
            if dep.can_be_seen and not is_coming(dep.path) and not self.observer.exists(dep.path):
                raise stage.source.bad(
                    dep.keys, f"{dep.spelled!r} is not there, and the stage reads it", self._how_to_get(dep.path)
                )
        for params in stage.params:
            if is_coming(params.path):
                continue
            values = self.observer.values(params)
            if values is None:
                raise stage.source.bad(params.keys, f"{params.spelled!r} is not there, and the stage reads it")
            for name in params.names:
                if name not in values:
                    near = keys.nearest(name, self.observer.names(params.path))
                    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
                    raise stage.source.bad(params.keys, f"{params.spelled!r} has no parameter {name!r}", hint)

    def _check_urls(self, stage: Stage, is_coming: Callable[[str], bool]) -> None:
        for dep in stage.deps:
            if dep.place != "url" or is_coming(dep.path):
                continue
            state = self.observer.urls.at(dep.path)
            if isinstance(state, Unknown):
                raise told(stage, "reads", dep.path, state)
            if state is None:
                raise stage.source.bad(dep.keys, f"{shown(dep.path)!r} is not there, and the stage reads it")
        self._url_outs(stage)

    def _url_outs(self, stage: Stage) -> dict[str, UrlState | None]:
        """What is at the URLs that a stage writes, by spelling; raises when that cannot be told."""
        found: dict[str, UrlState | None] = {}
        for out in stage.urls:
            state = self.observer.urls.at(out.path)
            if isinstance(state, Unknown):
                raise told(stage, "writes", out.path, state)
            found[out.spelled] = state
        return found

    def _how_to_get(self, path: str) -> str:
        file = next((node for node in self._graph.writers(path) if node in self._graph.data), None)
        if file is not None:
            return f"`assay checkout {file}` takes it from the cache, `assay pull` from where somebody pushed it."
        return "Put it there; `assay pull` brings data that somebody pushed."

    def foresee(self, stage: Stage, *, forced: bool) -> None:
        """Tells what a stage would do: it runs when it has changed, or needs something that would run."""
        upstream = not set(self.ran).isdisjoint(self._graph.needs(stage.address))
        if stage.frozen or stage.does_nothing or not (forced or upstream or self.reasons(stage)[0]):
            self._skip(stage, "frozen" if stage.frozen else "unchanged")
            return
        self.ran.append(stage.address)
        self._project.report(StageStarted(stage.address, "\n".join(stage.commands)))

    def bring_up_to_date(self, stage: Stage, log: StageLog, *, forced: bool) -> bool:
        """Skips, restores or runs one stage; says whether it was found changed."""
        reasons, inputs = self.reasons(stage)
        if stage.does_nothing or not (forced or reasons or stage.frozen):
            self._skip(stage, "unchanged")
            return False
        read = [*(dep.path for dep in stage.deps if dep.can_be_seen), *(params.path for params in stage.params)]
        with self._project.shared_locks.using(read=read, write=[out.path for out in stage.outs]):
            return self._settle(stage, reasons, inputs, log, forced=forced)

    def _settle(self, stage: Stage, reasons: list[Reason], inputs: Inputs, log: StageLog, *, forced: bool) -> bool:
        """Does what a stage needs; says whether it was run, or restored from another run."""
        if stage.frozen:
            self._settle_frozen(stage, reasons)
        elif not forced and all(reason.about == "out" for reason in reasons) and self._restore(stage):
            self._skip(stage, "restored from the cache")
            self.restored.append(stage.address)
        else:
            self._run(stage, inputs, log, forced=forced)
            return True
        return False

    def _settle_frozen(self, stage: Stage, reasons: list[Reason]) -> None:
        """A frozen stage never runs; its outputs have to be there all the same."""
        missing = [out for out in stage.files if not self.observer.exists(out.path)]
        if missing and not self._manner.allow_missing and not (reasons and self._restore(stage)):
            problem = f"{missing[0].spelled!r} is not there, and the stage that writes it is frozen"
            raise stage.source.bad(missing[0].keys, problem, "Unfreeze the stage, or bring the output back.")
        if stage.files and not missing and reasons and not self._manner.no_commit:
            self._record_frozen(stage)
        self._skip(stage, "frozen")

    def _record_frozen(self, stage: Stage) -> None:
        """Records outputs that somebody changed by hand; what the stage was given when it ran stays as it was."""
        entry = self.locks.entry(stage)
        inputs = self.observer.inputs(stage, entry)
        if entry is None and not self.is_complete(stage, inputs):
            return
        found = outputs.record(self._project, self.observer, [(stage, entry)])
        new = entry_of(stage, inputs, found, {})
        self._record(stage, new if entry is None else entry._replace(outs=new.outs))

    def _restore(self, stage: Stage) -> bool:
        entry = self.locks.entry(stage)
        if entry is None:
            return False
        for spelled, state in {} if stage.frozen else self._url_outs(stage).items():
            if not same_url(entry.urls.get(spelled), state):
                return False
        pairs = [(out, outputs.recorded(entry, out)) for out in stage.files]
        if all(same_content(self.observer.artifact(out.path, known=old), old) for out, old in pairs):
            outputs.record(self._project, self.observer, [(stage, entry)])  # only the cache had lost something
            return True
        return self._given_back(stage, entry)

    def _given_back(self, stage: Stage, entry: LockEntry) -> bool:
        """Brings outputs back from the cache; what is damaged there is said, and the stage has to run."""
        try:
            return outputs.restore(self._project, self.observer, stage, entry, self._manner.replacing)
        except StoreError as error:
            self._project.report(Warned(f"Stage {stage.address} cannot have its outputs back: {error.message}"))
            return False

    def _skip(self, stage: Stage, why: str) -> None:
        self.skipped.append(stage.address)
        self._project.report(StageSkipped(stage.address, why))

    def _run(self, stage: Stage, inputs: Inputs, log: StageLog, *, forced: bool) -> None:
        self._check_deps(stage, lambda _path: False)
        ask = self._manner.ask
        if ask is not None and not ask(f"Run stage {stage.address!r}?"):
            raise AssayError(f"Stopped before stage {stage.address!r}, as you said.", "What ran before it is recorded.")
        project, entry = self._project, self.locks.entry(stage)
        if not forced and not self._manner.no_run_cache and self._restore_run(stage, inputs):
            return
        outputs.clear(project, self.observer, stage, entry, self._manner.replacing)
        project.report(StageStarted(stage.address, "\n".join(stage.commands)))
        world, began = project.world, time.monotonic()
        variables = environment(world.environment, stage.address, project.root, world.interpreter_bin, self._extra)
        with project.shared_locks.released():
            run_stage(stage, project.root, variables, log)
        self.locks.look_again()
        self.observer.urls.forget()
        seconds = time.monotonic() - began
        is_clean = self._note_changes(stage, inputs)
        new = self._written(stage, inputs, entry, keep_run=is_clean)
        self._record(stage, new)
        if not self._manner.no_commit:
            cached = [(out, outputs.recorded(new, out)) for out in stage.outs if out.cache]
            outputs.link(project, {out.path: artifact for out, artifact in cached if artifact is not None})
        self.ran.append(stage.address)
        project.report(StageFinished(stage.address, seconds))

    def _written(self, stage: Stage, inputs: Inputs, entry: LockEntry | None, *, keep_run: bool) -> LockEntry:
        """What a stage has just written, put into the cache, and with it the run; the new lock entry."""
        keep_run = keep_run and runcache.can_be_kept(stage) and not self._manner.no_commit
        if any(out.cache and posixpath.basename(out.path) == ".gitignore" for out in stage.outs):
            self._ignore(stage)  # before it is hashed, since it gets a line of its own
        if self._manner.no_commit:
            found = outputs.seen(self.observer, stage.files, entry)
        else:
            also = runcache.kept_for_it(stage) if keep_run else ()
            found = outputs.record(self._project, self.observer, [(stage, entry)], also)
        urls = self._url_outs(stage)
        for out in stage.written:
            if out.path not in found and urls.get(out.spelled) is None:
                problem = f"the command ended well but did not write {shown(out.spelled)!r}"
                raise stage.source.bad(out.keys, problem, "Write it, or take it out of the stage.")
        new = entry_of(stage, inputs, found, urls)
        if keep_run:
            self._run_cache.keep(new, self.locks.data(stage))
        return new

    def _restore_run(self, stage: Stage, inputs: Inputs) -> bool:
        """Gives a stage the outputs that it had when it was given the same inputs, if they are all in the cache."""
        if not runcache.can_be_kept(stage):
            return False
        nothing: dict[str, Artifact | None] = {out.spelled: None for out in stage.written}
        given = LockEntry(stage.cmd, inputs.deps, inputs.params, nothing, again=stage.named_again)
        for known in self._run_cache.find(given):
            if self._manner.fetch is not None:
                self._manner.fetch([artifact for artifact in known.outs.values() if artifact is not None])
            if all(artifact is not None and self.observer.has(artifact) for artifact in known.outs.values()):
                if not self._given_back(stage, known):
                    continue
                self._record(stage, given._replace(outs=known.outs))
                self._skip(stage, "restored from the run cache")
                self.restored.append(stage.address)
                return True
        return False

    def _record(self, stage: Stage, entry: LockEntry) -> None:
        """Writes a lock entry, and keeps the stage's cached outputs out of Git."""
        self._ignore(stage)
        self.locks.put({stage.lock_path: {stage.name: entry}})

    def _ignore(self, stage: Stage) -> None:
        hidden = self._project.kept_from_git(out.path for out in stage.outs if out.cache)
        self.ignores.update(dict.fromkeys(ignore(self._project.root, hidden)))

    def _note_changes(self, stage: Stage, before: Inputs) -> bool:
        """Remembers what a stage reads and what is not as it was when it started; says whether there is nothing."""
        clean = True
        after = self.observer.inputs(stage, self.locks.entry(stage))
        for dep in stage.deps:
            if not same_content(before.deps.get(dep.spelled), after.deps.get(dep.spelled)):
                self.changed[dep.path], clean = None, False
        for spelled, state in before.urls.items():
            if not same_url(state, after.urls.get(spelled)):
                self._project.report(Warned(f"{shown(spelled)} changed while stage {stage.address} ran."))
        for params in stage.params:
            if not same(before.params.get(params.spelled), after.params.get(params.spelled)):
                self.changed[params.path], clean = None, False
        return clean

    def is_complete(self, stage: Stage, inputs: Inputs) -> bool:
        """Whether everything that a stage reads and writes is there, and it can be recorded."""
        if stage.no_command or any(out.cache for out in stage.outside):
            return False
        if None in inputs.deps.values() or None in inputs.urls.values() or inputs.absent or inputs.unknown:
            return False
        if any(name not in inputs.params[params.spelled] for params in stage.params for name in params.names):
            return False
        is_known = [self.observer.urls.at(out.path) for out in stage.urls]
        if any(state is None or isinstance(state, Unknown) for state in is_known):
            return False
        return all(self.observer.exists(out.path) for out in stage.files)

    def keep_run(self, stage: Stage, new: LockEntry) -> None:
        """Keeps what a stage is said to have made of its inputs for when it is given them again, if that can be."""
        if runcache.can_be_kept(stage):
            also = runcache.kept_for_it(stage)
            if also:
                outputs.record(self._project, self.observer, [(stage, new)], also)
            self._run_cache.keep(new, self.locks.data(stage))

    def entry_as_is(self, stage: Stage, inputs: Inputs, outs: Mapping[str, Artifact]) -> LockEntry:
        """The lock entry of a stage that is complete, without running it; ``outs`` are its files by path."""
        return entry_of(stage, inputs, outs, {} if stage.frozen else self._url_outs(stage))


def same_content(one: Artifact | None, other: Artifact | None) -> bool:
    """Whether two artifacts are the same bytes; nothing is only like nothing."""
    if one is None or other is None:
        return one is other
    return one.digest == other.digest


def entry_of(
    stage: Stage, inputs: Inputs, outs: Mapping[str, Artifact], urls: Mapping[str, UrlState | None]
) -> LockEntry:
    """The lock entry of a stage that was given these inputs and wrote these files, by path, and URLs, by spelling."""
    said = {**inputs.urls, **urls}
    return LockEntry(
        stage.cmd,
        {**inputs.deps, **dict.fromkeys(inputs.urls)},
        dict(inputs.params),
        {out.spelled: outs.get(out.path) for out in stage.written},
        {dep.spelled: dep.dataset for dep in stage.deps if dep.dataset is not None},
        stage.named_again,
        {spelled: state for spelled, state in said.items() if state is not None},
    )
