"""How to reach a Git server over http: Git's settings for its URL, the variables that go before them, proxies.

Which proxy is used follows curl, as Git does: the setting, else the variable for the scheme, else ``all_proxy``; and
none for hosts that ``no_proxy`` names. Limits: proxies that speak http; no SOCKS, no cookies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from assay.engine.git.gitconfig import GitConfig
from assay.remotes.git.requests import AGENT
from assay.remotes.git.urlconfig import most_specific, refined

_SILENCE = 300.0  # seconds; servers that work for long say so every few


class HttpSettings(NamedTuple):
    """How to reach one server.

    Attributes:
        proxy: URL of the proxy; empty for none.
        verify: Whether the server must show a certificate that can be trusted.
        ca_file: Path of certificates to trust instead of the system's; may be empty. ``ca_folder`` likewise.
        certificate: Path of our own certificate; may be empty. ``key`` is that of its key, where it is another file.
        headers: What is sent along with each request, as name and value.
        follow: Which redirects are followed: "initial" those of the first request, "true" all, "false" none.
        agent: What we call ourselves.
        silence: Seconds without a byte after which we give up.
    """

    proxy: str = ""
    verify: bool = True
    ca_file: str = ""
    ca_folder: str = ""
    certificate: str = ""
    key: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    follow: str = "initial"
    agent: str = AGENT
    silence: float = _SILENCE


def http_settings(
    config: GitConfig, environment: Mapping[str, str], url: str, *, remote: str = "", home: str = ""
) -> HttpSettings:
    """The settings for a URL.

    Args:
        config: Git's configuration.
        environment: The process's variables.
        url: The repository's.
        remote: The name of Git's remote, whose own proxy goes first; may be empty.
        home: What ``~`` in paths stands for.
    """

    def one(name: str, variable: str = "") -> str:
        return environment.get(variable, "") or most_specific(config, "http", name, url)

    def path(name: str, variable: str) -> str:
        found = one(name, variable)
        return home + found[1:] if home and found.startswith("~/") else found

    follow = one("followRedirects").lower()
    return HttpSettings(
        proxy=_proxy(config, environment, url, remote),
        verify="GIT_SSL_NO_VERIFY" not in environment and _is_true(one("sslVerify"), default=True),
        ca_file=path("sslCAInfo", "GIT_SSL_CAINFO"),
        ca_folder=path("sslCAPath", "GIT_SSL_CAPATH"),
        certificate=path("sslCert", "GIT_SSL_CERT"),
        key=path("sslKey", "GIT_SSL_KEY"),
        headers=tuple(_header(line) for line in refined(config, "http", "extraHeader", url) if ":" in line),
        follow=follow if follow in ("", "initial") else str(_is_true(follow, default=True)).lower(),
        agent=one("userAgent", "GIT_HTTP_USER_AGENT") or AGENT,
        silence=_seconds(one("lowSpeedTime", "GIT_HTTP_LOW_SPEED_TIME")),
    )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), re.sub(r"[\r\n]", " ", value).strip()


def _is_true(text: str, *, default: bool) -> bool:
    return text.lower() not in ("false", "no", "off", "0") if text else default


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() and 0 < int(text) < 1 << 20 else _SILENCE


def _proxy(config: GitConfig, environment: Mapping[str, str], url: str, remote: str) -> str:
    parts = urlsplit(url)
    if _goes_around(environment.get("no_proxy", environment.get("NO_PROXY", "")), parts.hostname or ""):
        return ""
    for key in (f"remote.{remote}.proxy", "http.proxy"):
        if key == "http.proxy":
            chosen = most_specific(config, "http", "proxy", url, "\0")
        else:
            chosen = config.get(key, "\0") if remote else "\0"
        if chosen != "\0":
            return chosen
    names = [f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    if parts.scheme == "http" and "REQUEST_METHOD" in environment:  # a CGI program, and what whoever asks has sent
        names.remove("HTTP_PROXY")
    return next((environment[name] for name in names if environment.get(name)), "")


def _goes_around(exceptions: str, host: str) -> bool:
    """Whether a host is one of those that no proxy is used for."""
    host = host.lower().rstrip(".")
    for word in re.split(r"[\s,]+", exceptions.lower()):
        if word == "*":
            return True
        name = word.strip("[]").lstrip(".").rstrip(".")
        if name and (host == name or host.endswith(f".{name}")):
            return True
        if "/" in word and _is_in_network(host, word):
            return True
    return False


def _is_in_network(host: str, network: str) -> bool:
    import ipaddress  # such exceptions are rare

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
