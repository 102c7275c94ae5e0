"""Where secrets may stand: in the file that is never shared, or outside the project."""

from __future__ import annotations

from assay.cli.wiring import Context


def level_for(key: str, level: str | None, context: Context) -> str | None:
    """The level that a setting goes to when ``level`` was asked for: that of this clone, where it is a secret.

    Raises:
        ConfigError: It is a secret, and the file that everybody shares was asked for by name.
    """
    from assay.engine.errors import ConfigError
    from assay.engine.events import Note
    from assay.engine.vocabulary import SECRET

    if key not in SECRET or level in ("local", "global", "system"):
        return level
    if level == "project":
        raise ConfigError(f"{key} is a secret, and everybody who has the project has that file.", "Use --local.")
    path = context.project().layout.config[1]
    context.report(Note(f"{key} is a secret: it goes into {path}, which is never committed."))
    return "local"
