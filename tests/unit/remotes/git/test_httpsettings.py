"""Which settings count for a URL, and which proxy is gone through."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from assay.engine.git.gitconfig import GitConfig, parse
from assay.remotes.git.httpsettings import HttpSettings, http_settings
from assay.remotes.git.requests import AGENT

URL = "https://git.lab.example/team/r.git"


def found(text: str = "", environment: Mapping[str, str] | None = None, url: str = URL) -> HttpSettings:
    return http_settings(GitConfig(parse(text, "config")), environment or {}, url, remote="origin", home="/home/ann")


def test_without_settings_a_server_must_be_trusted_and_is_told_who_asks() -> None:
    assert found() == HttpSettings(follow="", agent=AGENT)


def test_what_is_said_of_the_url_goes_before_what_is_said_of_all() -> None:
    settings = found(
        """
        [http]
            sslVerify = true
            sslCAInfo = ~/all.pem
            extraHeader = X-All: 1
            followRedirects = false
            lowSpeedTime = 7
        [http "https://git.lab.example"]
            sslVerify = false
            extraHeader = X-Lab: 2
            sslCAInfo = /lab.pem
        [http "https://other.example"]
            extraHeader = X-Other: 3
        """
    )
    assert settings.headers == (("X-All", "1"), ("X-Lab", "2"))
    assert (settings.verify, settings.ca_file, settings.follow, settings.silence) == (False, "/lab.pem", "false", 7.0)


def test_variables_go_before_settings() -> None:
    text = "[http]\nsslCAInfo = /file.pem\nuserAgent = mine\nsslKey = ~/key.pem\n"
    variables = {"GIT_SSL_CAINFO": "/variable.pem", "GIT_SSL_NO_VERIFY": "1", "GIT_HTTP_USER_AGENT": "theirs"}
    settings = found(text, variables)
    assert (settings.ca_file, settings.verify, settings.agent) == ("/variable.pem", False, "theirs")
    assert settings.key == "/home/ann/key.pem"


def test_a_header_cannot_bring_another_one_along() -> None:
    assert found('[http]\nextraHeader = "A: b\\nC: d"\n').headers == (("A", "b C: d"),)


@pytest.mark.parametrize(
    ("text", "variables", "proxy"),
    [
        ("", {}, ""),
        ("", {"https_proxy": "http://one:1"}, "http://one:1"),
        ("", {"HTTPS_PROXY": "http://one:1", "ALL_PROXY": "http://two:2"}, "http://one:1"),
        ("", {"all_proxy": "two:2"}, "two:2"),
        ("", {"http_proxy": "http://one:1"}, ""),
        ("[http]\nproxy = set:3\n", {"https_proxy": "http://one:1"}, "set:3"),
        ("[http]\nproxy =\n", {"https_proxy": "http://one:1"}, ""),
        ('[http]\nproxy = set:3\n[remote "origin"]\nproxy = own:4\n', {}, "own:4"),
        ('[http "https://git.lab.example"]\nproxy = lab:5\n[http]\nproxy = set:3\n', {}, "lab:5"),
    ],
)
def test_the_proxy_is_the_one_that_git_takes(text: str, variables: dict[str, str], proxy: str) -> None:
    assert found(text, variables).proxy == proxy


@pytest.mark.parametrize(
    ("exceptions", "goes_around"),
    [
        ("*", True), ("lab.example", True), (".lab.example", True), ("git.lab.example, other", True),
        ("ab.example", False), ("other git.lab.example", True), ("lab", False), ("", False), ("10.0.0.0/8", False),
    ],
)  # fmt: skip
def test_hosts_that_are_near_are_gone_to_directly(exceptions: str, goes_around: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        settings = found("[http]\nproxy = set:3\n", {name: exceptions})
        assert (settings.proxy == "") is goes_around


def test_networks_may_be_gone_to_directly() -> None:
    variables = {"all_proxy": "one:1", "no_proxy": "10.0.0.0/8,fd00::/8"}
    assert found("", variables, "http://10.1.2.3/r.git").proxy == ""
    assert found("", variables, "http://[fd00::7]:80/r.git").proxy == ""
    assert found("", variables, "http://11.1.2.3/r.git").proxy == "one:1"


def test_a_header_of_whoever_asks_is_no_proxy() -> None:
    variables = {"HTTP_PROXY": "evil:1", "REQUEST_METHOD": "GET"}
    assert found("", variables, "http://git.lab.example/r.git").proxy == ""
    assert found("", {"HTTP_PROXY": "good:1"}, "http://git.lab.example/r.git").proxy == "good:1"
