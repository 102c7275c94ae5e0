"""The frozen values of a pipeline: stages, what they read and what they write.

Every path is relative to the project, POSIX, normalised; ``spelled`` is the same path as its file has it, relative to
the stage's working directory, which is the form that lock files keep.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from assay.engine.pipeline.source import Keys, Source

_NOTHING: Mapping[str, Any] = MappingProxyType({})

PARAMS_FILE = "params.yaml"
"""The file of parameters that need not be named."""

JOIN = "@"
"""Stands between the group and the key in the name of a generated stage."""

EMPTY = "holds no command"
"""Why a stage cannot be run whose command is empty; one that reads and writes nothing need not be."""

OutKind = Literal["outs", "metrics", "plots"]
Place = Literal["project", "marker", "outside", "url", "dataset"]
"""What kind of place something is in: marker is a folder of Git, DVC or assay, outside elsewhere on this machine."""


class Dep(NamedTuple):
    """Something that a stage reads.

    Attributes:
        path: A project path, "" for the whole project; of a file outside the project its absolute path, or one that
            starts with ``../``; of a URL or a dataset (``ds://name``) what the file says.
        spelled: The same as the file has it.
        keys: Where it stands in its file.
        place: What kind of place that is.
        dataset: What lock files say now of a data set; None for other places, and where they say nothing.
    """

    path: str
    spelled: str
    keys: Keys = ()
    place: Place = "project"
    dataset: Mapping[str, Any] | None = None

    @property
    def can_be_seen(self) -> bool:
        """Whether its content is on this machine's file system, so that a change can be told."""
        return self.place in ("project", "marker", "outside")


class ParamsDep(NamedTuple):
    """Parameters that a stage reads: dotted keys of a file, or the whole file when there are none."""

    path: str
    spelled: str
    names: tuple[str, ...] = ()
    keys: Keys = ()


class Out(NamedTuple):
    """A file or folder that a stage writes.

    Attributes:
        path: Where, relative to the project; outside of it like that of a `Dep`.
        spelled: The same as the file has it.
        kind: Under which key it stands; metrics and plots are outputs with a role.
        cache: Whether its content goes to the cache (and its name to .gitignore); otherwise it is Git's.
        persist: Whether it stays in place when its stage runs.
        push: Whether it is shared.
        remote: The one remote it is shared through; empty for any.
        desc: A sentence about it.
        type: What kind of thing it is.
        labels: Words to find it by.
        meta: Anything; never looked at.
        plot: A plot's own settings (template, x, y ...).
        keys: Where it stands in its file.
        place: What kind of place it is in.
    """

    path: str
    spelled: str
    kind: OutKind = "outs"
    cache: bool = True
    persist: bool = False
    push: bool = True
    remote: str = ""
    desc: str = ""
    type: str = ""
    labels: tuple[str, ...] = ()
    meta: Any = None
    plot: Mapping[str, Any] = _NOTHING
    keys: Keys = ()
    place: Place = "project"


class Stage(NamedTuple):
    """One step: a command, what it reads, what it writes.

    Attributes:
        name: Its name in its file.
        file: Path of its dvc.yaml.
        cmd: The command: text (each line a process of its own) or several.
        wdir: The folder it runs in, relative to the project; "" is the project itself.
        deps: Files and folders it reads.
        params: Parameters it reads.
        outs: What it writes in the project, metrics and plots included.
        outside: What it writes elsewhere: never cached, and no part of any experiment.
        no_command: Why it cannot be run, where its file says something that is no command; empty where it can.
        frozen: Whether it is never run.
        always_changed: Whether it runs every time.
        desc: A sentence about it.
        meta: Anything; never looked at.
        group: The name before the @ when a ``foreach`` or ``matrix`` made it, else empty.
        parametrized: Whether its file says it with templates, so that it cannot be rewritten there.
        source: The file's text, for errors.
    """

    name: str
    file: str
    cmd: str | tuple[str, ...]
    wdir: str = ""
    deps: tuple[Dep, ...] = ()
    params: tuple[ParamsDep, ...] = ()
    outs: tuple[Out, ...] = ()
    outside: tuple[Out, ...] = ()
    no_command: str = ""
    frozen: bool = False
    always_changed: bool = False
    desc: str = ""
    meta: Any = None
    group: str = ""
    parametrized: bool = False
    source: Source = Source("", "")

    @property
    def address(self) -> str:
        """``train`` in the project's own dvc.yaml, else ``sub/dvc.yaml:train``."""
        return self.name if self.file == "dvc.yaml" else f"{self.file}:{self.name}"

    @property
    def lock_path(self) -> str:
        """The lock file beside its dvc.yaml."""
        return lock_path(self.file)

    @property
    def commands(self) -> tuple[str, ...]:
        """What the shell gets, one process each; the lines of a text, the items of a list."""
        return tuple(self.cmd.splitlines()) if isinstance(self.cmd, str) else self.cmd

    @property
    def does_nothing(self) -> bool:
        """Whether it has no command and needs none."""
        return self.no_command == EMPTY and self.is_callback

    @property
    def named_again(self) -> tuple[str, ...]:
        """The dependencies that its file names more than once in the same words, one for each further time."""
        spelled = [dep.spelled for dep in self.deps]
        return tuple(path for at, path in enumerate(spelled) if path in spelled[:at])

    @property
    def is_callback(self) -> bool:
        """Whether it neither reads nor writes anything, so that it is run for its effect, every time."""
        return not (self.deps or self.params or self.written)

    @property
    def written(self) -> tuple[Out, ...]:
        """What it writes, wherever that is."""
        return (*self.outs, *self.outside)

    @property
    def files(self) -> tuple[Out, ...]:
        """What it writes on this machine."""
        return tuple(out for out in self.written if out.place != "url")

    @property
    def urls(self) -> tuple[Out, ...]:
        """What it writes on servers."""
        return tuple(out for out in self.outside if out.place == "url")

    @property
    def keys(self) -> Keys:
        """Where it stands in its file."""
        return ("stages", self.group or self.name)


class PipelineFile(NamedTuple):
    """What one dvc.yaml says.

    Attributes:
        path: Its project path.
        stages: Its stages, generated ones in their order.
        params: Files of parameters, as project paths.
        metrics: Files and folders of metrics, as project paths.
        plots: Files of plots, as project paths.
        artifacts: What models and data sets are called, by name, as plain data.
        datasets: Where data sets come from, as plain data.
        used: The values that its templates took from files, by project path and dotted key.
        inputs: The files that its templates may refer to, whether they take anything from them or not.
        names_root: Whether the project's absolute path is in it, so that what it says depends on that.
    """

    path: str
    stages: tuple[Stage, ...] = ()
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    artifacts: Mapping[str, Mapping[str, Any]] = _NOTHING
    datasets: tuple[Mapping[str, Any], ...] = ()
    used: Mapping[str, Mapping[str, Any]] = _NOTHING
    inputs: tuple[str, ...] = ()
    names_root: bool = False


def lock_path(file: str) -> str:
    """The lock file of a dvc.yaml: the same name with another ending."""
    return posixpath.splitext(file)[0] + ".lock"
