"""The privileges on a service's own tables, and on nobody else's."""

from pathlib import Path

import psycopg
import pytest

from dal.migrate.created import created
from dal.migrate.folder import Folder
from dal.migrate.grants import others

MIGRATION = """-- CREATE TABLE commented (id int);
/* CREATE TABLE also_commented (id int); /* nested */ CREATE TABLE commented_too (id int); */
CREATE TABLE habits (id serial PRIMARY KEY);
CREATE UNLOGGED TABLE IF NOT EXISTS public."Daily Marks" (id int);
CREATE OR REPLACE VIEW recent AS SELECT id FROM habits;
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM habits;
CREATE SEQUENCE numbers;
COMMENT ON TABLE habits IS 'not from CREATE TABLE quoted (id int), -- nor this';
CREATE TABLE OLD (id int);
ALTER TABLE old RENAME TO renamed;
"""
FOREIGN = """
CREATE TABLE payroll (id serial, amount int);
CREATE TABLE "two
lines" (id int);
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "0001.habits.sql").write_text(MIGRATION)
    (tmp_path / "0001.habits.rollback.sql").write_text("CREATE TABLE undone (id int);")
    return Folder(tmp_path, "habits")


def test_what_migrations_create(folder: Folder) -> None:
    assert created(folder) == {
        *("habits", "Daily Marks", "recent", "totals", "numbers", "old", "renamed"),
    }


def test_a_foreign_table_is_not_granted(folder: Folder, empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute((MIGRATION + FOREIGN).encode())
        printed = others(empty_database, "app", folder, beside_own=True)
        connection.execute("CREATE ROLE app_of_grants")
        try:
            connection.execute(printed.replace('"app"', "app_of_grants").encode())
            granted = connection.execute(
                "SELECT relname FROM pg_class, aclexplode(relacl)"
                " WHERE grantee = 'app_of_grants'::regrole GROUP BY 1"
            ).fetchall()
        finally:
            connection.execute("DROP OWNED BY app_of_grants; DROP ROLE app_of_grants")
    assert {name for (name,) in granted} == {
        *("habits", "habits_id_seq", "Daily Marks", "recent", "totals", "numbers", "renamed"),
    }
    assert '-- GRANT SELECT, INSERT, UPDATE, DELETE ON "payroll" TO "app";' in printed
    assert '-- GRANT USAGE ON SEQUENCE "payroll_id_seq" TO "app";' in printed
