"""Only engine/disk.py changes the file system, so that one seam decides how a file becomes visible."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import ROOT, dotted, python_files, spelled

CHANGES = """
    chflags chmod chown fchmod link lchmod makedirs mkdir mkfifo mknod pwrite remove removedirs rename renames replace
    rmdir sendfile symlink truncate ftruncate unlink utime write copy_file_range
"""
WRITERS = {f"os.{name}" for name in CHANGES.split()} | {"shutil", "tempfile"}
OPENS = {"os.O_CREAT", "os.O_WRONLY", "os.O_RDWR"}
READERS = {"shutil.which", "shutil.get_terminal_size", "shutil.disk_usage", "shutil"}
PATH_METHODS = {f"?.{name}" for name in ("write_text", "write_bytes", "mkdir", "unlink", "rmdir", "touch")}
SQLITE_OWNERS = {"engine/store/statcache.py", "engine/experiments/index.py"}


def writes(source: str) -> list[str]:
    """What a source does that changes files, as "line N: name"."""
    found = []
    for line, name, call in spelled(source):
        if name in READERS:
            continue
        if name in WRITERS | OPENS | PATH_METHODS or name.partition(".")[0] in WRITERS:
            found.append(f"line {line}: {name}")
        elif call is not None and name in ("open", "io.open", "os.fdopen") and _writes_a_file(call):
            found.append(f"line {line}: open for writing")
    return found


def _writes_a_file(call: ast.Call) -> bool:
    values = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    mode = {letter for value in values if isinstance(value, ast.Constant) for letter in str(value.value)}
    return bool(mode & set("wax+")) and dotted(call.args[0]) != "os.devnull"


@pytest.mark.law(1)
@pytest.mark.parametrize(
    "path", python_files("engine", "remotes", "assay/api", "cli"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_module_but_disk_changes_the_file_system(path):
    if path == ROOT / "engine/disk.py":
        return
    assert writes(path.read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "import os\nos.replace('a', 'b')",
        "from os import unlink\nunlink('a')",
        "open('a', 'w')",
        "open('a', mode='ab')",
        "import os\nos.open('a', os.O_WRONLY | os.O_CREAT)",
        "import shutil\nshutil.rmtree('a')",
        "from pathlib import Path\nPath('a').write_text('b')",
    ],
)
def test_a_planted_writer_is_found(planted):
    assert writes(planted)


def test_only_the_two_rebuildable_databases_use_sqlite():
    users = {
        str(path.relative_to(ROOT))
        for path in python_files("engine", "remotes", "assay/api", "cli")
        if any(name.partition(".")[0] == "sqlite3" for _, name, _ in spelled(path.read_text()))
    }
    assert users <= SQLITE_OWNERS
