"""What lies elsewhere is taken only as it was when it was looked at."""

from __future__ import annotations

import pytest

from assay.engine.config import Config
from assay.engine.disk import NewFile
from assay.engine.errors import RemoteError
from assay.engine.events import silent
from assay.remotes.imports.places import come, place_at, split
from tests.httpserver import serving


def test_a_page_that_changes_while_it_is_read_is_not_taken(tmp_path):
    with serving() as server:
        place = place_at(f"{server.url}/etag/x", "/", Config([]))

        def new_file():
            server.versions["etag/x"] = 1  # between the question and the answer
            return NewFile(str(tmp_path))

        with pytest.raises(RemoteError, match="changed while it was read"), come(place, new_file, "md5", silent):
            pass
    assert not list(tmp_path.iterdir())


def test_a_query_belongs_to_the_name_of_a_page():
    assert split("https://example.org/a/b.csv?raw=true&path=x/y") == (
        "https://example.org/a",
        "b.csv?raw=true&path=x/y",
    )
    assert split("s3://bucket/a/b?c") == ("s3://bucket/a", "b?c")
