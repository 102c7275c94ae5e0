"""Sentences for what S3 servers and clients say."""

from __future__ import annotations

import pytest

from assay.engine.errors import AccessDenied, AssayError, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.remotes.s3.errors import Place, lost_race, translated

PLACE = Place("bucket", "us/key", "https://s3.example.com")


class Answered(Exception):
    """What botocore raises for an answer."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


def wrapped(error: Exception) -> OSError:
    """As s3fs hands it on."""
    outer = OSError(5, "Input/output error")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (404, "NoSuchKey", KeyMissing, "s3://bucket/us/key does not exist"),
        (404, "NoSuchBucket", RemoteError, "no bucket bucket at https://s3.example.com"),
        (403, "AccessDenied", AccessDenied, "Writing s3://bucket/us/key was refused"),
        (403, "SignatureDoesNotMatch", AccessDenied, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed", AccessDenied, "clock is wrong"),
        (400, "ExpiredToken", AccessDenied, "ExpiredToken"),
        (301, "PermanentRedirect", ConfigError, "another region"),
        (400, "AuthorizationHeaderMalformed", ConfigError, "another region"),
        (400, "InvalidBucketName", ConfigError, "cannot be the name of a bucket"),
        (500, "InternalError", Unavailable, "InternalError"),
        (503, "SlowDown", Unavailable, "SlowDown"),
        (429, "", Unavailable, "429"),
        (400, "RequestTimeout", Unavailable, "RequestTimeout"),
        (501, "NotImplemented", RemoteError, "NotImplemented"),
        (400, "KeyTooLongError", RemoteError, "KeyTooLongError"),
    ],
)
def test_an_answer_has_a_kind_and_names_what_it_is_about(
    status: int, code: str, kind: type[AssayError], words: str
) -> None:
    for error in (Answered(status, code), wrapped(Answered(status, code))):
        made = translated(error, PLACE, "writing")
        assert type(made) is kind
        assert words in made.message


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("NoCredentialsError", AccessDenied, "no credentials"),
        ("ProfileNotFound", ConfigError, "some text"),
        ("SSLError", RemoteError, "certificate"),
        ("EndpointConnectionError", Unavailable, "https://s3.example.com does not answer"),
        ("ConnectTimeoutError", Unavailable, "does not answer"),
        ("ReadTimeoutError", Unavailable, "was cut off"),
        ("ClientPayloadError", Unavailable, "was cut off"),
        ("ParamValidationError", ConfigError, "cannot be named"),
        ("SomethingElse", RemoteError, "SomethingElse: some text"),
    ],
)
def test_a_failure_without_an_answer_is_told_by_its_name(name: str, kind: type[AssayError], words: str) -> None:
    made = translated(type(name, (Exception,), {})("some  text\n"), PLACE, "reading")
    assert type(made) is kind
    assert words in made.message
    assert "\n" not in made.message


def test_where_no_server_is_named_it_is_said_which_one_was_asked() -> None:
    error = type("EndpointConnectionError", (Exception,), {})()
    made = translated(error, Place("bucket", "us/key", ""), "reading")
    assert made.message == "S3 at AWS does not answer."
    assert "needs an endpointurl" in made.hint


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (Answered(412, "PreconditionFailed"), True),
        (Answered(409, "ConditionalRequestConflict"), True),
        (wrapped(Answered(412)), True),
        (FileExistsError(), True),
        (Answered(404), False),
        (OSError(22, "Invalid argument"), False),
    ],
)
def test_a_lost_race_is_told_by_the_status(error: Exception, lost: bool) -> None:
    assert lost_race(error) is lost
