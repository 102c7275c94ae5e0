"""The variables that the stages of an experiment find, beside those that every stage has.

Loggers know by them which experiment they write for, and where somebody may watch it. They are DVC's, so that what was
written for DVC works here; nothing of them is written to disk.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.engine.model import Oid
from assay.engine.project import Project

_STUDIO = {"token": "DVC_STUDIO_TOKEN", "url": "DVC_STUDIO_URL", "repo_url": "DVC_STUDIO_REPO_URL"}


def variables(project: Project, baseline: Oid, name: str) -> Mapping[str, str]:
    """What stages are told of their experiment.

    Args:
        project: The project; ``studio.token``, ``studio.url`` and ``studio.repo_url`` are handed on unless
            ``studio.offline`` is set. A variable that is set already wins.
        baseline: The commit that the experiment starts from.
        name: Its name.
    """
    found = {"DVC_EXP_BASELINE_REV": baseline.hex(), "DVC_EXP_NAME": name}
    settings = project.config.section("studio")
    if settings.get("token") and not project.config.flag("studio", "offline"):
        known = project.world.environment
        found.update({word: settings[key] for key, word in _STUDIO.items() if key in settings and word not in known})
    return found
