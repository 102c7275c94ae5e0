"""A project's experiments and the verbs about them: what programs, notebooks and the command line share.

Verbs raise the kinds of `assay.engine.errors` and print nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.api.records import WORKSPACE, Experiments, Record
from assay.engine.errors import UnknownRevision, UsageError

if TYPE_CHECKING:
    from types import TracebackType

    from assay.api.comparison import Diff
    from assay.engine.experiments.apply import Applied
    from assay.engine.experiments.chosen import Which
    from assay.engine.experiments.prepare import RunSpec
    from assay.engine.experiments.publish import Made
    from assay.engine.experiments.run import Ran
    from assay.engine.model import Oid, Override
    from assay.engine.project import Project
    from assay.engine.queue.jobs import Job
    from assay.remotes.pull import Pulled
    from assay.remotes.push import Pushed


class Lab:
    """The experiments of a project.

    Iterating gives those of the current commit, newest first, as `assay show` does; ``lab["name"]`` gives any one by
    its name or by any other revision, ``"name" in lab`` says whether there is one.

    Args:
        project: The opened project; it is closed with this.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        """The project as the engine has it."""

    @property
    def root(self) -> str:
        """Absolute path of the project's folder."""
        return self.project.root

    def show(
        self,
        where: str = "",
        *,
        sort_by: str = "",
        descending: bool | None = None,
        top: int | None = None,
        rev: str | Sequence[str] = (),
        num: int = 1,
        all: bool = False,  # noqa: A002 - the word of the command line
        branches: bool = False,
        tags: bool = False,
        workspace: bool = True,
        hidden: Sequence[str] = (),
    ) -> Experiments:
        """Experiments side by side.

        Args:
            where: Only those for which this is true: ``"acc > 0.9 and train.lr < 0.01"``.
            sort_by: The metric, parameter or field to sort by; the time when it is empty.
            descending: Largest first; None for what fits: True for times and with ``top``.
            top: Only the first so many.
            rev: Revisions whose experiments are meant; the current commit when there are none.
            num: So many commits back from each of them.
            all: Every experiment of the repository.
            branches: Those of every branch's tip too.
            tags: Those of every tag too.
            workspace: Whether the table has a row for the workspace.
            hidden: States whose experiments are left out: "queued", "running", "failed".

        Raises:
            UnknownRevision: A revision names no commit.
            UsageError: The query is none, or names something that is not there.
        """
        from assay.engine.experiments.listing import Scope
        from assay.engine.experiments.select import Selection
        from assay.engine.experiments.show import show

        if top is not None and top < 1:
            raise UsageError("top takes a number from 1 upwards.")
        revisions = (rev,) if isinstance(rev, str) else tuple(rev)
        scope = Scope(revisions, num, all, branches, tags)
        selection = Selection(where, sort_by, descending, top)
        return Experiments(show(self.project, scope, selection, workspace=workspace, hidden=hidden))

    def where(self, query: str) -> Experiments:
        """The experiments of the current commit for which a query is true. Raises UsageError."""
        return self.show(query, workspace=False)

    @property
    def workspace(self) -> Record:
        """The workspace as it is now."""
        from assay.engine.experiments.index import body_of
        from assay.engine.experiments.record import read_workspace

        return Record(WORKSPACE, WORKSPACE, None, self._head(), body_of(read_workspace(self.project)))

    def __iter__(self) -> Iterator[Record]:
        return (record for record in self.show(workspace=False) if record.state == "success")

    def __len__(self) -> int:
        from assay.engine.experiments.listing import listing

        return sum(len(baseline.experiments) for baseline in listing(self.project))

    def __getitem__(self, name: str) -> Record:
        """An experiment, or any other commit.

        Raises:
            UnknownRevision: There is none of that name, or several.
        """
        from assay.engine.git.revisions import resolve
        from assay.engine.notes.ledger import all_shown

        if name == WORKSPACE:
            return self.workspace
        commit = resolve(self.project.repo, name)
        parents = self.project.repo.objects.read_commit(commit).parents
        called = self._names(commit, parents[0]) if len(parents) == 1 else []
        named = name if name in called else next(iter(called), None)
        said = all_shown(self.project).get(commit)
        state = "success" if named else "baseline"
        return Record(
            named or name,
            state,
            commit.hex(),
            parents[0].hex() if named else None,
            lambda: self._body(commit),
            tags=said.tags if said else (),
            note=said.note if said else None,
        )

    def __contains__(self, name: object) -> bool:
        if isinstance(name, Record):
            name = name.commit or WORKSPACE
        try:
            return isinstance(name, str) and bool(self[name])
        except UnknownRevision:
            return False

    def run(
        self,
        targets: str | Sequence[str] = (),
        *,
        params: Mapping[str, Any] | None = None,
        name: str | None = None,
        message: str | None = None,
        force: bool = False,
        no_hydra: bool = False,
    ) -> Record:
        """Runs what changed, and makes an experiment of it.

        Args:
            targets: Stages to run, with what they need; all when there are none.
            params: Changed parameters by dotted key, ``{"train.lr": 0.1}``; "+" before a key makes a new one, a file
                and a colon name the file.
            name: The experiment's name; made up when it is None.
            message: The commit's message; the parameters that differ when it is None.
            force: Run unchanged stages too, and replace an experiment of that name.
            no_hydra: Take params.yaml as it is, though ``hydra.enabled`` has it composed.

        Raises:
            StageFailed: A command failed; no experiment was made.
            NameTaken: There is an experiment of that name.
            UsageError: A parameter or a stage is not there.
            Refused: There is no commit to start from.
        """
        from assay.engine.experiments.prepare import RunSpec
        from assay.engine.pipeline.choice import Choice, Manner

        chosen = (targets,) if isinstance(targets, str) else tuple(targets)
        changed = overrides(params or {})
        spec = RunSpec(Choice(chosen), Manner(force=force), changed, name, message, as_written=no_hydra)
        made = self.execute(spec).made
        if made is None:  # only a dry run, and one that ignores failures, makes none
            raise UsageError("This run made no experiment.")
        return self.record_of(made)

    def execute(self, spec: RunSpec) -> Ran:
        """Runs what a specification says; `run` is this with what is mostly wanted."""
        from assay.engine.experiments.run import run

        return run(self.project, spec)

    def execute_isolated(self, spec: RunSpec, copies: Sequence[str] = ()) -> Ran:
        """As `execute`, but in a folder of its own: the workspace is free meanwhile, and stays as it is.

        Args:
            spec: What to run.
            copies: Project paths of ignored or unknown files and folders to copy there.
        """
        from assay.engine.workers.temp import run_isolated

        return run_isolated(self.project, spec, copies=tuple(copies))

    def queue(
        self,
        targets: str | Sequence[str] = (),
        *,
        params: Mapping[str, Any] | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        name: str | None = None,
        message: str | None = None,
        force: bool = False,
        copies: Sequence[str] = (),
        no_hydra: bool = False,
    ) -> list[str]:
        """Queues experiments, which start from the workspace as it is now; `assay queue start` carries them out.

        Args:
            targets: As for `run`, like ``params`` and ``message``.
            params: Changed parameters that all of them have.
            grid: Parameters with their values, ``{"train.lr": [0.1, 0.2]}``: an experiment for each combination, the
                first parameter changing slowest.
            name: The experiment's name; several are called ``name-1``, ``name-2``, ...
            message: The commits' message.
            force: Replace experiments of these names, too.
            copies: As for `enqueue`.
            no_hydra: As for `run`.

        Returns:
            The names that the experiments will have.

        Raises:
            NameTaken: A name is in use, or waits to be.
            UsageError: A parameter or a stage is not there, or has no value.
            Refused: There is no commit to start from, or what a stage reads would not be there.
        """
        from assay.engine.experiments.prepare import RunSpec
        from assay.engine.pipeline.choice import Choice, Manner

        chosen = (targets,) if isinstance(targets, str) else tuple(targets)
        changed = (*overrides(params or {}), *_several(grid or {}))
        spec = RunSpec(Choice(chosen), Manner(force=force), changed, name, message, as_written=no_hydra)
        return [job.name for job in self.enqueue(spec, copies)]

    def enqueue(self, spec: RunSpec, copies: Sequence[str] = ()) -> list[Job]:
        """Queues what a specification says; its overrides may ask for several values.

        Args:
            spec: What to run.
            copies: Project paths of ignored or unknown files and folders that each run gets copied when it begins.
        """
        from assay.engine.workers.enqueue import enqueue

        return enqueue(self.project, spec, copies=tuple(copies))

    def resume(self, name: str) -> Ran:
        """Goes on with an isolated run that was killed, in the folder that it left.

        Args:
            name: The name of its experiment, or the beginning of its number.

        Raises:
            UnknownRevision: There is no such run.
            Refused: It left no folder, or somebody carries it out.
        """
        from assay.engine.workers.temp import resume

        return resume(self.project, name)

    def save(
        self,
        *,
        name: str | None = None,
        message: str | None = None,
        include: Sequence[str] = (),
        force: bool = False,
    ) -> Record:
        """Makes an experiment of the workspace as it is, without running anything.

        Args:
            name: The experiment's name; made up when it is None.
            message: The commit's message; the parameters that differ when it is None.
            include: Project paths to take although Git ignores them.
            force: Replace an experiment of that name.

        Raises:
            NameTaken: There is an experiment of that name.
            UsageError: A path is not there.
            Refused: There is no commit to start from.
        """
        from assay.engine.experiments.save import save

        return self.record_of(save(self.project, name=name, message=message, include=include, force=force))

    def record_of(self, made: Made) -> Record:
        """A new experiment as a record."""
        return Record(
            made.ref.name,
            "success",
            made.commit.hex(),
            made.ref.baseline.hex(),
            lambda: self._body(made.commit),
            message=made.message,
        )

    def diff(
        self,
        old: str | Record = "HEAD",
        new: str | Record = WORKSPACE,
        *,
        only: Collection[str] | None = None,
        unchanged: bool = False,
        stages_only: bool = False,
    ) -> Diff:
        """What differs between two experiments, any revisions, or the workspace.

        Args:
            old: The first side.
            new: The second side.
            only: Some of "metrics", "params", "data", "code", "packages"; all when it is None.
            unchanged: Also metrics and parameters that are the same.
            stages_only: Of parameters, only those that stages read.

        Raises:
            UnknownRevision: A revision names no commit.
            UsageError: There is no such section.
        """
        from assay.api.comparison import Diff
        from assay.engine.experiments.diff import SECTIONS, diff

        unknown = sorted({*(only or ())} - {*SECTIONS})
        if unknown:
            raise UsageError(f"A diff has no section {unknown[0]!r}.", f"It has {', '.join(SECTIONS)}.")
        found = diff(
            self.project,
            _revision(old),
            _revision(new),
            names=(_name(old), _name(new)),
            sections=SECTIONS if only is None else only,
            unchanged=unchanged,
            stages_only=stages_only,
        )
        return Diff(found)

    def apply(self, experiment: str | Record) -> Applied:
        """Makes the workspace what an experiment was; `undo` gives back what was there.

        Raises:
            UnknownRevision: There is none of that name.
            MissingArtifact: An output is not in the cache; nothing was changed.
        """
        from assay.engine.experiments.apply import apply

        return apply(self.project, _revision(experiment))

    def rename(self, experiment: str | Record, new: str, *, force: bool = False) -> Record:
        """Gives an experiment another name; `undo` takes it back.

        Raises:
            UnknownRevision: There is none of that name.
            UsageError: It cannot have the new name.
            NameTaken: Its commit has an experiment of the new name, which is not to be replaced.
        """
        from assay.engine.experiments.rename import rename

        ref = rename(self.project, self._refname(experiment), new, force=force)
        commit = self.project.repo.refs.read(ref.refname)
        if commit is None:
            raise UnknownRevision(f"{new!r} was taken away by somebody else just now.")
        return Record(ref.name, "success", commit.hex(), ref.baseline.hex(), lambda: self._body(commit))

    def remove(self, *experiments: str | Record) -> list[str]:
        """Removes experiments, all or none, and returns their names; `undo` brings them back.

        Raises:
            UnknownRevision: There is none of that name.
        """
        from assay.engine.experiments.chosen import Which
        from assay.engine.experiments.remove import doomed, remove

        if not experiments:
            return []
        refs = doomed(self.project, Which(tuple(map(self._refname, experiments))))
        names = [ref.rpartition("/")[2] for ref in refs]
        remove(self.project, refs, f"remove {' '.join(names)}")
        return names

    def tag(self, experiment: str | Record, *tags: str, on: bool = True) -> int:
        """Puts tags on an experiment, or takes them off; returns whether that changed anything, as 0 or 1.

        Raises:
            UnknownRevision: There is none of that name.
            UsageError: A tag cannot be called this.
            Refused: A tag is to be taken off, and it is not there.
        """
        from assay.engine.experiments.remark import commit_named
        from assay.engine.experiments.tag import tag

        return tag(self.project, [commit_named(self.project, self._refname(experiment))], tags, on=on)

    def note(self, experiment: str | Record, text: str | None) -> bool:
        """Writes a note on an experiment, or takes it away when the text is None; returns whether that changed it.

        Raises:
            UnknownRevision: There is none of that name.
            UsageError: The text is empty or too long.
        """
        from assay.engine.experiments.note import note
        from assay.engine.experiments.remark import commit_named

        return note(self.project, commit_named(self.project, self._refname(experiment)), text)

    def push(
        self,
        names: str | Sequence[str] = (),
        *,
        rev: str | Sequence[str] = (),
        num: int = 1,
        where: str = "",
        everything: bool = False,
        remote: str | None = None,
        branch: bool | None = None,
        force: bool = False,
        artifacts: bool = True,
        run_cache: bool = False,
        jobs: int | None = None,
    ) -> Pushed:
        """Publishes experiments with all they need; ``report.failed`` of the answer says what was not, and why.

        Without a choice: the experiments of HEAD's commit, the workspace's own data and the current branch. With one,
        exactly what was chosen.

        Args:
            names: Experiments.
            rev: Revisions whose experiments are meant.
            num: So many commits back from each of them, or from HEAD.
            where: Only those for which this is true, as in `show`.
            everything: The experiments of all commits.
            remote: The remote's name; the default one when it is None.
            branch: Whether the current branch goes along; None: where nothing was chosen and no Git server is used.
            force: Whether an experiment may replace another one of its name there.
            artifacts: Whether their data goes along.
            run_cache: Whether the run cache goes along.
            jobs: How many transfers at once; None for what the configuration says.

        Raises:
            ConfigError: There is no such remote.
            UnknownRevision: There is no such experiment or commit.
            UsageError: The query is none, or two ways to choose do not go together.
            RemoteError: The remote cannot be used.
        """
        from assay.remotes.how import How
        from assay.remotes.push import push_chosen

        how = How(force, artifacts, remote, jobs, run_cache)
        return push_chosen(self.project, _which(names, rev, num, where, everything=everything), how, branch=branch)

    def pull(
        self,
        names: str | Sequence[str] = (),
        *,
        rev: str | Sequence[str] = (),
        num: int = 1,
        where: str = "",
        everything: bool = False,
        remote: str | None = None,
        branch: bool | None = None,
        force: bool = False,
        artifacts: bool = True,
        run_cache: bool = False,
        jobs: int | None = None,
        checkout: bool = True,
    ) -> Pulled:
        """Fetches experiments with all they need; ``report.failed`` of the answer says what is left, and why.

        Without a choice: the experiments of HEAD's commit and the workspace's own data. With one, exactly what was
        chosen.

        Args:
            names: Experiments on the remote.
            rev: Revisions, here or there, whose experiments are meant.
            num: So many commits back from each of them, or from HEAD.
            where: Only those for which this is true, as the remote has them.
            everything: The experiments of all commits.
            remote: The remote's name; the default one when it is None.
            branch: Whether to look at the remote's branches; None: where nothing was chosen and no Git server is used.
            force: Whether an experiment may replace another one of its name here.
            artifacts: Whether their data comes along.
            run_cache: Whether the run cache comes along.
            jobs: How many transfers at once; None for what the configuration says.
            checkout: Whether the workspace's own data is put into the workspace.

        Raises:
            ConfigError: There is no such remote.
            UnknownRevision: There is no such experiment there, or no such commit.
            UsageError: The query is none, or two ways to choose do not go together.
            RemoteError: The remote cannot be used, or holds nothing of ours.
        """
        from assay.remotes.how import How
        from assay.remotes.pull import pull_chosen

        which = _which(names, rev, num, where, everything=everything)
        how = How(force, artifacts, remote, jobs, run_cache)
        return pull_chosen(self.project, which, how, branch=branch, checkout=checkout)

    def fetch(
        self,
        names: str | Sequence[str] = (),
        *,
        rev: str | Sequence[str] = (),
        num: int = 1,
        where: str = "",
        everything: bool = False,
        remote: str | None = None,
        branch: bool | None = None,
        force: bool = False,
        artifacts: bool = True,
        run_cache: bool = False,
        jobs: int | None = None,
    ) -> Pulled:
        """`pull` that leaves the workspace as it is: experiments come, and data into the cache. Raises as `pull`."""
        return self.pull(
            names, rev=rev, num=num, where=where, everything=everything, remote=remote, branch=branch, force=force,
            artifacts=artifacts, run_cache=run_cache, jobs=jobs, checkout=False,
        )  # fmt: skip

    def _refname(self, experiment: str | Record) -> str:
        """What an experiment is known by: of a record its full ref name, so that no other of its name is meant."""
        from assay.engine.model import ExpRef, Oid

        if isinstance(experiment, str) or experiment.baseline is None:
            return experiment if isinstance(experiment, str) else experiment.name
        return ExpRef(Oid(bytes.fromhex(experiment.baseline)), experiment.name).refname

    def undo(self, number: int | None = None) -> str:
        """Gives back what the last verb took away, and returns which it was; undoing again goes back.

        Raises:
            Refused: There is nothing to undo.
        """
        from assay.engine.workspace.undo import undo

        return undo(self.project, number).what

    def close(self) -> None:
        """Closes the project; records that were read stay as they are."""
        self.project.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lab {self.root}>"

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()

    def _head(self) -> str | None:
        head = self.project.repo.head()
        return head.hex() if head else None

    def _names(self, commit: Oid, baseline: Oid) -> list[str]:
        """The names of the experiments that a commit is; none when it is no experiment."""
        from assay.engine.model import ExpRef

        prefix = ExpRef(baseline, "").refname
        return [ref[len(prefix) :] for ref, oid in self.project.repo.refs.iterate(prefix) if oid == commit]

    def _body(self, commit: Oid) -> str:
        from assay.engine.experiments.records import Records

        with Records(self.project) as records:
            number = records.headers([commit])[commit][1]
            return records.bodies([number])[number]


def _which(names: str | Sequence[str], rev: str | Sequence[str], num: int, where: str, *, everything: bool) -> Which:
    """The experiments that the words of `push` and `pull` mean."""
    from assay.engine.experiments.chosen import Which

    chosen, revisions = ((words,) if isinstance(words, str) else tuple(words) for words in (names, rev))
    return Which(chosen, revisions, num, everything, where)


def overrides(params: Mapping[str, Any]) -> tuple[Override, ...]:
    """Changed parameters as a run takes them; keys are spelled as after ``-S``.

    Raises:
        UsageError: A key cannot be understood, or a value is none that a file of parameters holds.
    """
    from assay.engine.params.overrides import literal, parse

    found = []
    for key, value in params.items():
        if "=" in key or key.lstrip("+").partition(":")[2].startswith("~") or key.startswith("~"):
            raise UsageError(f"{key!r} is no key of a parameter.", 'Keys are spelled like "train.lr".')
        plain = plain_value(key, value)
        found.append(parse(f"{key}=0")._replace(text=f"{key}={literal(plain)}", value=plain))
    return tuple(found)


def _several(grid: Mapping[str, Sequence[Any]]) -> tuple[Override, ...]:
    """The overrides of a grid, each with all its values."""
    from assay.engine.params.sweeps import Choice

    found = []
    for key, values in grid.items():
        if isinstance(values, (str, bytes, Mapping)) or not len(values):
            raise UsageError(f"{key} has no list of values to try.", 'Give it one: grid={"train.lr": [0.1, 0.2]}.')
        (first,) = overrides({key: values[0]})
        found.append(first._replace(value=Choice(tuple(plain_value(key, value) for value in values), simple=True)))
    return tuple(found)


def plain_value(key: str, value: Any) -> Any:
    """A value as files of parameters hold it: numbers and arrays of other libraries become Python's own.

    Raises:
        UsageError: It is nothing of the kind.
    """
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(name): plain_value(key, item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(key, item) for item in value]
    converted = getattr(value, "tolist", None)  # numpy's numbers and arrays, and those made like them
    if callable(converted):
        return plain_value(key, converted())
    raise UsageError(
        f"The value of {key} is a {type(value).__name__}, which no file of parameters holds.",
        "Give a number, a text, true or false, None, a list or a dictionary of these.",
    )


def _revision(side: str | Record) -> str:
    return side if isinstance(side, str) else side.commit or WORKSPACE


def _name(side: str | Record) -> str:
    return side if isinstance(side, str) else side.name
