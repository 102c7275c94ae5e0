"""What the tests of the verbs share: files of a project, and what Git says about them."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> None:
    """Writes files below a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def picture(folder: Path) -> dict[str, bytes]:
    """Every file of a project and all that Git's refs, index and undo records are made of."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if name.startswith((".assay/tmp", ".assay/cache", ".git/assay", ".git/objects")):
            continue
        if path.is_symlink():
            found[name] = b"-> " + str(path.readlink()).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def tree_of(git, folder: Path, experiment: str) -> list[str]:
    """The paths of an experiment's tree."""
    refs = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder).splitlines()
    ref = next(name for name in refs if name.endswith("/" + experiment))
    return git("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", ref, cwd=folder).splitlines()
