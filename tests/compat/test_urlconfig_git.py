"""Which setting of Git's is meant for a URL: as `git config --get-urlmatch` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.git import gitconfig
from assay.remotes.git import urlconfig

PATTERNS = [
    "https://example.com", "https://example.com/", "https://example.com/team", "https://example.com/team/",
    "https://example.com/team/repo.git", "https://ann@example.com", "https://bob@example.com/team",
    "https://*.com", "https://*.example.com", "http://example.com", "https://example.com:443/", "HTTPS://EXAMPLE.com/",
    "https://example.com:8443", "https://example.com/te", "https://example.com/a%20b", "https://example.com/team/../x",
    "ssh://example.com", "example.com", "https://", "https://git.example.com/team",
]  # fmt: skip
URLS = [
    "https://example.com", "https://example.com/team/repo.git", "https://ann@example.com/team/repo.git",
    "https://bob@example.com/team", "https://git.example.com/team/x", "https://EXAMPLE.com:443/a b/c",
    "https://example.com:8443/team", "http://example.com/team", "https://example.com/x/y", "https://example.org/team",
]  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_the_most_specific_setting_is_gits(url: str, git: Callable[..., str], tmp_path: Path) -> None:
    lines = ["[http]\n\tproxy = plain\n"]
    lines += [f'[http "{pattern}"]\n\tproxy = {number}\n' for number, pattern in enumerate(PATTERNS)]
    for count in range(1, len(lines) + 1):
        (tmp_path / "config").write_text("".join(lines[:count]))
        config = gitconfig.load([str(tmp_path / "config")])
        theirs = git("config", "-f", "config", "--get-urlmatch", "http.proxy", url)
        assert urlconfig.most_specific(config, "http", "proxy", url) == theirs, lines[:count]
