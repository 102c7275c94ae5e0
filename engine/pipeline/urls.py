"""URLs that stages read and write: how they are told, and what their servers say of them.

Servers are asked through a port, once a URL until a command has run. What the user put into a URL to get in (a name, a
password, a query) is shown nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from assay.engine.errors import ConfigError, RemoteError
from assay.engine.ports import UrlState

if TYPE_CHECKING:
    from assay.engine.pipeline.stage import Stage
    from assay.engine.project import Project

Unknown = RemoteError | ConfigError
"""Why nothing is known of a URL."""


def shown(url: str) -> str:
    """A URL without user name, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket without its other half
        return url.partition("://")[0] + "://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_login(path: str) -> str:
    """A path or URL as it is, but for a user name and a password in it."""
    scheme, mark, rest = path.partition("://")
    host, slash, below = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{below}" if mark else path


class Urls:
    """What servers say of URLs, remembered until it is to be forgotten.

    Args:
        project: Knows the remotes and who can be asked.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[str, UrlState | Unknown | None] = {}

    def at(self, url: str) -> UrlState | Unknown | None:
        """What is at a URL, None when nothing is, or the error that says why that is not known."""
        if url not in self._known:
            self._known[url] = self._ask(url)
        return self._known[url]

    def forget(self) -> None:
        """Asks anew from now on: a command may have written anything."""
        self._known.clear()

    def _ask(self, url: str) -> UrlState | Unknown | None:
        outside = self._project.world.outside
        if outside is None:
            return ConfigError(f"{shown(url)} cannot be asked for here.")
        try:
            return outside.state(url, self._project.config.named("remote"))
        except (RemoteError, ConfigError) as error:
            return error


def told(stage: Stage, does: str, url: str, error: Unknown) -> Unknown:
    """The error to raise when a stage needs to know of a URL; ``does`` is "reads" or "writes"."""
    message = f"Stage {stage.address} {does} {shown(url)}, and what is there cannot be told: {error.message}"
    return type(error)(message, error.hint)
