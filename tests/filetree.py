"""Files of a project in a test: written, removed, and pictured so that two moments can be compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

Files = Mapping[str, "str | bytes | None"]
_PASSING = (".assay/tmp", ".assay/cache", ".dvc/tmp", ".dvc/cache", ".git/assay", ".git/objects")


def write(root: Path, files: Files) -> None:
    """Writes files by path, their text or bytes; None removes one, or a folder with all in it."""
    for path, content in files.items():
        target = root / path
        if content is None:
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or (target.exists() and target.stat().st_nlink > 1):
            target.unlink()  # a link into the cache
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            target.write_text(content)


def picture(root: Path) -> dict[str, bytes]:
    """Every file of a project, and all that Git's refs and index are made of; not what may be deleted at any moment."""
    found = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if name.startswith(_PASSING):
            continue
        if path.is_symlink():
            found[name] = b"-> " + str(path.readlink()).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def tree_of(git: Callable[..., str], folder: Path, experiment: str) -> list[str]:
    """The paths of an experiment's tree."""
    refs = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder).splitlines()
    ref = next(name for name in refs if name.endswith("/" + experiment))
    return git("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", ref, cwd=folder).splitlines()
