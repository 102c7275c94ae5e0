"""What an unquoted scalar means."""

from __future__ import annotations

import datetime
import math

import pytest

from assay.engine.params import scalars

UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5), ("1E5", 1e5), ("1.e5", 1e5), (".5", 0.5), ("5.", 5.0), ("-.5", -0.5), ("1_000.5", 1000.5),
        ("1e400", math.inf), (".inf", math.inf), ("-.INF", -math.inf), (".5e+3", 500.0),
        ("007", 7), ("08", 8), ("0o17", 15), ("0x_f", 15), ("0b101", 5), ("1_000", 1000), ("1_", 1),
        ("+1", 1), ("-0x1", -1),
        ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_and_words_have_yaml_1_2_values(text: str, value: object) -> None:
    result = scalars.plain(text)
    assert result == value
    assert type(result) is type(value)


STRINGS = "yes No on y n tRue nULL .5e3 0o8 _1 +.nan 12:30:45 1:30.5 1.2.3 inf nan 0xg 1e 2024-1-2 0B1 e5 - + . ... 1,0"


@pytest.mark.parametrize("text", STRINGS.split())
def test_what_only_older_yaml_took_for_something_else_is_a_string(text: str) -> None:
    assert scalars.plain(text) == text


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(scalars.plain(".nan"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-02", datetime.date(2024, 1, 2)),
        ("2024-1-2t3:04:05", datetime.datetime(2024, 1, 2, 3, 4, 5)),
        ("2024-01-02 03:04:05.25Z", datetime.datetime(2024, 1, 2, 3, 4, 5, 250000, UTC)),
        ("2001-12-14 21:59:43.1234567 -5", datetime.datetime(2001, 12, 15, 2, 59, 43, 123457, UTC)),
        ("2001-12-14T21:59:43.9999999", datetime.datetime(2001, 12, 14, 21, 59, 44)),
    ],
)
def test_a_date_or_a_time_is_one(text: str, value: datetime.date) -> None:
    assert scalars.plain(text) == value


@pytest.mark.parametrize(
    "text", ["2024-13-02", "2024-01-02T25:00:00", "._", "-_", "9999-12-31T23:59:59.9999999", "1" * 5000]
)
def test_the_form_of_a_number_or_date_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        scalars.plain(text)
