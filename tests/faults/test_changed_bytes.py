"""A remote hands over other bytes of the same length: nothing of them gets in, and what they came as is named.

Each kind of file that a pull receives, in projects of both kinds. What has a checksum of its own inside is also
changed in such a way that this one is right again, so that only the file's name tells.
"""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import IDENTITY, in_this_process

SOUND, EVIL = b"sound and whole\n", b"other and evil.\n"
LARGE = 300_000
SHORT_LISTING = b'"relpath": "b"', b'"relpath": "c"'
PIPELINE = "stages:\n  s:\n    cmd: cp p.yaml out\n    deps: [p.yaml]\n    outs: [out]\n"


class Case(NamedTuple):
    """One kind of file on a remote.

    Attributes:
        layout: The kind of project.
        ending: How its path ends.
        is_it: Whether these bytes are its content.
        change: What comes instead.
    """

    layout: str
    ending: str
    is_it: Callable[[bytes], bool]
    change: Callable[[bytes], bytes]


def is_large(data: bytes) -> bool:
    return data.startswith(SOUND) and len(data) > LARGE // 2


def is_pack(data: bytes) -> bool:
    return SOUND in data


def is_git_pack(data: bytes) -> bool:
    return data.startswith(b"PACK")


def evil(data: bytes) -> bytes:
    return data.replace(SOUND, EVIL)


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def resealed(pack: bytes) -> bytes:
    """A sound Git pack whose first object is another one."""
    start = next(at for at in range(12, 40) if not pack[at] & 0x80) + 1
    inflate = zlib.decompressobj()
    content = inflate.decompress(pack[start:-20])
    rest = inflate.unused_data
    room = len(pack) - 20 - start - len(rest)
    for place in range(len(content) - 2, 0, -1):
        for level in range(10):
            squeezed = zlib.compress(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :], level)
            if len(squeezed) == room:
                body = pack[:start] + squeezed + rest
                return body + sha1(body).digest()
    raise AssertionError("no other content takes as many bytes")


CASES = {
    "a loose object": Case("native", "", is_large, evil),
    "a pack": Case("native", ".pack", is_pack, evil),
    "a Git pack": Case("native", ".pack", is_git_pack, flipped),
    "a Git pack that is sound but another one": Case("native", ".pack", is_git_pack, resealed),
    "a Git pack of a DVC project": Case("dvc", ".pack", is_git_pack, resealed),
    "a file of DVC's layout": Case("dvc", "", lambda data: data == SOUND, evil),
    "a large file of DVC's layout": Case("dvc", "", is_large, evil),
    "a listing of DVC's layout": Case("dvc", ".dir", lambda _: True, lambda data: data.replace(*SHORT_LISTING)),
}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each kind of project a remote to which it was pushed, and a clone of it that has no data yet."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**IDENTITY, "HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        return {layout: pushed(layout, tmp_path_factory.mktemp(layout)) for layout in ("native", "dvc")}


def pushed(layout: str, folder: Path) -> Path:
    from assay.cli.main import main

    assay = in_this_process(main, here := folder / "here")
    here.mkdir()
    assay("init", *(["--dvc"] if layout == "dvc" else []))
    sound = SOUND.decode()
    texts = {"data/a": sound, "data/b": "b", "large": sound * (LARGE // len(sound)), "p.yaml": "lr: 1\n"}
    for name, text in {**texts, "dvc.yaml": PIPELINE}.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text)
    assay("add", "data", "large")
    assay("remote", "add", "-d", "store", "../remote")
    assay("baseline", "-m", "first")
    subprocess.run(["git", "clone", "-q", "--no-local", "../here", "../there"], cwd=here, check=True)
    assay("run", "-n", "one")
    assay("push")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def git_objects(git: Callable[..., str], folder: Path) -> set[str]:
    said = git("cat-file", "--batch-check", "--batch-all-objects", cwd=folder)
    return {line.split()[0] for line in said.splitlines()}


@pytest.mark.law(3)
@pytest.mark.parametrize("name", CASES)
def test_what_a_remote_has_changed_gets_nowhere_and_is_named(
    name: str,
    templates: dict[str, Path],
    assay: Callable[..., Any],
    assay_dvc: Callable[..., Any],
    git: Callable[..., str],
    tmp_path: Path,
) -> None:
    case = CASES[name]
    shutil.copytree(templates[case.layout], tmp_path, dirs_exist_ok=True, symlinks=True)
    remote, there = tmp_path / "remote", tmp_path / "there"
    known = git_objects(git, tmp_path / "here")
    [path] = [path for path in remote.rglob("*") if path.is_file() and str(path).endswith(case.ending)
              and case.is_it(path.read_bytes())]  # fmt: skip
    sound = path.read_bytes()
    changed = case.change(sound)
    assert changed != sound
    assert len(changed) == len(sound)
    path.chmod(0o644)
    path.write_bytes(changed)

    said = [assay("pull", cwd=there, code=None)]
    if case.layout == "dvc" and not is_git_pack(sound):
        said.append(assay_dvc("pull", cwd=there, code=None))
    for answer in said:
        assert answer.code in (1, 255)
        assert f"{path.relative_to(remote)} is damaged" in answer.err
    here = files(there)
    assert not [found for found, data in here.items() if EVIL in data or SHORT_LISTING[1] in data or data == changed]
    assert "data/c" not in here
    assert git_objects(git, there) <= known
    assert git("for-each-ref", "refs/exps", cwd=there) == "" or not is_git_pack(sound)
    git("fsck", "--strict", "--no-dangling", cwd=there)

    path.write_bytes(sound)
    assay("pull", cwd=there)
    assert (there / "data/a").read_bytes() == SOUND
    assert is_large((there / "large").read_bytes())
    assert "one" in git("for-each-ref", "refs/exps", cwd=there)


@pytest.mark.law(3)
def test_what_a_git_repository_has_changed_gets_nowhere(
    templates: dict[str, Path], assay_dvc: Callable[..., Any], git: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copytree(templates["dvc"], tmp_path, dirs_exist_ok=True, symlinks=True)
    here, there = tmp_path / "here", tmp_path / "there"
    known = git_objects(git, there)
    commit = git("for-each-ref", "--format=%(objectname)", "refs/exps", cwd=here).split()[0]
    loose = here / ".git/objects" / commit[:2] / commit[2:]
    content = zlib.decompress(loose.read_bytes())
    loose.chmod(0o644)
    loose.write_bytes(zlib.compress(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]))
    said = assay_dvc("exp", "pull", str(here), "one", cwd=there, code=None)
    assert said.code not in (0, None)
    assert f"{commit[:2]}/{commit[2:]} is damaged" in said.err
    assert git("for-each-ref", "refs/exps", cwd=there) == ""
    assert git_objects(git, there) <= known
    git("fsck", "--strict", "--no-dangling", cwd=there)
