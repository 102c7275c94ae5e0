"""The wheel holds every package, and the root folders never show up as packages of their own."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.sources import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_package_list_matches_the_folders():
    found = {"assay", "assay.api"}
    for folder in ("engine", "remotes", "cli"):
        for init in (ROOT / folder).rglob("__init__.py"):
            found.add(".".join(("assay", *init.parent.relative_to(ROOT).parts)))
    assert set(settings()["tool"]["setuptools"]["packages"]) == found


def test_every_folder_with_modules_is_a_package():
    for folder in ("engine", "remotes", "cli"):
        for module in (ROOT / folder).rglob("*.py"):
            if "demo_project" not in module.parts:
                assert (module.parent / "__init__.py").exists(), module


def test_the_version_is_said_once_in_words_and_once_in_code():
    from assay import __version__

    assert settings()["project"]["version"] == __version__


def test_root_folders_are_never_imported_by_their_own_name():
    code = (
        "import sys, assay.cli.main, assay.engine.project, assay.remotes\n"
        "assert not {'engine', 'remotes', 'cli'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_links_of_the_front_door_point_to_the_root_folders():
    for name in ("engine", "remotes", "cli"):
        assert (ROOT / "assay" / name).is_symlink()
        assert (ROOT / "assay" / name).resolve() == ROOT / name
