"""A machine with nothing: no git, no compiler, no shell tools beyond sh, no HOME, no network, no rights, read-only.

bubblewrap builds it around an existing virtual environment; one folder of it can be written, at /sandbox.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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
