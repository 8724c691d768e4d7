"""All statements fit their stubs and the schema."""

from dal.testing import assert_proven


def test_statements_are_proven() -> None:
    assert_proven()
