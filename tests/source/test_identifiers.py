"""Names fold as the server folds them."""

import psycopg
import pytest

from dal.source.identifiers import fold


@pytest.mark.parametrize(
    "written", ["Users", '"Users"', '"a""b"', "ÄÖ_Ü", "a" * 64, '"' + "ä" * 32 + '"', "straße"]
)
def test_a_name_folds_as_on_the_server(empty_database: str, written: str) -> None:
    with psycopg.connect(empty_database) as connection:
        cursor = connection.execute(f"SELECT 1 AS {written}".encode())
    assert [column.name for column in cursor.description or ()] == [fold(written)]
