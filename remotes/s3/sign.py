"""AWS's Signature Version 4, as S3 has it: a request's own words, hashed and signed with a key made from the secret.

Pure: what time it is and who signs is passed in. S3 differs from AWS's other services in that a path is percent-encoded
once, and that the hash of the content travels as a header. Known from AWS's published description and examples.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = sha256().hexdigest()
"""The hash of no content."""


class Keys(NamedTuple):
    """Who signs."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


class Scope(NamedTuple):
    """For whom a signature is."""

    region: str
    service: str = "s3"


def path_of(path: str) -> str:
    """A path, percent-encoded as it is signed and sent. Raises UnicodeEncodeError for what is not Unicode."""
    return quote(path, safe="/")


def query_of(pairs: Iterable[tuple[str, str]]) -> str:
    """A query in the order in which it is signed, percent-encoded."""
    encoded = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def authorization(
    method: str, path: str, query: str, headers: Mapping[str, str], content: str, keys: Keys, scope: Scope
) -> str:
    """The value of the header ``Authorization``.

    Args:
        method: As it is sent.
        path: From `path_of`.
        query: From `query_of`.
        headers: All that are signed, with names in lower case; ``host`` and ``x-amz-date`` are among them.
        content: The hash of the content in hexadecimal, as the header ``x-amz-content-sha256`` has it.
        keys: Who signs.
        scope: For whom.
    """
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join([f"{name}:{' '.join(headers[name].split())}\n" for name in names])
    request = f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{content}"
    stamp = headers["x-amz-date"]
    place = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    words = f"{ALGORITHM}\n{stamp}\n{place}\n{sha256(request.encode()).hexdigest()}"
    key = _signing_key(keys.secret_access_key, stamp[:8], *scope)
    signature = hmac.digest(key, words.encode(), "sha256").hex()
    return f"{ALGORITHM} Credential={keys.access_key_id}/{place}, SignedHeaders={signed}, Signature={signature}"


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
