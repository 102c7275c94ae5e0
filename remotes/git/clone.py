"""Makes a project out of a Git repository: history and experiments come from there, data from the project's own remote.

What Git would write is written, so that Git and assay go on from here alike: ``remote.origin``, the branch with the one
that it goes with, ``refs/remotes/origin/*``. Experiments shared from here go back to where they came from, unless the
project says otherwise. Limits: with a depth those tags come that name commits;
submodules stay empty, and files in Git LFS are pointers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.engine import disk, settings
from assay.engine.config import read
from assay.engine.configtext import edited
from assay.engine.errors import AssayError, ConfigError, CorruptRemote, GitError
from assay.engine.events import Note, Reporter, silent
from assay.engine.experiments.chosen import EXPERIMENTS, is_experiment
from assay.engine.git import gitconfig
from assay.engine.git.repository import Repository
from assay.engine.git.trees import walk_tree
from assay.engine.git.worktree import checkout_tree
from assay.engine.layout import MARKERS
from assay.engine.model import Oid, start_of
from assay.engine.ports import GitTransport, Report
from assay.engine.project import Project, World, open_project
from assay.engine.words import counted
from assay.remotes.artifacts.freight import Places
from assay.remotes.branches import HEADS, NOTHING, joined
from assay.remotes.clone import NAME, Cloned
from assay.remotes.depth import UNLIMITED, within
from assay.remotes.exchange import StoreExchange, shared
from assay.remotes.git import addresses
from assay.remotes.git.addresses import Address
from assay.remotes.newfolder import Made, new_folder
from assay.remotes.refs import fetch_refs, write_experiments
from assay.remotes.workspace import check_out, tracked_here

_TAGS = "refs/tags/"
_USUAL = (f"{HEADS}main", f"{HEADS}master")
_MARKS = tuple(f"/{marker}/config" for marker in MARKERS)


@dataclass
class _Making:
    """A clone under way.

    Attributes:
        git: The way to the repository; lives as long as ``repo``.
        repo: The new repository.
        depth: How many commits of history come; None for all.
        experiments: What came of them, their refs not yet written.
        failed: What did not come, with a sentence each.
    """

    address: Address
    world: World
    report: Reporter
    git: GitTransport
    repo: Repository
    depth: int | None
    experiments: dict[str, Oid] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def clone(
    url: str,
    folder: str,
    world: World,
    report: Reporter = silent,
    *,
    typed_in: str = "/",
    depth: int | None = None,
    artifacts: bool = True,
) -> Cloned:
    """Makes a project from a Git repository.

    Args:
        url: The repository's URL, or a path.
        folder: Absolute path of the new project; it must be empty or not exist.
        world: What only the outside knows.
        report: Where events go.
        typed_in: Absolute path of the folder that a path is relative to.
        depth: How many commits of the history of HEAD's branch come, with their experiments; None for everything.
        artifacts: Whether data comes along, from the remote that the project names: the workspace's, and that of
            experiments.

    Raises:
        Refused: The folder is not empty.
        GitError: There is no such repository, or none that can be used; nothing was left behind.
        RemoteError: It cannot be reached; nothing was left behind.
    """
    config = gitconfig.load(world.git_config, gitconfig.Place(home=world.home))
    address = addresses.located(config, NAME, url, typed_in)
    with new_folder(folder) as made:
        Repository.init(folder, world.git_config, world.environment).close()
        _configure(f"{folder}/.git/config", f'remote "{NAME}"', {
            "url": url if addresses.is_elsewhere(address.whole) else address.url,
            "fetch": f"+{HEADS}*:refs/remotes/{NAME}/*",
        })  # fmt: skip
        repo = Repository.open(f"{folder}/.git", world.git_config, world.environment)
        try:
            git = addresses.connected(repo, address, world, f"{repo.common_dir}/assay/incoming", report)
            try:
                return _make(_Making(address, world, report, git, repo, depth), folder, made, artifacts=artifacts)
            finally:
                git.close()
        finally:
            repo.close()


def folder_name(url: str) -> str:
    """What Git calls the folder that it clones a URL into; may be empty."""
    path = url.rstrip("/").removesuffix("/.git").rstrip("/")
    name = path.rpartition("/")[2]
    if "://" not in url:
        name = name.rpartition(":")[2]
    return name.removesuffix(".git")


def _make(making: _Making, folder: str, made: Made, *, artifacts: bool) -> Cloned:
    repo = making.repo
    head = _bring_history(making)
    branch = head.removeprefix(HEADS) if head is not None else None
    commit = repo.head()
    if commit is None:
        if any(True for _ in repo.refs.iterate(f"refs/remotes/{NAME}/")):
            raise GitError(
                f"{making.address.url}: HEAD there names no branch.", "Have it name one: `git symbolic-ref`."
            )
        raise GitError(f"{making.address.url} has no branch with a commit.", "Push one there first.")
    tree = repo.objects.read_commit(commit).tree
    checkout_tree(repo, None, tree, write_index=True, report=making.report)
    came = Report((), (), making.git.objects, 0, making.git.size, {})
    root = _root(repo, tree, folder)
    if root is None:
        _write(repo, making.experiments)
        making.report(Note("There is no project of assay or DVC in it; `assay init` makes one."))
        return Cloned(folder, making.address.url, branch, came._replace(failed=making.failed))
    project = open_project(root, making.world, making.report)
    try:
        _send_back(project)
        with made.lacks_data(root, making.report):
            report = joined(came, _fill(making, project, artifacts=artifacts))
        return Cloned(project.root, making.address.url, branch, report._replace(failed=making.failed))
    finally:
        project.close()


def _bring_history(making: _Making) -> str | None:
    """Brings branches, tags and experiments, and writes the refs of the former; returns the branch of HEAD."""
    git, repo = making.git, making.repo
    named = git.head()
    refs = git.refs([HEADS, _TAGS, EXPERIMENTS])
    wanted = {name: oid for name, oid in refs.items() if name.startswith((HEADS, _TAGS)) or is_experiment(name)}
    arrived, damaged = _bring_part(making, named, wanted) or fetch_refs(git, wanted, repo.objects, lambda _: False)
    making.failed.update({**git.damaged_refs, **damaged})
    making.experiments = {name: oid for name, oid in arrived.items() if is_experiment(name)}
    head = _head(named, arrived)
    if named is not None and named in damaged:
        raise CorruptRemote(f"{making.address.url}: its branch {named} is damaged: {damaged[named]}")
    disk.sync_tree(repo.common_dir)
    with repo.refs.transaction() as change:
        for name, oid in arrived.items():
            if not is_experiment(name):
                change.create(name.replace(HEADS, f"refs/remotes/{NAME}/", 1), oid)
        if head is not None:
            change.create(head, arrived[head])
    if head is not None:
        repo.refs.set_head(head)
        short = head.removeprefix(HEADS)
        with repo.refs.transaction() as change:
            change.point(f"refs/remotes/{NAME}/HEAD", f"refs/remotes/{NAME}/{short}")
        _configure(f"{repo.common_dir}/config", f'branch "{short}"', {"remote": NAME, "merge": head})
    return head


def _bring_part(
    making: _Making, named: str | None, refs: Mapping[str, Oid]
) -> tuple[Mapping[str, Oid], Mapping[str, str]] | None:
    """Brings the newest history of the branch of HEAD, its experiments and tags; None where all is to come."""
    git, objects = making.git, making.repo.objects
    head = _head(named, refs)
    if making.depth is None or head is None:
        return None
    git.depth = making.depth
    arrived, damaged = fetch_refs(git, {head: refs[head]}, objects, lambda _: False)
    git.depth = None
    if damaged:
        return arrived, damaged
    reach = within(objects, arrived.values(), UNLIMITED, making.repo.shallow)
    here = reach.inside | reach.edge
    tags = {name: oid for name, oid in refs.items() if name.startswith(_TAGS) and oid in here}
    experiments = {name: oid for name, oid in refs.items() if is_experiment(name)}
    near = {name: oid for name, oid in experiments.items() if start_of(name) in here}
    if left := len(experiments) - len(near):
        what = counted(left, "experiment")
        making.report(Note(f"{what} of older commits stayed behind; `assay pull -A` brings them."))
    came, damaged = fetch_refs(git, near, objects, here.__contains__)
    return {**arrived, **tags, **came}, damaged


def _head(named: str | None, refs: Mapping[str, Oid]) -> str | None:
    """The branch to check out: the one that HEAD names there, else a usual one, else the only one."""
    if named in refs:
        return named
    heads = [name for name in refs if name.startswith(HEADS)]
    return next((name for name in _USUAL if name in refs), heads[0] if len(heads) == 1 else None)


def _root(repo: Repository, tree: Oid, folder: str) -> str | None:
    """Where the project lies: the folder of the uppermost configuration file; None where there is none."""
    marked = [path for path, _, _ in walk_tree(repo.objects, tree) if f"/{path}".endswith(_MARKS)]
    if not marked:
        return None
    above = min(marked, key=lambda path: (path.count("/"), path)).rpartition("/")[0].rpartition("/")[0]
    return f"{folder}/{above}" if above else folder


def _send_back(project: Project) -> None:
    """Notes, for this clone alone, that experiments go where they came from, unless the project says otherwise."""
    named = any(keys.get("git-remote") or keys.get("git_remote") for keys in project.config.named("remote").values())
    if named or project.config.get("exp", "git_remote"):
        return
    path = f"{project.root}/{project.layout.config[1]}"
    text = edited(read(path), "exp", "git_remote", NAME)
    settings.write(path, text, is_new=not os.path.lexists(path))


def _fill(making: _Making, project: Project, *, artifacts: bool) -> Report:
    """Brings data, and writes the refs of the experiments that are complete."""
    if not artifacts:
        write_experiments(project, making.experiments)
        return NOTHING
    data = shared(tracked_here(project))
    with Places(project) as places:
        exchange = StoreExchange(project, making.git, places, None)
        try:
            fetched = exchange.fetch(making.experiments, data=data)
        except AssayError as error:
            making.failed["data"] = f"It did not come: {error.message}"
            write_experiments(project, making.experiments)
            return NOTHING
    making.failed.update(fetched.failed)
    write_experiments(project, {name: making.experiments[name] for name in fetched.refs})
    making.failed.update(check_out(project, {path: data[path] for path in data if path not in fetched.failed}))
    return fetched


def _write(repo: Repository, experiments: Mapping[str, Oid]) -> None:
    disk.sync_tree(repo.common_dir)
    with repo.refs.transaction() as change:
        for name, oid in experiments.items():
            change.create(name, oid)


def _configure(path: str, section: str, keys: Mapping[str, str]) -> None:
    """Adds a section to the configuration of a repository that nobody else knows yet. Raises ConfigError."""
    if any("\n" in value or "\0" in value for value in keys.values()):
        raise ConfigError(f"A line break cannot be part of {section}.")
    lines = [f"\t{key} = {_quoted(value)}\n" for key, value in keys.items()]
    disk.append(path, f"[{section}]\n{''.join(lines)}".encode("utf-8", "surrogateescape"))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if value != escaped or value.strip() != value or set(value) & set("#;") else value
