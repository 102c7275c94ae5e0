"""Machines on which a command can do less than here, built by bubblewrap.

One has nothing: no git, no compiler, no shell tools beyond sh, no HOME, no network, no rights, read-only; it is built
around an existing virtual environment, and one folder of it can be written, at /sandbox. The other is this one for a
user without rights, who owns the files of one folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.programs import ROOT

SYSTEM = ("/usr/lib", "/lib64", "/usr/lib64", "/etc/ld.so.cache")
HIDDEN = ("/usr/lib/git-core", "/usr/lib/gcc", "/usr/lib/x86_64-linux-gnu/perl-base")


def base_prefix(environment: Path) -> Path:
    """The installation that a virtual environment stands on."""
    code = "import sys; print(sys.base_prefix)"
    done = subprocess.run([environment / "bin/python", "-c", code], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip()).resolve()


def command(bubblewrap: str, environment: Path, folder: Path) -> list[str]:
    """The words to put before a command that shall run there.

    Args:
        bubblewrap: Path of the ``bwrap`` program.
        environment: A virtual environment; its ``bin`` is the whole PATH.
        folder: The one folder that can be written, as /sandbox.
    """
    base = base_prefix(environment)
    words = [bubblewrap, "--unshare-all", "--new-session", "--die-with-parent", "--uid", "12345", "--gid", "12345"]
    words += ["--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in SYSTEM:
        if os.path.exists(path):
            words += ["--ro-bind", path, path]
    if os.path.islink("/lib"):
        words += ["--symlink", "usr/lib", "/lib"]
    for path in HIDDEN:
        if os.path.isdir(path):
            words += ["--tmpfs", path]
    if base == Path("/usr"):
        python = (environment / "bin/python").resolve()
        words += ["--ro-bind", str(python), str(python)]
    else:
        words += ["--ro-bind", str(base), str(base)]
    words += ["--ro-bind", str(environment), str(environment), "--ro-bind", "/bin/sh", "/bin/sh"]
    words += ["--bind", str(folder), "/sandbox", "--remount-ro", "/"]
    words += ["--setenv", "PATH", f"{environment}/bin", "--setenv", "PYTHONDONTWRITEBYTECODE", "1"]
    return [*words, "--chdir", "/sandbox"]


def another_user(
    bubblewrap: str, folder: Path, variables: Mapping[str, str], *, read_only: tuple[str, ...] = ()
) -> list[str]:
    """The words to put before assay's when somebody without rights is to work in a folder of theirs.

    Args:
        bubblewrap: Path of the ``bwrap`` program.
        folder: What they can write, and where they begin.
        variables: Further ones of the environment.
        read_only: Paths in the folder that they cannot write.
    """
    words = [bubblewrap, "--unshare-all", "--uid", "4321", "--gid", "4321", "--die-with-parent", "--ro-bind", "/", "/"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/home", "--bind", str(folder), str(folder)]
    for path in read_only:
        words += ["--ro-bind", str(folder / path), str(folder / path)]
    for name, value in {**variables, "HOME": "/home", "PYTHONPATH": str(ROOT)}.items():
        words += ["--setenv", name, value]
    return [*words, "--chdir", str(folder), sys.executable, "-m", "assay"]
