"""Signatures are those of AWS's published examples."""

from __future__ import annotations

from hashlib import sha256

import pytest

from assay.remotes.s3.sign import EMPTY, Keys, Scope, authorization, path_of, query_of

SUITE = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
S3 = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST, DAY = "examplebucket.s3.amazonaws.com", "20130524T000000Z"


def signature(text: str) -> str:
    return text.rpartition("Signature=")[2]


def test_the_suite_of_the_general_signature() -> None:
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    said = authorization("GET", "/", "", headers, EMPTY, SUITE, Scope("us-east-1", "service"))
    assert said == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_a_part_of_an_object() -> None:
    headers = {"host": HOST, "range": "bytes=0-9", "x-amz-content-sha256": EMPTY, "x-amz-date": DAY}
    said = authorization("GET", path_of("/test.txt"), "", headers, EMPTY, S3, Scope("us-east-1"))
    assert signature(said) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_an_object_with_an_odd_key_and_content() -> None:
    content = sha256(b"Welcome to Amazon S3.").hexdigest()
    headers = {
        "host": HOST, "date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": content, "x-amz-date": DAY,
    }  # fmt: skip
    said = authorization("PUT", path_of("/test$file.text"), "", headers, content, S3, Scope("us-east-1"))
    assert signature(said) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("lifecycle", "")], "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ([("prefix", "J"), ("max-keys", "2")], "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_questions_about_a_bucket(pairs: list[tuple[str, str]], expected: str) -> None:
    headers = {"host": HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": DAY}
    assert signature(authorization("GET", "/", query_of(pairs), headers, EMPTY, S3, Scope("us-east-1"))) == expected


def test_a_query_is_sorted_by_names_and_not_by_what_follows_them() -> None:
    assert query_of([("a-b", "1"), ("a", "2"), ("a", "1")]) == "a=1&a=2&a-b=1"
