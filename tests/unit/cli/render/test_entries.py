"""Numbers of bytes as DVC writes them."""

from __future__ import annotations

import pytest

from assay.cli.render.entries import humane


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (1023, "1023"), (1024, "1.00k"), (5000, "4.88k"), (102_349, "100k"), (20_000_000, "19.1M"),
     (1 << 30, "1.00G"), (999 << 40, "999T")],
)  # fmt: skip
def test_sizes_have_three_digits_and_a_letter(size, text):
    assert humane(size) == text
