"""Of the columns that the benchmark compares, none that is NULL is promised not to be."""

from tests.benchmarks.promises import measure


def test_nothing_is_promised_that_is_not_so(empty_database: str) -> None:
    promises = measure(empty_database, with_sqlc=False)
    assert [each for each in promises if each.null and each.by_dal] == []
    assert sum(each.null for each in promises) > 15
    assert sum(each.by_dal for each in promises) > 10
