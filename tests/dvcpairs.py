"""The same DVC project twice: real DVC works in one, assay in the other, and every byte is compared."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.engine.project import Project, World, open_project
from assay.engine.store.digest import digest_bytes
from tests.dvcprocess import DvcProcess
from tests.filetree import Files, write
from tests.workspace import CountingIds, FixedClock

OWN = (".git", "tmp")
_LEGACY_LISTING = re.compile(r"\.dvc/cache/[0-9a-f]{2}/[0-9a-f]{30}\.dir")


class Pair:
    """Two folders that hold the same DVC project.

    Args:
        dvc: The real one.

    Attributes:
        theirs: Where DVC works.
        ours: Where assay works.
    """

    def __init__(self, dvc: DvcProcess) -> None:
        self.dvc = dvc
        self.theirs = dvc.new()
        self.ours = self.theirs.with_name(f"{self.theirs.name}-ours")
        shutil.copytree(self.theirs, self.ours)

    @property
    def project(self) -> Project:
        """Assay's side, as the next command opens it."""
        return open_at(self.ours)

    def write(self, files: Files) -> None:
        """Writes (None: removes) files on both sides."""
        for root in (self.theirs, self.ours):
            write(root, files)

    def dvc_does(self, *words: str, at: Path | None = None) -> str:
        """What DVC prints, in its own folder unless told otherwise; it has to succeed."""
        said = self.dvc.run(at or self.theirs, *words)
        assert said.code == 0, (words, said.err)
        return str(said.out)

    def dvc_sees_no_change(self, at: Path | None = None) -> None:
        """DVC finds nothing to say about a folder, assay's unless told otherwise."""
        assert json.loads(self.dvc_does("status", "--json", at=at or self.ours)) == {}

    def check(self, *, modes: bool = False) -> None:
        """Both sides hold the same files, byte for byte: the workspace, the cache with its modes, the run cache.

        DVC leaves a listing in the old cache of every folder that it compares with what DVC 2 recorded; nothing ever
        needs those, and assay writes none.
        """
        ours, theirs = files(self.ours, modes=modes), files(self.theirs, modes=modes)
        strays = {path for path in theirs.keys() - ours.keys() if _LEGACY_LISTING.fullmatch(path)}
        differing = {path for path in {*ours, *theirs} - strays if ours.get(path) != theirs.get(path)}
        assert not differing, {path: (ours.get(path), theirs.get(path)) for path in sorted(differing)}

    def drop(self) -> None:
        """Removes both."""
        shutil.rmtree(self.ours)
        self.dvc.drop(self.theirs)


def open_at(root: Path) -> Project:
    """The project in a folder."""
    return open_project(str(root), World(FixedClock(), CountingIds(), environment={"PATH": os.environ["PATH"]}))


def files(root: Path, *, modes: bool = False) -> dict[str, bytes | tuple[int, bytes]]:
    """Every file of a project but Git's and what is temporary; those of the cache with their modes."""
    found: dict[str, bytes | tuple[int, bytes]] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in OWN]
        for name in names:
            path = Path(folder) / name
            relative = path.relative_to(root).as_posix()
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            in_cache = relative.startswith(".dvc/cache/") and "/runs/" not in relative
            found[relative] = (path.lstat().st_mode & 0o7777, data) if modes or in_cache else data
    return found


def cache_of(root: Path) -> set[str]:
    """The paths of all objects of a project's cache."""
    cache = root / ".dvc/cache"
    return {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}


def legacy_object(root: Path, data: bytes, *, is_dir: bool = False) -> str:
    """Puts an object where DVC 2 put it, and returns its name."""
    name = digest_bytes("md5-dos2unix", data).hex + (".dir" if is_dir else "")
    place = root / ".dvc/cache" / name[:2] / name[2:]
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(0o444)
    return name


def legacy_folder(root: Path, content: Mapping[str, bytes]) -> str:
    """Puts a folder where DVC 2 put it, and returns its name."""
    rows = [{"md5": legacy_object(root, data), "relpath": path} for path, data in sorted(content.items())]
    listing = json.dumps(rows, sort_keys=True).encode()
    return legacy_object(root, listing, is_dir=True)


def legacy_data(root: Path, path: str, content: bytes | Mapping[str, bytes]) -> None:
    """Adds data as DVC 2 did: the objects, the ``.dvc`` file, the line in .gitignore, the workspace."""
    if isinstance(content, bytes):
        write(root, {path: content})
        lines = f"- md5: {legacy_object(root, content)}\n  size: {len(content)}\n"
    else:
        write(root, {f"{path}/{name}": data for name, data in content.items()})
        size = sum(map(len, content.values()))
        lines = f"- md5: {legacy_folder(root, content)}\n  size: {size}\n  nfiles: {len(content)}\n"
    (root / f"{path}.dvc").write_text(f"outs:\n{lines}  path: {path}\n")
    with (root / ".gitignore").open("a") as file:
        file.write(f"/{path}\n")


def legacy_item(root: Path, path: str, content: bytes | Mapping[str, bytes], *, cached: bool = False) -> dict[str, Any]:
    """The entry of a lock file of DVC 2 about a path, its objects in the cache where it is an output."""
    if isinstance(content, bytes):
        name = legacy_object(root, content) if cached else digest_bytes("md5-dos2unix", content).hex
        return {"path": path, "md5": name, "size": len(content)}
    size = sum(map(len, content.values()))
    return {"path": path, "md5": legacy_folder(root, content), "size": size, "nfiles": len(content)}
