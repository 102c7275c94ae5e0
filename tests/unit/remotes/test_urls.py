"""What servers say of URLs, and what is said when they say nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from assay.engine.errors import AccessDenied, AssayError, ConfigError, RemoteError, Unavailable
from assay.engine.ports import UrlState
from assay.remotes import urls
from assay.remotes.registry import Remote, open_store
from tests.httpserver import PASSWORD, USER, HttpServer, serving


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with serving() as found:
        yield found


def state(url: str, remotes: Mapping[str, Mapping[str, str]] | None = None) -> UrlState | None:
    return urls.state(url, remotes or {})


@pytest.mark.parametrize("kind", ["etag", "nohead", "redirect"])
def test_an_etag_is_the_checksum(server: HttpServer, kind: str) -> None:
    path = "etag/x" if kind == "redirect" else f"{kind}/x"
    assert state(f"{server.url}/{kind}/x") == UrlState("checksum", '"0-x"', len(server.content(path)))


def test_without_an_etag_a_content_md5_is_the_checksum(server: HttpServer) -> None:
    content = server.content("md5/x")
    checksum = base64.b64encode(hashlib.md5(content).digest()).decode()
    assert state(f"{server.url}/md5/x") == UrlState("checksum", checksum, len(content))


def test_without_either_the_date_counts_where_there_is_one(server: HttpServer) -> None:
    first = state(f"{server.url}/dated/x")
    assert first is not None
    assert first.value.isdigit()
    assert state(f"{server.url}/dated/x") == first
    server.versions["dated/x"] = 1
    again = state(f"{server.url}/dated/x")
    assert again is not None
    assert again.value != first.value
    assert again.size == first.size


def test_a_size_that_is_not_said_is_none(server: HttpServer) -> None:
    assert state(f"{server.url}/unsized/x") == UrlState("checksum", '"0-x"', None)


def test_dots_in_a_path_are_resolved(server: HttpServer) -> None:
    assert state(f"{server.url}/etag/a/../x") == state(f"{server.url}/etag/x")


def test_what_is_not_there_is_none(server: HttpServer) -> None:
    assert state(f"{server.url}/missing/x") is None


def _nobody() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    ("path", "kind", "sentence"),
    [
        ("forbidden/x", AccessDenied, "/forbidden/x was refused (403)."),
        ("broken/x", Unavailable, "/broken/x was answered with 500."),
        ("odd/x", RemoteError, "/odd/x was answered with 418."),
        ("loop/x", RemoteError, "/loop/x leads nowhere (TooManyRedirects)."),
    ],
)
def test_a_refusal_is_an_error(server: HttpServer, path: str, kind: type[AssayError], sentence: str) -> None:
    with pytest.raises(kind) as caught:
        state(f"{server.url}/{path}?key=hidden")
    assert caught.value.message == server.url + sentence


def test_nobody_there_is_an_error() -> None:
    url = _nobody()
    with pytest.raises(Unavailable, match=f"^{url.removeprefix('http://')} does not answer"):
        state(f"{url}/x")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://ann:s3cr3t@127.0.0.1/x", "http://127.0.0.1/x must be given without credentials."),
        ("ftp://host/x", "ftp:// is not a kind of URL that assay can ask yet."),
        ("http://[::1/x", "http://... is no URL."),
        ("remote://nobody/x", "There is no remote 'nobody'."),
        ("remote://round/x", "The remote 'round' lies in itself."),
        ("remote://digest/x", "remote.digest.auth is 'digest', and what that needs is not there."),
        ("remote://slow/x", "remote.slow.connect_timeout is 'soon'; it must be a number of seconds."),
        ("s3:///x", "The remote's url must be s3://BUCKET or s3://BUCKET/PREFIX."),
    ],
)
def test_what_cannot_be_asked_is_a_sentence_without_secrets(url: str, sentence: str) -> None:
    remotes = {
        "round": {"url": "remote://round/x"},
        "digest": {"url": "http://127.0.0.1", "auth": "digest", "user": USER, "password": PASSWORD},
        "slow": {"url": "http://127.0.0.1", "connect_timeout": "soon"},
    }
    with pytest.raises(ConfigError) as caught:
        state(url, remotes)
    assert caught.value.message == sentence


def test_a_remote_gives_the_credentials(server: HttpServer) -> None:
    settings = {"url": f"{server.url}/secret", "auth": "basic", "user": USER, "password": PASSWORD}
    nested = {"in": {"url": "remote://team/deep"}, "team": settings}
    assert state("remote://TEAM/x", {"team": settings}) == UrlState("checksum", '"0-x"', 11)
    assert state("remote://in/x", nested) == UrlState("checksum", '"0-deep/x"', 16)
    with pytest.raises(AccessDenied):
        state("remote://team/x", {"team": {**settings, "password": "other"}})


def test_a_file_in_s3_is_its_etag(s3: tuple[str, dict[str, str]]) -> None:
    url, settings = s3
    with closing(open_store(Remote("team", url, settings))) as store:
        store.put("data/a.txt", b"alpha\n")
    remotes = {"team": {"url": url, **settings}}
    etag = hashlib.md5(b"alpha\n").hexdigest()
    assert state("remote://team/data/a.txt", remotes) == UrlState("etag", etag, 6)
    assert state("remote://team/data/nothing", remotes) is None


def test_a_folder_in_s3_is_the_md5_of_its_etags(s3: tuple[str, dict[str, str]]) -> None:
    url, settings = s3
    contents = {"b.txt": b"beta", "a/x": b"alpha\n"}
    with closing(open_store(Remote("team", url, settings))) as store:
        for name, content in contents.items():
            store.put(f"data/{name}", content)
        store.put("data-too", b"no part of it")
    listing = [{"etag": hashlib.md5(contents[name]).hexdigest(), "relpath": name} for name in sorted(contents)]
    digest = hashlib.md5(json.dumps(listing).encode()).hexdigest()
    remotes = {"team": {"url": url, **settings}}
    assert state("remote://team/data", remotes) == UrlState("md5", f"{digest}.dir", 10, 2)
    assert state("remote://team/data/", remotes) == state("remote://team/data", remotes)


def test_a_bucket_that_nobody_answers_for_is_an_error(s3: tuple[str, dict[str, str]]) -> None:
    url, settings = s3
    remotes = {"team": {"url": url, **settings, "endpointurl": _nobody()}}
    with pytest.raises(Unavailable, match="does not answer"):
        state("remote://team/x", remotes)
