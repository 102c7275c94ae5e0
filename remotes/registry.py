"""The remotes that a project knows: sections ``remote "name"`` of its configuration, and ``core.remote``.

A path that is not absolute is relative to the folder of the configuration file that holds it, as in DVC, so that a
remote next to the project is found from every clone. Credentials belong in ``.assay/config.local``; a URL that holds
some is refused, and none is ever shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from assay.engine import settings
from assay.engine.config import Config, read, to_store
from assay.engine.configtext import edited, parse
from assay.engine.errors import ConfigError, UsageError
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.remotes.stores.kinds import KINDS

if TYPE_CHECKING:
    from assay.remotes.s3.store import S3Settings, S3Store
    from assay.remotes.s3.versions import VersionedStore

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_COMMON = ("url", "jobs", "git-remote", "git_remote")
_WRITING = {
    "sse": "ServerSideEncryption", "sse_kms_key_id": "SSEKMSKeyId", "acl": "ACL", "grant_read": "GrantRead",
    "grant_read_acp": "GrantReadACP", "grant_write_acp": "GrantWriteACP", "grant_full_control": "GrantFullControl",
}  # fmt: skip
"""Settings that go along with what is written to S3, and the words of its API for them."""
_S3_KEYS = (
    "endpointurl", "region", "profile", "access_key_id", "secret_access_key", "session_token", "ssl_verify", "use_ssl",
    "allow_anonymous_login", "addressing_style", "connect_timeout", "read_timeout", "credentialpath", "configpath",
    *_WRITING,
)  # fmt: skip
_SCHEMES: Mapping[str, tuple[str, ...]] = {
    "": (), "file": (), "memory": (), "s3": _S3_KEYS, **{scheme: kind.words for scheme, kind in KINDS.items()},
}  # fmt: skip
_PATHS = ("credentialpath", "configpath", "keyfile", "known_hosts", "cert_path", "key_path")
"""Settings that are paths: relative to the folder of the configuration file that has them."""
_PROGRAMS = ("configpath", "credentialpath")
"""Those of files that may name a program which says who asks."""
_SHARED = ("project", "import")
"""The layers of a configuration that others write, too."""
_WITHOUT_EFFECT = (
    "checksum_jobs", "listobjects", "no_traverse", "protected", "slow_link_warning", "type", "verify", "version_aware",
    "worktree",
)  # fmt: skip
"""Settings of DVC that ask for what is always done here, or for nothing that makes a difference."""


class Remote(NamedTuple):
    """A remote, ready to be opened.

    Attributes:
        name: What the user calls it.
        url: Where it is, without credentials; a path is absolute.
        settings: The other keys of its section.
        direct: False where a proxy may stand before it, so that only clients that find proxies may ask.
        own: Paths among the settings that nobody but the user has written there.
    """

    name: str
    url: str
    settings: Mapping[str, str]
    direct: bool = True
    own: frozenset[str] = frozenset()

    @property
    def scheme(self) -> str:
        """The kind of store: "s3", "file", "memory", one of `kinds.KINDS`, or empty for a path."""
        return _scheme(self.url)

    @property
    def jobs(self) -> int:
        """How many transfers at once. Raises ConfigError."""
        return _number(self, "jobs", 16 if _takes_many(self.scheme) else 4)


def remotes(project: Project) -> dict[str, str]:
    """The URL of every remote by its name, as it may be shown, in the order of the configuration."""
    named = project.config.named("remote")
    return {name: _resolved(shown(keys.get("url", "")), _base(project.config, name)) for name, keys in named.items()}


def default_name(project: Project) -> str:
    """The remote that is used when none is named: ``core.remote``, else the only one, else none (empty)."""
    return _default(project.config)


def _default(config: Config) -> str:
    names = list(config.named("remote"))
    return config.get("core", "remote") or (names[0] if len(names) == 1 else "")


def limited(remote: Remote, jobs: int | None) -> Remote:
    """The remote with so many transfers at once, or as it is configured when None. Raises UsageError."""
    if jobs is None:
        return remote
    if jobs < 1:
        raise UsageError(f"-j takes a number from 1 upwards, not {jobs}.")
    return remote._replace(settings={**remote.settings, "jobs": str(jobs)})


def find(project: Project, name: str | None = None) -> Remote:
    """A remote by its name, or the default one.

    Raises:
        ConfigError: There is none of that name, none at all, or no default among several.
    """
    return find_in(project.config, name)._replace(direct=not is_proxied(project.world.environment))


def find_in(config: Config, name: str | None = None) -> Remote:
    """A remote that some settings know. Arguments and errors are those of `find`."""
    known = config.named("remote")
    wanted = (name or _default(config)).lower()
    if not wanted and not known:
        raise ConfigError("This project has no remote.", "Add one: `assay remote add -d origin URL`.")
    if not wanted:
        raise ConfigError(
            f"There are {len(known)} remotes and none is the default.",
            "Say which with -r, or make one the default: `assay remote default NAME`.",
        )
    if wanted not in known:
        from difflib import get_close_matches

        near = get_close_matches(wanted, known, 1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known) or 'none'}."
        raise ConfigError(f"There is no remote {wanted!r}.", hint)
    return _described(config, wanted, known[wanted])


def is_proxied(environment: Mapping[str, str]) -> bool:
    """Whether the variables of a process name a proxy; what they except from it is not looked at."""
    words = ("http_proxy", "https_proxy", "all_proxy")
    return any(environment.get(word) or environment.get(word.upper()) for word in words)


def add(project: Project, name: str, url: str, *, folder: str, default: bool = False, force: bool = False) -> Remote:
    """Writes a remote into the project's configuration and returns it.

    Args:
        project: The project; its own ``config`` keeps the old state.
        name: What to call it.
        url: Where it is; a relative path is relative to ``folder``.
        folder: Absolute path of the folder where the URL was typed.
        default: Whether to make it the default as well.
        force: Whether to replace one of that name.

    Raises:
        UsageError: The name or the URL cannot be used.
        ConfigError: There is one of that name already.
    """
    check_name(name)
    name = name.lower()
    if name in project.config.named("remote") and not force:
        raise ConfigError(f"There is a remote {name!r} already.", "Use another name, or --force to replace its URL.")
    path = f"{project.root}/{project.layout.config[0]}"
    stored = to_store(checked_url(url), folder, os.path.dirname(path))
    text = edited(read(path), f'remote "{name}"', "url", stored)
    if default:
        text = edited(text, "core", "remote", name)
    _write(path, text)
    return Remote(name, _resolved(stored, os.path.dirname(path)), {})


def check_name(name: str) -> None:
    """Raises UsageError for a name that no remote can have."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a remote.", "Use letters, digits, '-', '_' and '.'.")


def make_default(project: Project, name: str) -> None:
    """Writes ``core.remote``. Raises ConfigError when there is no such remote."""
    name = find(project, name).name
    path = f"{project.root}/{project.layout.config[0]}"
    _write(path, edited(read(path), "core", "remote", name))


def keep_local(project: Project, remote: Remote, *, default: bool) -> None:
    """Writes a remote with its settings into the local configuration, which is never shared."""
    path = f"{project.root}/{project.layout.config[1]}"
    text = read(path)
    for key, value in {"url": remote.url, **remote.settings}.items():
        text = edited(text, f'remote "{remote.name}"', key, value)
    if default:
        text = edited(text, "core", "remote", remote.name)
    _write(path, text)


def checked_url(url: str) -> str:
    """The URL itself. Raises UsageError when no remote can have it."""
    if not url or "\0" in url or "\n" in url:
        raise UsageError("The URL of a remote is missing.", "It is a folder, or s3://BUCKET/PREFIX.")
    scheme = _scheme(url)
    if scheme not in _SCHEMES:
        raise UsageError(
            f"{shown(url)}: remotes of the kind {scheme}:// are not supported.",
            f"Use a folder, s3://BUCKET/PREFIX, or one of {', '.join(scheme for scheme in KINDS)}.",
        )
    try:
        login = urlsplit(url).netloc.rpartition("@")[0] if scheme else ""
    except ValueError as error:
        raise UsageError(f"{shown(url)} is no URL.") from error
    kind = KINDS.get(scheme)
    if login and (kind is None or not kind.user or ":" in login):
        words = "user and password" if kind else "access_key_id and secret_access_key"
        raise UsageError(f"{shown(url)} must be given without credentials.", f"Put {words} in .assay/config.local.")
    if scheme == "s3" and not urlsplit(url).netloc:
        raise UsageError(f"{shown(url)}//: the name of the bucket is missing.", "It must look like s3://BUCKET/PREFIX.")
    if kind and not urlsplit(url).hostname:
        raise UsageError(f"{shown(url)} names no place.", f"It must look like {kind.form}.")
    return url


def shown(url: str) -> str:
    """A URL without user name, password and query."""
    if not _scheme(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL at all
        return f"{_scheme(url)}://..."
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def located(url: str, folder: str) -> str:
    """A URL as it was typed in ``folder``, made absolute. Raises UsageError."""
    return _resolved(checked_url(url), folder)


def open_store(remote: Remote, journal: str = "") -> RemoteStore:
    """The store behind a remote, patient; nothing is asked of it yet.

    Args:
        remote: Which.
        journal: Absolute path of the folder where it is noted what has arrived of large values; empty for nowhere.

    Raises:
        ConfigError: A setting is unknown or has a value that it cannot have.
    """
    from assay.remotes.stores.retry import Retrying  # a push to Git alone opens none

    store = bare_store(remote, journal)
    return store if remote.scheme == "memory" else Retrying(store)


def bare_store(remote: Remote, journal: str = "") -> RemoteStore:
    """As `open_store`, but what goes wrong is said the first time."""
    _check_settings(remote)
    if remote.scheme == "memory":
        from assay.remotes.stores.memory import MemoryStore

        return MemoryStore(remote.url.removeprefix("memory://"))
    if remote.scheme == "s3":
        return s3_store(remote, journal)
    if remote.scheme in KINDS:
        from assay.remotes.stores.by_fsspec import open_fsspec

        return open_fsspec(remote)
    from assay.remotes.stores.local import LocalStore

    return LocalStore(_path_of(remote.url), remote.url)


def _base(config: Config, name: str, key: str = "url") -> str:
    """The folder of the configuration file that has a setting of a remote: by default, where the remote is."""
    section = f'remote "{name}"'
    paths = [path for _, path, sections in config.layers if key in sections.get(section, {})]
    return os.path.dirname(paths[-1]) if paths else ""


def _described(config: Config, name: str, keys: Mapping[str, str]) -> Remote:
    if not keys.get("url"):
        raise ConfigError(f"The remote {name!r} has no url.", f"Run `assay remote add --force {name} URL`.")
    settings = {
        key: _resolved(value, _base(config, name, key)) if key in _PATHS and value else value
        for key, value in keys.items()
        if key != "url"
    }
    if _scheme(keys["url"]) == "remote":
        return _inside(config, name, keys["url"], settings)
    return Remote(name, located(keys["url"], _base(config, name)), settings, own=_own(config, name))


def _own(config: Config, name: str) -> frozenset[str]:
    """The paths of a remote that stand in layers which are not shared."""
    section = f'remote "{name}"'
    said = {key: (one.name, value) for one in config.layers for key, value in one.sections.get(section, {}).items()}
    return frozenset(str(said[key][1]) for key in _PROGRAMS if key in said and said[key][0] not in _SHARED)


def _inside(config: Config, name: str, url: str, settings: Mapping[str, str]) -> Remote:
    """A remote whose URL is ``remote://other/path``: a folder of another one, with its settings."""
    other, _, below = url.partition("://")[2].partition("/")
    keys = config.named("remote").get(other.lower())
    if keys is None or _scheme(keys.get("url", "")) == "remote":
        raise ConfigError(f"The remote {name!r} lies in {other!r}, which is no remote with a place of its own.")
    base = _described(config, other.lower(), keys)
    url, own = f"{base.url.rstrip('/')}/{below}".rstrip("/"), base.own | _own(config, name)
    return Remote(name, url, {**base.settings, **settings}, own=own)


def _takes_many(scheme: str) -> bool:
    """Whether many requests at once are what such a place is made for."""
    return scheme == "s3" or (scheme in KINDS and KINDS[scheme].store in ("objects", "pages"))


def _scheme(url: str) -> str:
    head, colon, _ = url.partition("://")
    return head.lower() if colon else ""


def _resolved(url: str, base: str) -> str:
    return url if _scheme(url) else os.path.normpath(os.path.join(base, url))


def _path_of(url: str) -> str:
    if not _scheme(url):
        return url
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ConfigError(f"{shown(url)} is not file:///ABSOLUTE/PATH.", "Use the path itself.")
    return os.path.normpath(unquote(parts.path))


def _check_settings(remote: Remote) -> None:
    known = _COMMON + _SCHEMES[remote.scheme]
    for key in remote.settings:
        if key not in known and key not in _WITHOUT_EFFECT:
            from difflib import get_close_matches

            near = get_close_matches(key, known, 1)
            raise ConfigError(
                f"The remote {remote.name!r} has the setting {key!r}, which is not supported.",
                f"Did you mean {near[0]}?" if near else "Remove it.",
            )


def s3_store(remote: Remote, journal: str = "") -> S3Store:
    """The bucket behind a remote, not patient. Raises ConfigError."""
    from assay.remotes.s3.journal import Journal
    from assay.remotes.s3.store import S3Store

    return S3Store(remote.url, _s3_settings(remote), Journal(journal) if journal else None)


def versioned_store(remote: Remote, journal: str = "") -> VersionedStore:
    """The same for one that keeps versions.

    Raises:
        ConfigError: A setting has a value that it cannot have, or versions cannot be had from such a place.
    """
    from assay.remotes.s3.journal import Journal
    from assay.remotes.s3.versions import VersionedStore

    if remote.scheme != "s3":
        raise ConfigError(f"The remote {remote.name!r} keeps versions, which assay can have only in S3.")
    if _flag(remote, "worktree", default=False) and not _flag(remote, "version_aware", default=True):
        raise ConfigError(f"The remote {remote.name!r} is worktree, which needs version_aware.")
    _check_settings(remote)
    return VersionedStore(remote.url, _s3_settings(remote), Journal(journal) if journal else None)


def _s3_settings(remote: Remote) -> S3Settings:
    from assay.remotes.s3.store import S3Settings

    get = remote.settings.get
    for key in _PROGRAMS:
        _refuse_program(remote, key)
    endpoint = get("endpointurl", "")
    style = get("addressing_style") or ("path" if endpoint else "auto")
    if style not in ("path", "virtual", "auto"):
        raise ConfigError(f"remote.{remote.name}.addressing_style is {style!r}; it must be path, virtual or auto.")
    verify = get("ssl_verify", "")
    if "/" in verify and not os.path.isfile(verify):
        raise ConfigError(f"remote.{remote.name}.ssl_verify: there is no file {verify}.")
    return S3Settings(
        endpointurl=endpoint,
        region=get("region", ""),
        profile=get("profile", ""),
        access_key_id=get("access_key_id", ""),
        secret_access_key=get("secret_access_key", ""),
        session_token=get("session_token", ""),
        anonymous=_flag(remote, "allow_anonymous_login", default=False),
        verify=verify if "/" in verify else _flag(remote, "ssl_verify", default=True),
        use_ssl=_flag(remote, "use_ssl", default=True),
        addressing_style=style,
        connect_timeout=_number(remote, "connect_timeout", 10),
        read_timeout=_number(remote, "read_timeout", 60),
        connections=remote.jobs + 4,
        credentials_file=get("credentialpath", ""),
        config_file=get("configpath", ""),
        writing={word: value for key, word in _WRITING.items() if (value := get(key))},
        direct=remote.direct,
    )


def _refuse_program(remote: Remote, key: str) -> None:
    """Raises ConfigError for a file that others chose and that has a program run: who pulls runs nothing of theirs."""
    path = remote.settings.get(key, "")
    if not path or path in remote.own:
        return
    try:
        with open(path, "rb") as file:
            is_harmless = b"credential_process" not in file.read().lower()
    except OSError:
        is_harmless = True
    if not is_harmless or "$" in path or path.startswith("~"):  # the client would look for the place that is meant
        raise ConfigError(
            f"remote.{remote.name}.{key}: {path} has a program run, and others may have written that.",
            "Set it where only you do: in config.local, or in your own configuration for all projects.",
        )


def _flag(remote: Remote, key: str, *, default: bool) -> bool:
    config = Config((("", "", {f"remote.{remote.name}": dict(remote.settings)}),))
    return config.flag(f"remote.{remote.name}", key, default=default)


def _number(remote: Remote, key: str, default: int) -> int:
    config = Config((("", "", {f"remote.{remote.name}": dict(remote.settings)}),))
    value = config.number(f"remote.{remote.name}", key, default)
    if value < 1:
        raise ConfigError(f"remote.{remote.name}.{key} is {value}; it must be at least 1.")
    return value


def _write(path: str, text: str) -> None:
    parse(text, path)
    settings.write(path, text, is_new=not os.path.lexists(path))
