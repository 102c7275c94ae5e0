"""How experiments and data travel, whichever they are."""

from __future__ import annotations

from typing import NamedTuple


class How(NamedTuple):
    """How a transfer goes about it.

    Attributes:
        force: Whether an experiment may replace another of its name.
        artifacts: Whether the data of experiments travels too.
        remote: The data remote; the default one when None.
        jobs: How many transfers at once; None for what the configuration says.
        run_cache: Whether the run cache travels too.
        depth: How many commits of history are to be on the other side, or on this one; None for what there is.
    """

    force: bool = False
    artifacts: bool = True
    remote: str | None = None
    jobs: int | None = None
    run_cache: bool = False
    depth: int | None = None


AS_USUAL = How()
