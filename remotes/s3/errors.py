"""What an S3 server, or the way to it, says when it says no, as one of our errors with a sentence.

Servers differ in the exception that reaches us, so decisions are taken from the HTTP status and the error code of the
answer, and for failures without an answer from the names of the exception's classes (which spares importing botocore).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from assay.engine.errors import AccessDenied, AssayError, ConfigError, KeyMissing, RemoteError, Unavailable

_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or the remote's access_key_id and secret_access_key, or its "
    "profile, with `assay remote modify`."
)
_BAD_KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity")
_BUSY = ("SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError", "Throttling", "RequestLimitExceeded")
_CHANGED = ("BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch")
_NO_ANSWER = {
    "HTTPClientError", "ConnectionError", "ConnectionClosedError", "ReadTimeoutError", "IncompleteReadError",
    "ResponseStreamingError", "ClientPayloadError", "ClientConnectionError", "TimeoutError", "FSTimeoutError",
    "IncompleteRead", "EOFError", "ResponseParserError", "ServerTimeoutError", "ServerDisconnectedError",
    "AioConnectionError",
}  # fmt: skip


class Place(NamedTuple):
    """What a sentence names: the bucket, the full key (empty for none) and the server (empty for AWS)."""

    bucket: str
    key: str
    endpoint: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"


def answer(error: BaseException) -> tuple[int, str, str]:
    """The HTTP status, the code and the message of the answer behind an exception; 0 when there was none."""
    for candidate in (error, error.__cause__):
        response: Any = getattr(candidate, "response", None)
        if isinstance(response, dict):
            details = response.get("Error", {})
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return int(status), str(details.get("Code", "")), str(details.get("Message", ""))
    return 0, "", ""


def lost_race(error: BaseException) -> bool:
    """Whether a conditional write was refused because its condition did not hold."""
    return isinstance(error, FileExistsError) or answer(error)[0] in (409, 412)


def translated(error: BaseException, place: Place, doing: str) -> AssayError:
    """Our error for theirs.

    Args:
        error: What the client raised.
        place: What it was about.
        doing: The verb of the sentence: "reading", "writing", "listing".
    """
    status, code, message = answer(error)
    if status:
        return _refused(status, code, message, place, doing)
    return _no_answer(error, place, doing)


def _refused(status: int, code: str, message: str, place: Place, doing: str) -> AssayError:
    where = f" at {place.endpoint}" if place.endpoint else ""
    said = f"{code or status}{': ' + message if message and message != code else ''}"
    if code == "NoSuchBucket":
        return RemoteError(f"There is no bucket {place.bucket}{where}.", "Create it, or mend the remote's url.")
    if status == 404:
        return KeyMissing(f"{place} does not exist{where}.")
    if code == "RequestTimeTooSkewed":
        return AccessDenied(f"{place} cannot be used: this machine's clock is wrong.", "Set the clock.")
    if code in _BAD_KEYS or status == 401:
        return AccessDenied(f"{doing.capitalize()} {place} was refused{where} ({said}).", _CREDENTIALS)
    if status == 403:
        return AccessDenied(
            f"{doing.capitalize()} {place} was refused{where} ({said}).",
            "Ask for permission to do so there, or check the credentials.",
        )
    if status in (301, 307) or code in ("AuthorizationHeaderMalformed", "PermanentRedirect"):
        return ConfigError(f"The bucket {place.bucket} is in another region ({said}).", "Set the remote's region.")
    if code == "InvalidBucketName":
        return ConfigError(f"{place.bucket!r} cannot be the name of a bucket.", "Mend the remote's url.")
    if code in _CHANGED:
        return Unavailable(f"{place} was not taken{where}: it changed on the way ({code}).", "Run the command again.")
    if (status >= 500 and status != 501) or status == 429 or code in _BUSY:
        return Unavailable(f"{doing.capitalize()} {place} failed{where} ({said}).", "Try again in a while.")
    return RemoteError(f"{doing.capitalize()} {place} failed{where} ({said}).")


def _no_answer(error: BaseException, place: Place, doing: str) -> AssayError:
    names = {kind.__name__ for candidate in (error, error.__cause__) for kind in type(candidate).__mro__}
    server = place.endpoint or "S3 at AWS"
    if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"}:
        return AccessDenied(f"There are no credentials for s3://{place.bucket}.", _CREDENTIALS)
    if "ProfileNotFound" in names:
        return ConfigError(f"{_text(error)}.", "Mend the remote's profile setting.")
    if "SSLError" in names:
        return RemoteError(f"The certificate of {server} cannot be verified ({_short(error)}).", "Set ssl_verify.")
    if "ParamValidationError" in names:
        return ConfigError(f"{place} cannot be named in a request: {_text(error)}.", "Mend the remote's url.")
    if names & {"InvalidEndpointConfigurationError", "InvalidRegionError", "UnsupportedS3ConfigurationError"}:
        return ConfigError(f"{_text(error)}.", "Mend the remote's endpointurl and region.")
    if names & {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}:
        check = "the remote's endpointurl" if place.endpoint else "whether the remote needs an endpointurl"
        return Unavailable(f"{server} does not answer.", f"Check {check}, and the network.")
    if names & _NO_ANSWER:
        return Unavailable(f"{doing.capitalize()} {place} was cut off ({_short(error)}).", "Run the command again.")
    return RemoteError(f"{doing.capitalize()} {place} failed ({_short(error)}).")


def _short(error: BaseException) -> str:
    text = _text(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
