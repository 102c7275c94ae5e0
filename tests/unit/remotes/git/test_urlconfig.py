"""Settings for URLs that are lists."""

from __future__ import annotations

from assay.engine.git.gitconfig import GitConfig, parse
from assay.remotes.git.urlconfig import refined, values

TEXT = """
[http]
    extraHeader = A
[http "https://example.com"]
    extraHeader = B
    extraHeader = C
[http "https://example.org"]
    extraHeader = no
[http]
    extraHeader = late
"""


def test_all_values_that_fit_come_in_the_order_of_the_files() -> None:
    config = GitConfig(parse(TEXT, "config"))
    assert values(config, "http", "extraheader", "https://example.com/a") == ["A", "B", "C", "late"]
    assert values(config, "http", "extraHeader", "http://example.com/a") == ["A", "late"]


def test_a_list_is_gone_on_with_by_patterns_that_are_more_specific() -> None:
    config = GitConfig(parse(TEXT, "config"))
    assert refined(config, "http", "extraHeader", "https://example.com/a") == ["A", "B", "C"]


def test_an_empty_value_forgets_the_list() -> None:
    config = GitConfig(parse(TEXT + '[http "https://example.com"]\n extraHeader =\n extraHeader = D\n', "config"))
    assert refined(config, "http", "extraHeader", "https://example.com/a") == ["D"]
    assert values(config, "http", "extraHeader", "https://example.com/a")[-2:] == ["", "D"]
