"""Projects and machines for tests of sharing: real Git makes the history, the cache gets real artifacts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from assay.engine.events import Event
from assay.engine.model import Artifact, Entry, Oid
from assay.engine.project import Project, World, open_project
from assay.engine.store.manifest import digests_of, write_manifest

Git = Callable[..., str]


class SteadyClock:
    """One second later each time it is asked."""

    def __init__(self) -> None:
        self._seconds = count(1_700_000_000)

    def now(self) -> tuple[int, int]:
        return next(self._seconds), 0


class CountingIds:
    """Nonces without chance, none of them twice in this process."""

    _numbers = count(1)

    def nonce(self) -> str:
        return f"{next(self._numbers):016x}"

    def choose(self, options: object) -> str:
        raise NotImplementedError


def world() -> World:
    return World(SteadyClock(), CountingIds())


class Machine:
    """A project on one machine.

    Args:
        git: Runs the real Git.
        folder: The project.
    """

    def __init__(self, git: Git, folder: Path) -> None:
        self.git = git
        self.folder = folder
        self.events: list[Event] = []
        self._opened: Project | None = None

    @classmethod
    def new(cls, git: Git, folder: Path, *, hash_name: str = "xxh128") -> Machine:
        """A project with one commit that tracks a directory ``data`` and a large file ``model``."""
        (folder / ".assay").mkdir(parents=True)
        (folder / ".assay" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
        (folder / ".assay" / "config").write_text(f"[core]\n    hash = {hash_name}\n")
        git("init", "-q", str(folder))
        machine = cls(git, folder)
        machine.track("data", {"a.txt": b"a", "deep/b.txt": b"b"})
        machine.track("model", os.urandom(300_000))
        (folder / "train.py").write_text("print('train')\n")
        machine.commit("first")
        return machine

    @property
    def project(self) -> Project:
        """The opened project; opened anew after `commit` and after its configuration changed."""
        if self._opened is None:
            self._opened = open_project(str(self.folder), world(), self.events.append)
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def track(self, path: str, content: bytes | Mapping[str, bytes], *, place: bool = True) -> Artifact:
        """Puts content into the cache, writes ``path.dvc`` for it, and the content itself into the workspace."""
        artifact = self.store(content)
        lines = [f"  hash: {artifact.digest.algo}", f"  digest: {artifact.digest.text}", f"  size: {artifact.size}"]
        if artifact.nfiles is not None:
            lines.append(f"  nfiles: {artifact.nfiles}")
        (self.folder / f"{path}.dvc").write_text("outs:\n- " + "\n".join(lines).lstrip() + f"\n  path: {path}\n")
        ignore = self.folder / ".gitignore"
        known = ignore.read_text() if ignore.exists() else ""
        if f"/{path}\n" not in known:
            ignore.write_text(known + f"/{path}\n")
        if place:
            self.place(path, content)
        return artifact

    def store(self, content: bytes | Mapping[str, bytes]) -> Artifact:
        with self.project.cache.writer() as writer:
            if isinstance(content, bytes):
                return Artifact(writer.add_bytes(content), len(content))
            entries = {name: Entry(name, writer.add_bytes(data), len(data)) for name, data in content.items()}
            return write_manifest(writer, entries)

    def place(self, path: str, content: bytes | Mapping[str, bytes]) -> None:
        files = {path: content} if isinstance(content, bytes) else {f"{path}/{name}": content[name] for name in content}
        for name, data in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)

    def commit(self, message: str) -> Oid:
        self.git("add", ".", cwd=self.folder)
        self.git("commit", "-q", "--allow-empty", "-m", message, cwd=self.folder)
        self.close()
        return self.head

    @property
    def head(self) -> Oid:
        return Oid(bytes.fromhex(self.git("rev-parse", "HEAD", cwd=self.folder)))

    def experiment(self, name: str, files: Mapping[str, bytes] | None = None) -> str:
        """Makes a child of HEAD that tracks other content in ``data``, without touching the workspace; its ref."""
        content = files if files is not None else {"a.txt": name.encode(), "deep/b.txt": b"b"}
        before = (self.folder / "data.dvc").read_bytes()
        self.track("data", content, place=False)
        index = {"GIT_INDEX_FILE": str(self.folder / ".git" / f"index-{name}")}
        os.environ.update(index)
        try:
            self.git("read-tree", "HEAD", cwd=self.folder)
            self.git("add", "data.dvc", cwd=self.folder)
            tree = self.git("write-tree", cwd=self.folder)
        finally:
            del os.environ["GIT_INDEX_FILE"]
        (self.folder / "data.dvc").write_bytes(before)
        commit = self.git("commit-tree", tree, "-p", "HEAD", "-m", name, cwd=self.folder)
        head = self.head.hex()
        ref = f"refs/exps/{head[:2]}/{head[2:]}/{name}"
        self.git("update-ref", ref, commit, cwd=self.folder)
        self.close()
        return ref

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix, cwd=self.folder).splitlines()
        return dict(line.split(" ") for line in lines)

    def fsck(self) -> None:
        said = self.git("fsck", "--strict", "--no-dangling", "--connectivity-only", cwd=self.folder)
        assert "missing" not in said
        self.git("fsck", "--strict", "--no-dangling", cwd=self.folder)

    def has(self, artifact: Artifact) -> bool:
        """Whether the cache has all of an artifact, every byte read."""
        for digest in digests_of(self.project.cache, artifact):
            self.project.cache.read(digest)
        return True

    def add_remote(self, url: str, name: str = "origin", settings: Mapping[str, str] | None = None) -> None:
        from assay.engine.configtext import edited

        path = self.folder / ".assay" / "config.local"
        text = path.read_text() if path.exists() else ""
        for key, value in {"url": url, **(settings or {})}.items():
            text = edited(text, f'remote "{name}"', key, value)
        path.write_text(text)
        self.close()

    def said(self) -> str:
        return "\n".join(str(event) for event in self.events)
