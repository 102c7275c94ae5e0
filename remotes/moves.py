"""Which moves of refs on a remote are allowed, whatever its kind: branches go forwards, tags stay, the rest is free."""

from __future__ import annotations

from collections.abc import Collection

from assay.engine.experiments.chosen import is_experiment
from assay.engine.git.reach import is_ancestor
from assay.engine.git.refnames import is_valid_name
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource, RefUpdate


def is_shareable(refname: str) -> bool:
    """Whether a ref is one that others may see: a branch, a tag or an experiment."""
    if refname.startswith("refs/exps/"):
        is_shared = is_experiment(refname) and not "".join(refname.split("/")[2:4]).strip("0123456789abcdef")
    else:
        is_shared = refname.startswith(("refs/heads/", "refs/tags/"))
    return is_shared and is_valid_name(refname)


def why_not(update: RefUpdate, now: Oid | None, source: ObjectSource, *, shallow: Collection[Oid] = ()) -> str:
    """Why a ref must not move so; empty when it may.

    Args:
        update: The wish.
        now: The ref's value on the remote.
        source: The objects on this side.
        shallow: The commits whose parents are not on this side.
    """
    name, new = update.refname, update.new
    if not is_shareable(name):
        return f"{name} is not a ref that can be shared."
    if new is None or now in (None, new):
        return ""
    if name.startswith("refs/tags/"):
        return f"{name} is on the remote already, with another value."
    if name.startswith("refs/heads/") and (now not in source or not is_ancestor(source, now, new, shallow=shallow)):
        return f"{name} on the remote has commits that {new.hex()[:7]} does not have; `assay pull --merge` joins them."
    return ""


def expected(update: RefUpdate, now: Oid | None) -> str:
    """Why a ref is not what its writer took it for; empty when it is."""
    if now in (update.old, update.new):
        return ""
    where = f"it is at {now.hex()[:7]} now" if now else "it is not there any more, or somebody moved it just now"
    return f"{update.refname} on the remote is not what it was: {where}; pull first."
