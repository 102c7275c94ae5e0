"""The language of --where: what it means, and what it says when it does not understand."""

from __future__ import annotations

import pytest

from assay.engine.errors import UsageError
from assay.engine.experiments.query import matches, names, parse
from assay.engine.experiments.values import MISSING

ROW = {
    "acc": 0.93, "train.lr": 0.01, "epochs": 5, "name": "brave-lynx", "use_aug": True, "layers": [1, 2],
    "note": None, "metrics.json:acc": 0.93, "odd key!": 1, "loss": "NaN", "worst": "Infinity", "batch-size": 32,
}  # fmt: skip


def wanted(text):
    return matches(parse(text), lambda name: ROW.get(name, MISSING))


@pytest.mark.parametrize(
    "text",
    [
        "acc > 0.9", "acc >= .93", "acc < 1", "acc <= 93e-2", "epochs = 5", "epochs == 5.0", "epochs != 6", "0.9 < acc",
        "train.lr < 0.01 or epochs = 5", "not acc < 0.9", "NOT (acc < 0.9 OR epochs > 5)", "acc>0.9 and(epochs=5)",
        "name = 'brave-lynx'", 'name ~ "^brave"', "name ~ 'lynx$'", "use_aug = true", "use_aug != false", "note = null",
        "layers = '[1, 2]'", "layers ~ '2'", "metrics.json:acc = acc", "`odd key!` = 1", "epochs ~ '^5$'",
        "batch-size=32", "epochs>-1", "name < 'c'", "worst > 1e300", "worst = worst",
    ],
)  # fmt: skip
def test_a_true_query_matches(text):
    assert wanted(text)


@pytest.mark.parametrize(
    "text",
    [
        "acc > 0.93", "acc > 0.9 and epochs = 6", "not acc > 0.9", "name = 'brave'", "name ~ '^lynx'", "use_aug = 1",
        "epochs = '5'", "name > 1", "acc < 'z'", "loss = loss", "loss < 1", "loss > 1", "note = false", "layers = 1",
        "epochs = 5 and (acc < 0 or acc > 1)",
    ],
)  # fmt: skip
def test_a_false_query_does_not_match(text):
    assert not wanted(text)


@pytest.mark.parametrize("text", ["gone = 1", "gone < 1", "gone > 1", "gone = gone", "gone ~ '.*'", "gone = null"])
def test_a_missing_value_is_equal_to_nothing(text):
    assert not wanted(text)


def test_a_missing_value_is_unequal_to_everything():
    assert wanted("gone != 1")
    assert wanted("gone != gone")


def test_and_binds_closer_than_or():
    assert wanted("acc > 0.9 or acc > 2 and acc > 2")
    assert not wanted("(acc > 0.9 or acc > 2) and acc > 2")


def test_a_quote_in_text_is_written_with_a_backslash_and_other_backslashes_stay():
    values = {"a": r"it's 1\2"}
    assert matches(parse(r"a = 'it\'s 1\2'"), values.__getitem__)
    assert matches(parse(r"a ~ '\d\\\d'"), values.__getitem__)


def test_names_are_listed_with_their_places():
    assert list(names(parse("acc > 0.9 and (`a b` = c or not x ~ 'y')"))) == [
        ("acc", 1), ("a b", 16), ("c", 24), ("x", 33)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--where, character 1: expected a name, a number or text in quotes."),
        ("acc >", "--where, character 6: expected a name, a number or text in quotes."),
        ("acc", "--where, character 4: expected =, !=, <, <=, >, >= or ~, for example `acc = true`."),
        ("acc > 0.9 and", "--where, character 14: expected a name, a number or text in quotes."),
        ("acc > 0.9 loss", "--where, character 11: expected 'and', 'or' or the end, found loss."),
        ("(acc > 0.9", "--where, character 11: expected ')'."),
        ("acc > 0.9)", "--where, character 10: expected 'and', 'or' or the end, found )."),
        ("0.1 < acc < 1", "--where, character 11: comparisons cannot be chained; join two with 'and', found <."),
        ("acc > 'x", "--where, character 7: the ' is never closed."),
        ("`acc > 1", "--where, character 1: the ` is never closed."),
        ("acc > 1 && b", "--where, character 9: write 'and' instead of &."),
        ("acc > 1 | b", "--where, character 9: write 'or' instead of |."),
        ("!acc", "--where, character 1: write 'not' instead of !."),
        ("acc > 0.9x", "--where, character 7: 0.9x is no number."),
        ("acc ; 1", "--where, character 5: unexpected ;."),
        ("name ~ 5", "--where, character 8: ~ needs a regular expression in quotes."),
        ("name ~ acc", "--where, character 8: ~ needs a regular expression in quotes."),
        ("acc and 1", "--where, character 5: expected =, !=, <, <=, >, >= or ~, for example `acc = true`, found and."),
    ],
)
def test_what_is_no_query_is_refused_with_the_place(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message == message
    assert "--where" in caught.value.hint


def test_a_bad_regular_expression_is_refused_with_the_place():
    with pytest.raises(UsageError, match="character 8: this is no regular expression"):
        parse("name ~ '('")


@pytest.mark.parametrize("text", ["(" * 1000 + "a = 1" + ")" * 1000, "not " * 1000 + "a = 1"])
def test_endless_nesting_is_refused(text):
    with pytest.raises(UsageError, match="nested too deeply"):
        parse(text)


def test_a_number_of_a_thousand_digits_is_a_number():
    assert matches(parse(f"x < {'9' * 5000}"), lambda _: 1)
