"""What a person asks for when stages are to be brought up to date: which of them (`Choice`), and how (`Manner`).

The flags are DVC's, one field each; nothing here looks at a pipeline. `Graph` understands a choice, `reproduce` a
manner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from assay.engine.model import Artifact


class Choice(NamedTuple):
    """Which stages.

    Attributes:
        targets: Stages, groups, pipeline files and ``.dvc`` files, as they are spelled in ``folder``; none means the
            pipeline file of that folder.
        folder: The project path that targets are relative to; "" is the project itself.
        single: Only the targets, nothing that they need.
        pipeline: Everything that hangs together with the targets.
        all_pipelines: Every stage of the project; targets do not matter.
        recursive: A target that is a folder means the stages of every file below it.
        downstream: The targets and what needs them, instead of what they need.
        glob: Names in targets are patterns (``*``, ``?``, ``[...]``).
    """

    targets: tuple[str, ...] = ()
    folder: str = ""
    single: bool = False
    pipeline: bool = False
    all_pipelines: bool = False
    recursive: bool = False
    downstream: bool = False
    glob: bool = False


Replacing = Callable[[Mapping[str, Artifact]], object]


class Manner(NamedTuple):
    """How they are brought up to date.

    Attributes:
        force: Run unchanged stages too.
        force_downstream: A stage runs when one that it needs has run, whatever came of it.
        dry: Only tell what would run.
        keep_going: After a failure go on with the stages that do not need the one that failed.
        ignore_errors: After a failure go on with all stages.
        allow_missing: Data that is not there is no reason to run a stage.
        no_commit: Record what was made in the lock file, but do not put it into the cache.
        no_run_cache: Run stages although the run cache knows what would come of it.
        ask: Asked before each stage, with a question; False stops there. None asks nobody.
        replacing: Told of outputs that are about to go and that nothing else has, by project path; the cache has what
            they are. None tells nobody.
        fetch: Brings artifacts that the run cache speaks of, as far as it can; None where what is not here stays away.
    """

    force: bool = False
    force_downstream: bool = False
    dry: bool = False
    keep_going: bool = False
    ignore_errors: bool = False
    allow_missing: bool = False
    no_commit: bool = False
    no_run_cache: bool = False
    ask: Callable[[str], bool] | None = None
    replacing: Replacing | None = None
    fetch: Callable[[Sequence[Artifact]], None] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether a failure does not end everything."""
        return self.keep_going or self.ignore_errors


OWN = Choice()
"""The project's own pipeline file and what it needs."""
EVERYTHING = Choice(all_pipelines=True)
"""Every stage of the project."""
PLAIN = Manner()
"""What changed is run, and the first failure ends it."""
