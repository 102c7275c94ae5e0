"""What ``dvc exp show`` shows: the workspace and baselines, each experiment with its state, in DVC's order.

What commits say is text out of the record index, see `dvcdata`; what DVC's queue and ours have is added from
`dvctasks`. An experiment whose history has several commits since its baseline shows all of them, as in DVC.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.experiments.dvcdata import FORM, STAGES_FORM, State, body_of, encode, workspace_state
from assay.engine.experiments.dvcqueue import Process, Task
from assay.engine.experiments.dvcscope import Commits, baselines, described
from assay.engine.experiments.dvctasks import all_tasks
from assay.engine.experiments.index import Header
from assay.engine.experiments.records import Records
from assay.engine.model import ExpRef, Oid
from assay.engine.project import Project, open_project

_PARENT = 40
"""Characters of a record that say which is the first parent; the rest is what `dvcdata.body_of` gives."""

_FAILED = '"msg": "Experiment run failed", "type": ""'


class Rev(NamedTuple):
    """One commit, or the workspace.

    Attributes:
        rev: The commit's id in hexadecimal, or "workspace".
        name: A branch, a tag, an experiment's name; None for none.
        time: The commit's, in seconds since 1970; None for the workspace and for what cannot be read.
        body: The members of DVC's ``data`` from params on, as JSON; empty where there are none.
        error: The members of DVC's ``error``, likewise.
    """

    rev: str
    name: str | None
    time: int | None
    body: str
    error: str = ""


class Executor(NamedTuple):
    """Where an experiment runs or ran, as far as a queue still knows; ``task`` is the id of the queued commit."""

    state: str
    name: str | None
    process: Process | None = None
    root: str | None = None
    task: str | None = None


class Range(NamedTuple):
    """An experiment: its commits, the last one first."""

    revs: Sequence[Rev]
    executor: Executor | None
    name: str | None


class Base(NamedTuple):
    """The workspace or a baseline, and its experiments."""

    rev: Rev
    experiments: Sequence[Range] = ()


class Hidden(NamedTuple):
    """What is left out."""

    workspace: bool = False
    queued: bool = False
    failed: bool = False


def exp_show(
    project: Project,
    wanted: Commits | None = None,
    hidden: Hidden | None = None,
    *,
    ids_only: bool = False,
    stages_only: bool = False,
) -> list[Base]:
    """The workspace, then baselines, each with its experiments: running, successful, queued, failed, newest first.

    Args:
        project: The project.
        wanted: Which baselines; HEAD when it is None.
        hidden: What to leave out.
        ids_only: Whether baselines go without the names of branches and tags.
        stages_only: Of parameters of experiments and of the workspace, only those that stages read.

    Raises:
        UnknownRevision: A revision names no commit.
    """
    if project.repo.head() is None:
        return []
    hidden = hidden or Hidden()
    commits = baselines(project, wanted or Commits())
    names: Mapping[Oid, str] = {} if ids_only else described(project, commits)
    found = [] if hidden.workspace else [Base(_workspace(project, None, stages_only=stages_only))]
    queue = _by_baseline(project)
    experiments = {commit: _refs_of(project, commit) for commit in commits}
    tips = [tip for group in experiments.values() for _, tip in group]
    left = [task for group in queue.values() for task in group if task.state in ("queued", "failed")]
    waiting = [task.commit for task in left if task.commit]
    with Records(project, STAGES_FORM if stages_only else FORM) as records:
        revs = _Revs(records, [*tips, *waiting, *(() if stages_only else commits)])
        heads = _Revs(Records(project, FORM), commits) if stages_only else revs  # DVC does not narrow baselines
        for commit in commits:
            rows = _Rows(project, commit, revs, queue.get(commit, ()))
            ranges = [
                *_newest_first(rows.running(stages_only=stages_only)),
                *_newest_first(rows.successful(experiments[commit])),
                *(() if hidden.queued else _newest_first(rows.queued())),
                *(() if hidden.failed else _newest_first(rows.failed())),
            ]
            found.append(Base(heads.rev(commit, names.get(commit)) or _unreadable(commit, names.get(commit)), ranges))
        if stages_only:
            heads.records.close()
    return found


def _refs_of(project: Project, baseline: Oid) -> list[tuple[str, Oid]]:
    """The experiments of a baseline, or the one without a name."""
    prefix = ExpRef(baseline, "").refname
    found = [(ref[len(prefix) :], commit) for ref, commit in project.repo.refs.iterate(prefix)]
    named = [(name, commit) for name, commit in found if "/" not in name]
    alone = None if found else project.repo.refs.read(prefix[:-1])
    return named if alone is None else [("", alone)]


def _by_baseline(project: Project) -> dict[Oid, list[Task]]:
    found: dict[Oid, list[Task]] = {}
    for task in all_tasks(project):
        found.setdefault(task.baseline, []).append(task)
    return found


class _Revs:
    """Commits as rows, out of the index; those that are asked for at first are read together."""

    def __init__(self, records: Records, commits: Sequence[Oid]) -> None:
        self.records = records
        self._headers: dict[Oid, Header] = {}
        self._bodies: dict[int, str] = {}
        self._load(commits)

    def _load(self, commits: Sequence[Oid]) -> None:
        wanted = dict.fromkeys(commits)
        headers = self.records.headers(wanted)
        self._headers.update(headers)
        self._bodies.update(self.records.bodies([headers[commit][1] for commit in wanted]))

    def _text(self, commit: Oid) -> tuple[int, str]:
        """A commit's time, and its record; an empty one when it cannot be read."""
        if commit not in self._headers:
            self._load([commit])
        _, number, at = self._headers[commit]
        return at, self._bodies[number]

    def rev(self, commit: Oid, name: str | None) -> Rev | None:
        """A commit as a row; None for one that cannot be read."""
        at, text = self._text(commit)
        return _rev(commit.hex(), name, at, text) if text else None

    def chain(self, tip: Oid, end: str, name: str) -> Sequence[Rev]:
        """A commit and its first parents until one whose parent is the end; the last one alone has the name."""
        at, text = self._text(tip)
        if text.startswith(end):  # nearly all have one commit
            return (_rev(tip.hex(), name, at, text),)
        if not text:
            return ()
        found = [_rev(tip.hex(), name, at, text)]
        while text[:_PARENT] != end and text[:_PARENT].strip("0"):
            rev = text[:_PARENT]
            at, text = self._text(Oid(bytes.fromhex(rev)))
            if not text:
                break
            found.append(_rev(rev, None, at, text))
        return found


class _Rows:
    """The experiments of one baseline."""

    def __init__(self, project: Project, baseline: Oid, revs: _Revs, queue: Sequence[Task]) -> None:
        self._project = project
        self._baseline = baseline
        self._revs = revs
        self._queue = queue

    def _tasks(self, state: str) -> Iterator[Task]:
        return (task for task in self._queue if task.state == state)

    def running(self, *, stages_only: bool) -> Iterator[Range]:
        """What runs, as its own workspace is at this moment."""
        for task in self._tasks("running"):
            rev = _workspace(self._project, task, stages_only=stages_only)
            task_id = task.commit.hex() if task.commit and task.place == "dvc-task" else None
            executor = Executor("running", task.place, task.process, task.root, task_id)
            yield Range([rev], executor, task.name or None)

    def successful(self, refs: Iterable[tuple[str, Oid]]) -> Iterator[Range]:
        """The experiments that are commits."""
        done = {task.result: task for task in self._tasks("success")}
        baseline, chain_of = self._baseline.hex(), self._revs.chain
        for name, tip in refs:
            chain = chain_of(tip, baseline, name)
            if chain:
                task = done.get(ExpRef(self._baseline, name).refname) if done else None
                yield Range(chain, _ended("success", "dvc-task", task) if task else None, name)

    def queued(self) -> Iterator[Range]:
        """What waits; it has measured nothing yet, whatever files its commit has from the baseline."""
        for found in self._of_queue("queued", lambda task: Executor("queued", "dvc-task", None, None, _task_id(task))):
            yield found._replace(revs=[rev._replace(body=_unmeasured(rev.body)) for rev in found.revs])

    def failed(self) -> Iterator[Range]:
        """What failed, with what its queued commit says."""
        for found in self._of_queue("failed", lambda task: _ended("failed", None, task)):
            yield found._replace(revs=[rev._replace(error=_FAILED) for rev in found.revs])

    def _of_queue(self, state: str, executor: Callable[[Task], Executor]) -> Iterator[Range]:
        for task in self._tasks(state):
            rev = self._revs.rev(task.commit, task.name or None) if task.commit else None
            if rev is None and task.commit:
                rev = _unreadable(task.commit, task.name or None)
            if rev is not None:
                yield Range([rev], executor(task), task.name or None)


def _unmeasured(body: str) -> str:
    return encode({**json.loads(f"{{{body}}}"), "metrics": {}})[1:-1] if body else ""


def _ended(state: str, name: str | None, task: Task) -> Executor:
    return Executor(state, name, task.process, None, _task_id(task))


def _task_id(task: Task) -> str | None:
    return task.commit.hex() if task.commit else None


def _rev(rev: str, name: str | None, at: int, text: str) -> Rev:
    if text.startswith('"params"', _PARENT):
        return Rev(rev, name, at, text[_PARENT:])
    return Rev(rev, name, None, "", text[_PARENT:])


def _unreadable(commit: Oid, name: str | None) -> Rev:
    text = f'"msg": "{commit.hex()} cannot be read", "type": "SCMError"'
    return Rev(commit.hex(), name, None, "", text)


def _workspace(project: Project, task: Task | None, *, stages_only: bool) -> Rev:
    """The workspace, or that of a running task."""
    if task is None or task.commit is None:
        state = workspace_state(project, stages_only=stages_only)
        return _of_state("workspace", task.name or None if task else None, state)
    return _of_state(task.commit.hex(), task.name or None, _state_elsewhere(project, task, stages_only=stages_only))


def _state_elsewhere(project: Project, task: Task, *, stages_only: bool) -> State:
    if task.root is None:
        return State(None, {"msg": "The run has not begun yet.", "type": ""})
    folder = posixpath.dirname(posixpath.normpath(posixpath.join(task.root, task.folder)))
    try:
        other = open_project(folder, project.world)
        try:
            return workspace_state(other, stages_only=stages_only)
        finally:
            other.close()
    except (AssayError, OSError) as error:  # it may end at this moment
        return State(None, {"msg": str(error), "type": type(error).__name__})


def _of_state(rev: str, name: str | None, state: State) -> Rev:
    body = body_of(state)
    return Rev(rev, name, None, body) if state.data is not None else Rev(rev, name, None, "", body)


def _newest_first(ranges: Iterable[Range]) -> list[Range]:
    """By the first commit's time and id; those without a time last."""

    def key(found: Range) -> tuple[int, str]:
        first = found.revs[0]
        return (first.time, first.rev) if first.time is not None else (0, "")

    return sorted(ranges, key=key, reverse=True)
