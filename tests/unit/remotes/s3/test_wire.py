"""The wire's own: what it takes, what it mends by itself, what it reads out of answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from assay.remotes.s3.http_wire import ResponseParserError, Server
from assay.remotes.s3.reach import reach
from assay.remotes.s3.sign import Keys
from assay.remotes.s3.store import S3Settings
from assay.remotes.s3.wire import ParamValidationError, Reach, RefusedError, S3Wire, takes
from tests.s3server import BUCKET, S3Server
from tests.unit.remotes.s3.test_http_wire import Scripted

PUT = {"Bucket": "b", "Key": "k", "Body": [b"data"]}


def said(status: str, body: bytes, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[S3Wire, Scripted]]]:
    """A wire to a server that gives these answers."""
    started: list[tuple[S3Wire, Scripted]] = []

    def start(*answers: bytes) -> tuple[S3Wire, Scripted]:
        server = Scripted([*answers])
        there = Server("127.0.0.1", server.port, read_timeout=60)
        how = Reach(there, "here", "/b/", "us-east-1", lambda: Keys("id", "secret", "a token"))
        wire = S3Wire(how, lambda region: how._replace(region=region), now=lambda: 1_700_000_000)
        started.append((wire, server))
        return wire, server

    yield start
    for wire, server in started:
        wire.close()
        server.close()


Serve = Callable[..., tuple[S3Wire, Scripted]]


def headers_of(request: bytes) -> Mapping[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def test_what_is_unusual_is_not_taken() -> None:
    assert takes("put_object", {"Bucket": "b", "Key": "k", "Body": b"", "IfNoneMatch": "*", "ACL": "private"})
    assert not takes("put_object", {"Bucket": "b", "Key": "k", "Tagging": "a=b"})
    assert not takes("select_object_content", {"Bucket": "b"})


def test_a_request_names_its_token_and_its_content(serve: Serve) -> None:
    wire, server = serve(said("200 OK", b"", ETag='"e"'))
    assert wire.call("put_object", PUT)["ETag"] == '"e"'
    sent = headers_of(server.asked[0][1])
    assert sent["x-amz-security-token"] == "a token"
    assert "x-amz-security-token" in sent["authorization"]
    assert sent["x-amz-content-sha256"] == "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
    assert sent["x-amz-date"] == "20231114T221320Z"


def test_a_wrong_clock_is_corrected_by_the_servers(serve: Serve) -> None:
    skewed = b"<Error><Code>RequestTimeTooSkewed</Code></Error>"
    date = "Wed, 15 Nov 2023 00:00:00 GMT"
    wire, server = serve(said("403 Forbidden", skewed, Date=date), said("200 OK", b""), said("200 OK", b""))
    wire.call("put_object", PUT)
    wire.call("put_object", PUT)
    times = [headers_of(request)["x-amz-date"] for _, request in server.asked]
    assert times == ["20231114T221320Z", "20231115T000000Z", "20231115T000000Z"]


def test_a_real_server_forgives_a_wrong_clock(s3_server: S3Server) -> None:
    words = s3_server.settings()
    found = reach(S3Settings(**words, addressing_style="path"), BUCKET)  # type: ignore[arg-type]
    assert found is not None
    wire = S3Wire(*found, now=lambda: time.time() - 7200)
    assert wire.call("list_objects_v2", {"Bucket": BUCKET, "MaxKeys": 1})["IsTruncated"] in (True, False)
    wire.close()


def test_a_clock_that_stays_wrong_is_said(serve: Serve) -> None:
    skewed = said("403 Forbidden", b"<Error><Code>RequestTimeTooSkewed</Code></Error>", Date="no date")
    wire, _ = serve(skewed)
    with pytest.raises(RefusedError) as caught:
        wire.call("put_object", PUT)
    assert caught.value.response["Error"]["Code"] == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    "answer",
    [
        said("400 Bad Request", b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-1</Region></Error>"),
        said("301 Moved", b"", x_amz_bucket_region="eu-1"),
    ],
)
def test_the_region_that_a_server_names_is_taken(serve: Serve, answer: bytes) -> None:
    wire, server = serve(answer, said("200 OK", b""))
    wire.call("put_object", PUT)
    places = [headers_of(request)["authorization"].split("/")[2] for _, request in server.asked]
    assert places == ["us-east-1", "eu-1"]


def test_an_upload_that_fails_after_it_was_accepted_has_failed(serve: Serve) -> None:
    late = b"  \n<?xml version='1.0'?><Error><Code>InternalError</Code><Message>sorry</Message></Error>"
    wire, _ = serve(said("200 OK", late))
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"&<"'}]}
    with pytest.raises(RefusedError) as caught:
        wire.call("complete_multipart_upload", {"Bucket": "b", "Key": "k", "UploadId": "u", "MultipartUpload": parts})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_encoded_keys_of_a_list_are_decoded(serve: Serve) -> None:
    page = (
        b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
        b"<IsTruncated>true</IsTruncated><NextContinuationToken>t/+=</NextContinuationToken>"
        b"<Contents><Key>a+b%2Bc%C3%BC</Key><Size>5</Size><ETag>&quot;e&quot;</ETag></Contents></ListBucketResult>"
    )
    wire, server = serve(said("200 OK", page))
    found = wire.call("list_objects_v2", {"Bucket": "b", "Prefix": "a b/ü", "ContinuationToken": "x/+="})
    assert found["Contents"] == [{"Key": "a b+cü", "Size": 5, "ETag": '"e"'}]
    assert (found["IsTruncated"], found["NextContinuationToken"]) == (True, "t/+=")
    target = b"GET /b?continuation-token=x%2F%2B%3D&encoding-type=url&list-type=2&prefix=a%20b%2F%C3%BC HTTP/1.1"
    assert server.asked[0][1].startswith(target)


def test_parts_that_arrived_are_listed(serve: Serve) -> None:
    page = (
        b"<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker>7</NextPartNumberMarker>"
        b"<Part><PartNumber>7</PartNumber><Size>5</Size><ETag>&quot;e&quot;</ETag></Part></ListPartsResult>"
    )
    wire, server = serve(said("200 OK", page))
    found = wire.call("list_parts", {"Bucket": "b", "Key": "k", "UploadId": "u", "PartNumberMarker": "6"})
    assert (found["Parts"], found["NextPartNumberMarker"]) == ([{"PartNumber": 7, "Size": 5, "ETag": '"e"'}], "7")
    assert server.asked[0][1].startswith(b"GET /b/k?part-number-marker=6&uploadId=u HTTP/1.1")


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b"<Error><Code>SlowDown</Code></Error>", RefusedError),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"><body>Log in first.</body></html>', ResponseParserError),
    ],
)
@pytest.mark.parametrize("operation", ["list_objects_v2", "list_object_versions", "list_parts"])
def test_what_is_no_list_is_not_taken_for_an_empty_one(
    serve: Serve, operation: str, page: bytes, kind: type[Exception]
) -> None:
    wire, _ = serve(said("200 OK", page))
    with pytest.raises(kind):
        wire.call(operation, {"Bucket": "b", "Key": "k", "UploadId": "u"})


def test_a_list_without_sense_is_none(serve: Serve) -> None:
    wire, _ = serve(said("200 OK", b"<List><Contents><Key>a</Key><Size>x</Size></Contents></List>"))
    with pytest.raises(ResponseParserError):
        wire.call("list_objects_v2", {"Bucket": "b"})


@pytest.mark.parametrize("body", [b"", b"<html>busy", b"<Error><Code>SlowDown</Code></Error>"])
def test_a_refusal_has_a_code_whatever_came_with_it(serve: Serve, body: bytes) -> None:
    wire, _ = serve(said("503 Busy", body))
    with pytest.raises(RefusedError) as caught:
        wire.call("get_object", {"Bucket": "b", "Key": "k"})
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert response["Error"]["Code"] in ("503", "SlowDown")


def test_a_key_that_is_not_unicode_is_refused_before_anything_is_sent(serve: Serve) -> None:
    wire, server = serve()
    with pytest.raises(ParamValidationError):
        wire.call("get_object", {"Bucket": "b", "Key": "\udcff"})
    assert server.asked == []
