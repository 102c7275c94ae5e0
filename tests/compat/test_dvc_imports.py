"""``.dvc`` files of every form: assay reads what DVC reads, refuses what it refuses, and writes what it writes.

Imports are shown, checked out from the cache and committed; nothing of where they came from is asked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.engine.data.add import add
from assay.engine.data.checkout import checkout
from assay.engine.data.commit import commit
from assay.engine.data.status import status
from assay.engine.errors import BadInput
from assay.engine.pipeline import datafile
from assay.engine.pipeline.importsum import stage_md5
from tests.dvcpairs import Pair
from tests.dvcprocess import DvcProcess
from tests.dvcsides import commit as git_commit
from tests.filetree import write

MD5 = "d41d8cd98f00b204e9800998ecf8427e"
OUT = f"outs:\n- md5: {MD5}\n  size: 1\n  hash: md5\n  path: a\n"
REPO = "deps:\n- path: d\n  repo:\n    url: ../x\n"


def out(lines: str) -> str:
    """A file that tracks ``a``, with these lines about it."""
    return OUT + "".join(f"  {line}\n" for line in lines.splitlines())


def only(lines: str) -> str:
    """A file that tracks one path, with these lines about it alone."""
    first, *rest = lines.splitlines()
    return f"outs:\n- {first}\n" + "".join(f"  {line}\n" for line in rest)


FILES = f"files:\n- relpath: a.txt\n  md5: {MD5}\n  size: 2\n  cloud: {{r: {{etag: abc, version_id: v1}}}}\n"
GOOD = [
    OUT,
    "",
    "outs:\n",
    "\ufeff" + OUT,
    OUT.replace("\n", "\r\n"),
    f"wdir: sub\n{OUT}",
    f"wdir:\n{OUT}",
    f"wdir: ./sub/\n{REPO}{OUT}",
    f"frozen: true\n{OUT}",
    f"locked: true\n{REPO}{OUT}",
    f"desc: hello\nmeta: {{a: [1, 2]}}\nalways_changed: true\n{REPO}{OUT}",
    f"always_changed: false\nfrozen: false\n{REPO}{OUT}",
    f"md5: {MD5}\n{OUT}",
    f"md5: ''\n{OUT}",
    out("cache: false"),
    REPO + out("cache: true\npush: true\npersist: false\nlabels: []"),
    REPO + out("persist: true\nremote: r\npush: false\ndesc: d\ntype: t\nlabels: [a, b]\nmeta: {x: 1}"),
    REPO + out("etag: abc\nversion_id: v1\nisexec: true"),
    REPO + out("cloud:\n  r:\n    etag: abc\n    version_id: v"),
    REPO + out("cloud: {}"),
    REPO + out("fs_config: {}"),
    only(f"md5: {MD5}\npath: a"),
    only(f"md5: {MD5}.dir\nsize: 3\nnfiles: 2\npath: a"),
    only("hash: md5\npath: a"),
    REPO + only("path: a"),
    REPO + only(f"md5: {MD5}\npath: ./b/../a"),
    only("path: a/"),
    "outs:\n- path: a\n- path: b\n",
    only("path: v\nhash: md5\n" + FILES),
    REPO + only("path: v\nhash: md5\n" + FILES),
    only("path: v\n" + FILES),
    only("path: v\nhash: md5\nfiles: []"),
    f"md5: {MD5}\nfrozen: true\n{REPO}    rev: m\n    rev_lock: abc\n    config: {{a: {{}}}}\n    remote: r\n{OUT}",
    f"{REPO}    rev: ''\n    remote: {{url: y}}\n    config: {{}}\n{OUT}",
    f"deps:\n- etag: '\"Abc\"'\n  size: 3\n  hash: md5\n  path: https://x.org/y\n{OUT}",
    f"deps:\n- checksum: abc\n  path: https://x.org/y\n{OUT}",
    f"deps:\n- md5: {MD5}\n  path: ../t\n  persist: true\n{OUT}",
    f"deps:\n- md5: {MD5}\n  path: ./sub/../t\n{OUT}",
    f"deps:\n- path: t\n{OUT}",
    f"deps:\n- hash: md5\n  path: /abs/t\n{OUT}",
    f"deps:\n- path: t\n  hash: md5\n  {FILES.replace(chr(10), chr(10) + '  ')}\n{OUT}",
    f"deps:\n- db:\n    query: select 1\n    connection: c\n    table: ''\n    file_format: csv\n{OUT}",
]
BAD = [
    "- a\n",
    "outs: {a: 1}\n",
    "outs: 3\n",
    "outs: [a]\n",
    "outs: [\n",
    f"foo: 1\n{OUT}",
    f"cmd: x\n{OUT}",
    f"true: 1\n{OUT}",
    f"wdir: 3\n{OUT}",
    f"frozen: yes\n{OUT}",
    f"locked: 1\n{OUT}",
    f"desc: 3\n{OUT}",
    f"always_changed: x\n{OUT}",
    f"md5: ab\n{OUT}",
    *(
        out(line)
        for line in ("cache: x", "remote: 1", "desc:", "labels: a", "labels: [1]", "metric: true", "plot: true")
    ),
    *(out(line) for line in ("foo: 1", "version_id: 3", "cloud: 3", "fs_config: 2", "isexec: 1", "files: {}")),
    out("cloud:\n  r: {etag: abc}\n  s: {etag: abc}"),
    *(only(f"md5: {MD5}\n{line}\npath: a") for line in ("size: x", "size:", "nfiles: x", "hash:")),
    only(f"md5: {MD5}"),
    only("path: 3"),
    only("path: x.dvc"),
    only("path: dvc.yaml"),
    only("md5: [1]\npath: a"),
    only("path: a\npath: b"),
    "outs: []\nouts: []\n",
    "outs: []\n---\nouts: []\n",
    "outs: !!python/object/apply:os.system ['true']\n",
    only("path: v\nhash: md5\nfiles:\n- md5: abc"),
    only("path: v\nhash: md5\nfiles:\n- relpath: a\n  foo: 1"),
    f"deps:\n- path: d\n  repo:\n    rev: x\n{OUT}",
    f"deps:\n- path: d\n  repo:\n    url: u\n    foo: 1\n{OUT}",
    f"deps:\n- path: d\n  repo:\n{OUT}",
    f"deps:\n- db:\n    foo: 1\n{OUT}",
    f"deps:\n- size: 3\n{OUT}",
    f"deps:\n- path: x\n  foo: 1\n{OUT}",
    f"deps:\n- path: x\n  cache: true\n{OUT}",
    f"deps: {{a: 1}}\n{OUT}",
    f"deps: [a]\n{OUT}",
]


@pytest.fixture(scope="module")
def judged(dvc_process: DvcProcess) -> Iterator[dict[str, Any]]:
    """What DVC makes of each text: a map, or the sentence that refuses it."""
    root = dvc_process.new()
    (root / "sub").mkdir()
    found = dvc_process.ask("data_files", root, texts=[*GOOD, *BAD], name="t.dvc")
    assert found["error"] is None, found["trace"]
    yield dict(zip([*GOOD, *BAD], found["found"], strict=True))
    dvc_process.drop(root)


@pytest.mark.parametrize("text", GOOD)
def test_what_dvc_reads_is_read_alike(judged: dict[str, Any], text: str) -> None:
    theirs = judged[text]
    assert isinstance(theirs, dict), theirs
    file = datafile.parse(text, "t.dvc")
    assert [(found.path, found.cache) for found in file.outs] == [(one["path"], one["cache"]) for one in theirs["outs"]]
    for ours, one in zip(file.outs, theirs["outs"], strict=True):
        assert (ours.artifact.digest.text if ours.artifact else None) == one["digest"]
        if ours.artifact is not None:
            told = (ours.artifact.digest.algo, ours.artifact.size, ours.artifact.nfiles, ours.artifact.is_exec)
            assert told == (one["hash"], one["size"], one["nfiles"], one["isexec"])
    if file.is_import:
        assert stage_md5(yaml.safe_load(text.removeprefix("\ufeff")), file.wdir) == theirs["md5"]


@pytest.mark.parametrize("text", BAD)
def test_what_dvc_refuses_is_refused_with_its_place(judged: dict[str, Any], text: str) -> None:
    assert isinstance(judged[text], str), judged[text]
    with pytest.raises(BadInput, match=r"^t\.dvc"):
        datafile.parse(text, "t.dvc")


LOCAL = f"deps:\n- md5: {MD5}\n  size: 0\n  hash: md5\n  path: ../gone\n"
LEGACY = "deps:\n- etag: '\"abc\"'\n  size: 0\n  path: https://example.org/x\n"
SOURCES = {"t": REPO, "dd2": f"{REPO}    rev: main\n    rev_lock: abc\n", "f": LOCAL, "g": LEGACY, "sub/out": LOCAL}


@pytest.fixture
def imported(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A project with imports whose sources are gone, twice."""
    pair = Pair(dvc_process)
    pair.write({name: name.encode() for name in NAMES})
    pair.dvc_does("add", *SOURCES)
    texts = {name: (pair.theirs / f"{name}.dvc").read_text() for name in SOURCES}
    texts["later"] = "outs:\n- hash: md5\n  path: later\n"
    sources = {**SOURCES, "later": LOCAL}
    whole = {name: f"frozen: true\n{sources[name]}{text}" for name, text in texts.items()}
    for name, text in whole.items():  # one by one, since what lies below a folder is relative to it
        at = (pair.theirs / name).parent
        found = dvc_process.ask("data_files", at, texts=[text], name="judged.dvc")["found"][0]
        (pair.theirs / f"{name}.dvc").write_text(f"md5: {found['md5']}\n{text}")
    shutil.rmtree(pair.ours)
    shutil.copytree(pair.theirs, pair.ours, symlinks=True)
    yield pair
    pair.drop()


NAMES = ["t", "dd2/a", "dd2/b", "f", "g", "sub/out/f", "sub/out/s/g"]


def test_imports_are_shown_without_their_source(imported: Pair) -> None:
    found = status(imported.project)
    assert {*found.uncommitted.deleted, *found.not_in_cache} == {"later"}
    assert not any((found.uncommitted.added, found.uncommitted.modified, found.uncommitted.renamed))


@pytest.fixture
def promised(dvc_process: DvcProcess, tmp_path: Path) -> Iterator[Pair]:
    """A file and a folder that were imported without being downloaded, committed."""
    found = Pair(dvc_process)
    write(tmp_path, {"file": b"7\n", "folder/x": b"1\n"})
    for name in ("file", "folder"):
        found.dvc_does("import-url", "--no-download", str(tmp_path / name), name)
    found.write({name: (found.theirs / name).read_bytes() for name in ("file.dvc", "folder.dvc", ".gitignore")})
    for root in (found.ours, found.theirs):
        git_commit(root)
    yield found
    found.drop()


def statuses(pair: Pair, assay_dvc: Callable[..., Any]) -> tuple[Any, Any]:
    """What both tell of the data: assay, DVC."""
    words = ("data", "status", "--json", "--unchanged")
    told = assay_dvc(*words, cwd=pair.ours).out, pair.dvc_does(*words)
    ours, theirs = (
        {name: sorted(part) if isinstance(part, list) else part for name, part in json.loads(text).items()}
        for text in told
    )
    return ours, theirs


def test_an_import_that_was_not_downloaded_is_told_as_by_dvc(promised: Pair, assay_dvc: Callable[..., Any]) -> None:
    seen = []
    for content in ({}, {"file": b"other"}, {"file": b"7\n"}, {"file.dvc": None}):
        promised.write(content)
        ours, theirs = statuses(promised, assay_dvc)
        assert ours == theirs
        seen.append(ours)
    assert seen[0]["uncommitted"] == {"deleted": ["file", "folder/"]}
    assert seen[2]["not_in_cache"] == ["file", "folder/"]
    said = promised.dvc.run(promised.theirs, "checkout")
    ours = assay_dvc("checkout", cwd=promised.ours, code=said.code)
    assert "folder was not fetched" in ours.err


def test_a_folder_of_which_a_file_has_no_digest_is_told_as_by_dvc(
    dvc_process: DvcProcess, assay_dvc: Callable[..., Any]
) -> None:
    pair = Pair(dvc_process)
    pair.write({"d/a": b"1\n", "d/b": b"2\n"})
    for root, do in ((pair.theirs, pair.dvc_does), (pair.ours, lambda *words: assay_dvc(*words, cwd=pair.ours))):
        do("add", "d")
        git_commit(root)
    rows = f"  - relpath: a\n    size: 2\n  - relpath: b\n    md5: {MD5}\n    size: 2\n"
    pair.write({"d.dvc": f"outs:\n- path: d\n  hash: md5\n  files:\n{rows}".encode()})
    ours, theirs = statuses(pair, assay_dvc)
    assert ours == theirs
    assert ours["uncommitted"] == {"modified": ["d/"]}
    pair.drop()


def test_imports_come_back_from_the_cache(imported: Pair) -> None:
    before = {name: (imported.ours / name).read_bytes() for name in NAMES}
    for name in NAMES:
        (imported.ours / name).unlink()
    checkout(imported.project)
    assert {name: (imported.ours / name).read_bytes() for name in NAMES} == before
    imported.check()


def test_an_edited_import_gets_the_checksum_that_dvc_gives_it(imported: Pair) -> None:
    imported.write({"t": b"edited", "dd2/new": b"n", "later": b"now", "g": b"G", "sub/out/f": b"F"})
    edited = ("t", "dd2", "later", "g", "sub/out")
    found = imported.dvc.ask("commit_outs", imported.theirs, targets=[f"{name}.dvc" for name in edited])
    assert found["error"] is None, found["trace"]
    done = commit(imported.project)
    assert set(done.written) >= {f"{name}.dvc" for name in edited}
    imported.check()


def test_an_import_is_not_added_over(imported: Pair) -> None:
    with pytest.raises(Exception, match=r"t is imported by t\.dvc"):
        add(imported.project, ["t"])


def differing(pair: Pair, assay_dvc: Callable[..., Any], *words: str) -> tuple[Any, Any]:
    """What both say differs, as JSON with its lists in order: assay, DVC."""
    told = assay_dvc(*words, "--json", cwd=pair.ours).out, pair.dvc_does(*words, "--json")

    def plain(said: Any) -> Any:
        if isinstance(said, dict):
            return {key: plain(value) for key, value in said.items()}
        return sorted(map(plain, said), key=str) if isinstance(said, list) else said

    ours, theirs = (plain(json.loads(text)) for text in told)
    return ours, theirs


def test_what_was_never_downloaded_differs_as_with_dvc(promised: Pair, assay_dvc: Callable[..., Any]) -> None:
    for content in ({}, {"file": b"other"}, {"file": b"7\n"}):
        promised.write(content)
        ours, theirs = differing(promised, assay_dvc, "diff", "--targets", "file")
        assert ours == theirs


@pytest.fixture
def partly(dvc_process: DvcProcess) -> Iterator[Pair]:
    """A folder of which one file has no digest, and an import from a repository that was not downloaded; committed."""
    found = Pair(dvc_process)
    text = f"outs:\n- path: v\n  hash: md5\n  files:\n  - {{relpath: a, md5: {MD5}, size: 0}}\n  - {{relpath: b}}\n"
    source = dvc_process.new()
    write(source, {"g.txt": b"g"})
    git_commit(source)
    found.dvc_does("import", "--no-download", str(source), "g.txt", "-o", "later")
    later = (found.theirs / "later.dvc").read_bytes()
    found.write({"v.dvc": text, "later.dvc": later, "v/a": b"", "v/b": b"2", ".gitignore": b"/v\n/later\n"})
    for root in (found.ours, found.theirs):
        git_commit(root)
    yield found
    found.drop()


@pytest.mark.parametrize("words", [["diff"], ["data", "status", "--granular"]], ids=" ".join)
def test_a_file_without_a_digest_is_told_as_by_dvc(
    partly: Pair, assay_dvc: Callable[..., Any], words: list[str]
) -> None:
    for content in ({}, {"v/a": b"1", "later": b"x"}, {"v/b": None}):
        partly.write(content)
        ours, theirs = differing(partly, assay_dvc, *words)
        assert ours == theirs
