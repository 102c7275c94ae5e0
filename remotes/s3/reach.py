"""How a bucket is reached without s3fs, as s3fs and botocore would reach it; and when it is better left to them.

What the settings say is taken as it is. Where they leave out the endpoint, the region or the keys, botocore finds them
where it always does (its files and variables, roles, single sign-on, the machine's own), and refreshes keys that
expire: it is loaded only then. Proxies, and the kinds of endpoint and bucket that change how a request is made, are
left to s3fs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from assay.remotes.s3.http_wire import Server
from assay.remotes.s3.sign import Keys
from assay.remotes.s3.wire import Reach

if TYPE_CHECKING:
    from assay.remotes.s3.store import S3Settings

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_DIRECTORY = "--x-s3"
"""How the names of buckets end whose requests are signed in another way."""
_HOST_NAME = re.compile(r"(?!xn--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_PORTS = {"http": 80, "https": 443}
_PECULIAR = ("use_dualstack_endpoint", "use_fips_endpoint")
"""Settings of botocore that mean other endpoints; in its section ``s3`` everything but the style of addressing is."""


class NoCredentialsError(Exception):
    """Nobody has said who signs; the name is botocore's, by which the sentence is found."""


def reach(settings: S3Settings, bucket: str) -> tuple[Reach, Callable[[str], Reach]] | None:
    """How to reach a bucket, and how if it lies in another region; None where s3fs does it better.

    Raises:
        Exception: One of botocore's, where the settings name a profile or a file that is no good.
    """
    if not settings.direct or not _BUCKET.fullmatch(bucket) or bucket.endswith(_DIRECTORY):
        return None
    has_keys = settings.anonymous or bool(settings.access_key_id and settings.secret_access_key)
    if has_keys and settings.endpointurl and settings.region:
        return _at(settings, bucket, settings.endpointurl, settings.region, _own_keys(settings))
    try:
        session = _session(settings)
    except ImportError:  # what is to be installed is said where s3fs is looked for
        return None
    known = session.get_config_variable
    if any(known(word) for word in _PECULIAR) or set(known("s3") or ()) - {"addressing_style"}:
        return None
    region = settings.region or known("region") or ""
    endpoint = settings.endpointurl or _configured_endpoint(session)
    keys = _own_keys(settings) if has_keys else _found_keys(session)
    if endpoint:
        return _at(settings, bucket, endpoint, region or "us-east-1", keys)
    return _at_aws(settings, bucket, session, region, keys)


def _at(
    settings: S3Settings, bucket: str, endpoint: str, region: str, keys: Callable[[], Keys] | None
) -> tuple[Reach, Callable[[str], Reach]] | None:
    """A server that the user names: it has one address for all regions."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return None
    odd = parts.query or parts.fragment or "@" in parts.netloc or not parts.hostname or not parts.hostname.isascii()
    if odd or parts.scheme not in _PORTS or not _REGION.fullmatch(region) or _has_proxy(parts):
        return None
    found = _reach(settings, bucket, parts, port or _PORTS[parts.scheme], region, keys)
    return found, lambda other: found._replace(region=other) if _REGION.fullmatch(other) else found


def _at_aws(
    settings: S3Settings, bucket: str, session: Any, region: str, keys: Callable[[], Keys] | None
) -> tuple[Reach, Callable[[str], Reach]] | None:
    """AWS itself, whose address depends on the region; botocore's list of regions says how."""
    try:
        partitions = session.get_data("partitions")["partitions"]
    except Exception:  # noqa: BLE001  # older ones have no such list, in whatever words
        return None
    scheme = "https" if settings.use_ssl else "http"

    def at(where: str) -> Reach | None:
        kinds = (one["outputs"]["dnsSuffix"] for one in partitions if re.match(one["regionRegex"], where))
        parts = urlsplit(f"{scheme}://s3.{where}.{next(kinds, '')}")
        if parts.netloc.endswith(".") or _has_proxy(parts):
            return None
        return _reach(settings, bucket, parts, _PORTS[scheme], where, keys)

    first = at(region or "us-east-1")
    return (first, lambda other: at(other) or first) if first is not None else None


def _reach(
    settings: S3Settings, bucket: str, parts: SplitResult, port: int, region: str, keys: Callable[[], Keys] | None
) -> Reach:
    host, path, tls = str(parts.hostname), parts.path.strip("/"), parts.scheme == "https"
    name = f"[{host}]" if ":" in host else host
    if _in_host_name(settings.addressing_style, bucket, host):
        host = name = f"{bucket}.{host}"
    else:
        path = f"{path}/{bucket}".lstrip("/")
    server = Server(
        host, port, (lambda: _context(settings.verify)) if tls else None, settings.connect_timeout,
        settings.read_timeout, settings.connections,
    )  # fmt: skip
    said = name if port == _PORTS[parts.scheme] else f"{name}:{port}"
    return Reach(server, said, f"/{path}/" if path else "/", region, keys)


def _in_host_name(style: str, bucket: str, host: str) -> bool:
    """Whether the bucket is named before the host, not in the path; a dot in it would fail certificates."""
    return style != "path" and _HOST_NAME.fullmatch(bucket) is not None and not _ADDRESS.fullmatch(host)


def _own_keys(settings: S3Settings) -> Callable[[], Keys] | None:
    if settings.anonymous:
        return None
    keys = Keys(settings.access_key_id, settings.secret_access_key, settings.session_token)
    return lambda: keys


def _found_keys(session: Any) -> Callable[[], Keys]:
    """What botocore finds, asked each time, because those of roles expire and are fetched anew."""
    found = session.get_credentials()

    def keys() -> Keys:
        if found is None:
            raise NoCredentialsError("nobody has said who asks")
        now = found.get_frozen_credentials()
        if not now.access_key or not now.secret_key:
            raise NoCredentialsError("there is only a half of the credentials")
        return Keys(now.access_key, now.secret_key, now.token or "")

    return keys


def _session(settings: S3Settings) -> Any:
    from botocore.session import Session

    session = Session(profile=settings.profile or None)
    for name, path in (("credentials_file", settings.credentials_file), ("config_file", settings.config_file)):
        if path:
            session.set_config_variable(name, path)
    return session


def _configured_endpoint(session: Any) -> str:
    """What botocore's variables and files name as the endpoint of S3; empty for AWS's own."""
    try:
        from botocore.configprovider import ConfiguredEndpointProvider
    except ImportError:  # older ones know none
        return ""
    config = session.get_scoped_config()
    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return ""
    found = ConfiguredEndpointProvider(session.full_config, config, "s3").provide()
    return found or ""


def _has_proxy(parts: SplitResult) -> bool:
    """Whether the system's own settings name a proxy for the server, beside those that variables name."""
    platform: str = sys.platform  # mypy would take the rest for never run
    if platform != "darwin":
        return False
    from urllib.request import getproxies, proxy_bypass

    return parts.scheme in getproxies() and not proxy_bypass(parts.netloc)


def _context(verify: bool | str) -> Any:
    """What TLS is done with: the certificates of the system and those that come with botocore."""
    import os
    import ssl
    from importlib.util import find_spec

    if isinstance(verify, str):
        folder = os.path.isdir(verify)
        return ssl.create_default_context(cafile=None if folder else verify, capath=verify if folder else None)
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    for package in ("certifi", "botocore"):
        spec = find_spec(package)
        path = os.path.join(os.path.dirname(spec.origin), "cacert.pem") if spec and spec.origin else ""
        if path and os.path.isfile(path):
            context.load_verify_locations(path)
            break
    return context
