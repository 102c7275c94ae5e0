"""The folders of repositories: telling them from others, following the files that lead to them, making new ones."""

from __future__ import annotations

import os
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import GitError

_EXCLUDE = b"# Patterns that only this clone ignores; the syntax is that of .gitignore.\n"
_DESCRIPTION = b"Unnamed repository; edit this file to name it for gitweb.\n"


def is_git_dir(path: str) -> bool:
    """Whether a folder has what makes it a repository, as Git decides it: HEAD, objects, refs."""
    if not os.path.lexists(f"{path}/HEAD"):
        return False
    try:
        common = common_dir(path)
    except GitError:
        return False
    return os.path.isdir(f"{common}/objects") and os.path.isdir(f"{common}/refs")


def linked(dot_git: str) -> str:
    """The Git folder that a ``.git`` file names. Raises GitError."""
    text = _first_line(dot_git)
    if not text.startswith("gitdir:"):
        raise GitError(f"{dot_git} is a file, but does not say where the repository is.")
    target = os.path.normpath(os.path.join(os.path.dirname(dot_git), text[len("gitdir:") :].strip()))
    if not is_git_dir(target):
        raise GitError(f"{dot_git} says that the repository is {target}, but there is none.")
    return target


def common_dir(git_dir: str) -> str:
    """The folder with objects and refs that a Git folder belongs to; itself except in linked worktrees."""
    path = f"{git_dir}/commondir"
    if not os.path.isfile(path):
        return git_dir
    return os.path.normpath(os.path.join(git_dir, _first_line(path)))


def back_link(git_dir: str) -> str | None:
    """The folder whose ``.git`` file leads to this linked worktree's Git folder."""
    with suppress(GitError):
        return os.path.dirname(os.path.normpath(os.path.join(git_dir, _first_line(f"{git_dir}/gitdir"))))
    return None


def lay_out(git_dir: str, branch: str, *, bare: bool) -> None:
    """Makes what is missing; HEAD last, because with it the folder is a repository."""
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        disk.make_folders(f"{git_dir}/{folder}")
    for name, data in (("info/exclude", _EXCLUDE), ("description", _DESCRIPTION)):
        if not os.path.lexists(f"{git_dir}/{name}"):
            disk.write_atomic(f"{git_dir}/{name}", data)
    if not os.path.lexists(f"{git_dir}/config"):
        disk.write_atomic(f"{git_dir}/config", _initial_config(git_dir, bare=bare))
    if not os.path.lexists(f"{git_dir}/HEAD"):
        disk.write_atomic(f"{git_dir}/HEAD", f"ref: refs/heads/{branch}\n".encode())


def _initial_config(git_dir: str, *, bare: bool) -> bytes:
    description = f"{git_dir}/description"
    settings = [("repositoryformatversion", "0"), ("filemode", _word(_keeps_modes(description))), ("bare", _word(bare))]
    if not bare:
        settings.append(("logallrefupdates", "true"))
    if os.path.exists(f"{git_dir}/DESCRIPTION"):
        settings.append(("ignorecase", "true"))
    return b"[core]\n" + b"".join(f"\t{key} = {value}\n".encode() for key, value in settings)


def _keeps_modes(path: str) -> bool:
    """Whether the file system keeps the executable bit; found out by changing it on a file of ours."""
    mode = os.stat(path).st_mode & 0o777
    try:
        disk.chmod(path, mode ^ 0o100)
        kept = os.stat(path).st_mode & 0o777 == mode ^ 0o100
        disk.chmod(path, mode)
    except OSError:
        return False
    return kept


def _word(value: bool) -> str:
    return "true" if value else "false"


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(1 << 16).rstrip("\r\n")
    except OSError as error:
        raise GitError(f"{path} cannot be read: {error.strerror}.") from error
