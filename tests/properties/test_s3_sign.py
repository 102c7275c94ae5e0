"""botocore signs the same request with the same signature, whatever the key and the query are."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any
from unittest import mock
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from assay.remotes.s3.sign import Keys, Scope, authorization, path_of, query_of

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.text("abc XYZ019-_.~*%/+=", min_size=1, max_size=12).filter(str.strip)
HEADERS = st.dictionaries(st.sampled_from(["range", "if-match", "x-amz-acl", "content-md5"]), VALUES)


@given(
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    pairs=st.dictionaries(WORDS.filter(bool), WORDS, max_size=4),
    more=HEADERS,
    body=st.binary(max_size=30),
    token=st.sampled_from(["", "a/session+token="]),
    seconds=st.integers(0, 4_000_000_000),
)
def test_botocore_agrees(
    key: str, pairs: dict[str, str], more: dict[str, str], body: bytes, token: str, seconds: int
) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
    content = sha256(body).hexdigest()
    headers = {"host": "bucket.example.com", "x-amz-content-sha256": content, "x-amz-date": stamp, **more}
    if token:
        headers["x-amz-security-token"] = token
    path, query = path_of("/" + key), query_of(pairs.items())
    ours = authorization("PUT", path, query, headers, content, Keys("AKID", "secret", token), Scope("eu-north-1"))

    asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs.items())
    request: Any = AWSRequest("PUT", f"http://bucket.example.com/{quote(key, safe='/~')}?{asked}", more, body)
    signer = botocore.auth.S3SigV4Auth(Credentials("AKID", "secret", token or None), "s3", "eu-north-1")
    now = datetime.fromtimestamp(seconds, timezone.utc)
    with mock.patch("botocore.auth.get_current_datetime", return_value=now.replace(tzinfo=None)):
        signer.add_auth(request)
    assert ours == request.headers["Authorization"]
