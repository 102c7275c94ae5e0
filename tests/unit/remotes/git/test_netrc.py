"""What is found in a .netrc."""

from __future__ import annotations

import pytest

from assay.remotes.git.netrc import Entry, find

TEXT = """
# a comment
machine example.com login ann password s3cret
machine Example.org
    login bob
    password "with \\"space\\" #1"   # said so
machine example.com login zoe password other account x
macdef init
machine trap login x password y

machine empty.com login ann
default login anonymous password me@here
"""


@pytest.mark.parametrize(
    ("host", "user", "found"),
    [
        ("example.com", "", ("ann", "s3cret")),
        ("EXAMPLE.com", "zoe", ("zoe", "other")),
        ("example.org", "", ("bob", 'with "space" #1')),
        ("trap", "", ("anonymous", "me@here")),
        ("empty.com", "", ("anonymous", "me@here")),
        ("example.com", "nobody", None),
    ],
)
def test_the_first_entry_that_fits(host: str, user: str, found: tuple[str, str] | None) -> None:
    entry = find(TEXT, host, user)
    assert (entry and entry[1:]) == found


def test_an_entry_without_a_login_is_for_whoever_asks() -> None:
    assert find("machine h password p", "h", "ann") == Entry("h", "ann", "p")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("machine", "line 1 ends too early"),
        ("\nlogin ann", "line 2 belongs to no machine"),
        ("machine h passwrod secret", "line 1 has a word that is not known"),
    ],
)
def test_what_cannot_be_understood_is_said_without_what_it_holds(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        find(text, "h")
