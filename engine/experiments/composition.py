"""params.yaml composed from a configuration with Hydra, where the setting ``hydra.enabled`` says so.

It is made anew for each run from ``<hydra.config_dir>/<hydra.config_name>.yaml`` and the overrides that are about it,
which then have all of Hydra's grammar: they choose options of groups, too. Who composes is a port, for it may run code
of the project's.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from assay.engine.errors import ConfigError, Refused
from assay.engine.model import Override
from assay.engine.params.locate import DEFAULT_FILE as FILE
from assay.engine.ports import Configuration
from assay.engine.project import Project

__all__ = ["FILE", "Composed", "compose"]


class Composed(NamedTuple):
    """The content of params.yaml for one run, and the overrides that are about other files."""

    text: bytes
    others: tuple[Override, ...]


def compose(project: Project, runs: Sequence[Sequence[Override]], folder: str) -> list[Composed]:
    """Composes params.yaml for each of several runs.

    Args:
        project: The project.
        runs: The overrides of each; those that name no file are about params.yaml.
        folder: Project path of the folder that their files are relative to.

    Raises:
        Refused: Nothing here composes, or it says no.
        ConfigError: The settings contradict each other.
    """
    configuration = _configuration(project)
    composer = project.world.composer
    if composer is None:
        raise Refused("hydra.enabled asks for parameters that Hydra composes, and nothing here does that.")
    words, others = [], []
    for overrides in runs:
        about = [_is_about(project, override, folder) for override in overrides]
        words.append([_word(override) for override, is_ours in zip(overrides, about, strict=True) if is_ours])
        others.append(tuple(override for override, is_ours in zip(overrides, about, strict=True) if not is_ours))
    texts = composer.compose(configuration, words, project.root)
    return [Composed(text.encode("utf-8"), rest) for text, rest in zip(texts, others, strict=True)]


def _configuration(project: Project) -> Configuration:
    """What to compose, as DVC's settings say it; folders are relative to the project's root."""
    settings = project.config.section("hydra")
    module = settings.get("config_module", "")
    if module and settings.get("config_dir"):
        raise ConfigError(
            "hydra.config_dir and hydra.config_module are both set, and a configuration lies in one place.",
            "Unset one of them, as in `assay config --unset hydra.config_dir`.",
        )
    folder = "" if module else os.path.join(project.root, settings.get("config_dir") or "conf")
    plugins = os.path.join(project.root, settings.get("plugins_path", ""))
    return Configuration(folder, module, settings.get("config_name") or "config", plugins)


def _is_about(project: Project, override: Override, folder: str) -> bool:
    """Whether an override is about the composed file, rather than about one that lies in the folder itself."""
    if override.file is None:
        return True
    there = posixpath.normpath(posixpath.join(folder, override.file))
    return there == FILE or (posixpath.normpath(override.file) == FILE and project.read(there) is None)


def _word(override: Override) -> str:
    return override.text if override.file is None else override.text[len(override.file) + 1 :]
