"""The Git repository that experiments travel through, where there is one: `git-remote` of a remote, `exp.git_remote`.

Nothing of data is known here, so that what only moves refs need not wait for what carries data.
"""

from __future__ import annotations

from assay.engine.ports import GitTransport
from assay.engine.project import Project
from assay.remotes.git import addresses
from assay.remotes.registry import Remote, find


def git_remote(project: Project, remote: Remote) -> str:
    """The Git remote that experiments travel through beside a remote: its name, URL or path; empty for none."""
    own = remote.settings.get("git-remote") or remote.settings.get("git_remote")
    return own or project.config.get("exp", "git_remote")


def meant(project: Project, name: str | None = None) -> Remote:
    """The remote that a command about experiments is about.

    A project that has none, and whose experiments go to a Git repository, gets one without a URL: it is told that data
    has nowhere to go only once there is data.

    Raises:
        ConfigError: As of `find`.
    """
    git = project.config.get("exp", "git_remote")
    if name is not None or not git or project.config.named("remote"):
        return find(project, name)
    return Remote(git if git in project.repo.config.sections("remote") else "git", "", {})


def beside(project: Project, remote: Remote, *, write: bool = False, soon: bool = False) -> GitTransport:
    """The Git repository that experiments travel through beside a remote.

    Args:
        project: The project on this side.
        remote: The remote.
        write: Whether something is about to be pushed.
        soon: Whether it is asked for refs at once.

    Raises:
        UsageError: What is configured is no Git remote.
        GitError: It cannot be used.
    """
    address = addresses.find(project, git_remote(project, remote), push=write)
    return addresses.connect(project, address, push=write, soon=soon)
