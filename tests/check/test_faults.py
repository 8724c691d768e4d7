"""What can't be proven ends no check: it is a finding, or fine, and the others keep theirs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from dal.check import run as run_module
from dal.check.findings import Finding
from dal.check.project import Project, Rule
from dal.check.rules import RULES
from dal.check.statement import BoundStatement
from tests.check.proving import HEAD, Draft, kinds, prove, shown
from tests.check.stubs import list_of, of
from tests.check.test_everyday import SCHEMA as KINDS
from tests.check.test_everyday import Color
from tests.check.two_users import SCHEMA
from tests.roles import role

CHECKOUT = Path(__file__).parents[2]
MORE = """
    CREATE TABLE app.only (id integer PRIMARY KEY, title text NOT NULL);
    CREATE DOMAIN score AS integer CHECK (value BETWEEN 0 AND 10);
    CREATE DOMAIN code AS text CHECK (value ~ '^[A-Z]{3}$');
    CREATE TABLE rooms (
        id integer PRIMARY KEY, day date NOT NULL, hour time NOT NULL, at timetz, span interval,
        address inet, net cidr, mac macaddr, color color, colors color[], score score,
        code code, codes code[], during tsrange, days daterange, spans int4multirange,
        share numeric(3, 2), key uuid, local timestamp, file bytea, point point, bits bit(3));
    CREATE INDEX ON rooms (day);
    INSERT INTO rooms (id, day, hour)
        SELECT n, '2026-01-01', '10:00' FROM generate_series(1, 9) AS n;
    ANALYZE rooms;
"""
GOOD = Draft("SELECT id FROM plans AS p JOIN rooms ON name = :text WHERE id = :id", of(id=int))
BAD = Draft("SELECT price, nothing FROM plans ORDER BY name", list_of(price=int))
WORSE = Draft("SELECT price FROM plans ORDER BY name", list_of(price=int))


ONE = of(id=int) | None

# Everyday conditions on a parameter whose type refuses the check's sample of a value.
CONDITIONS: list[tuple[str, Any]] = [
    ("day = :x::date", date),
    ("day > :x", date),
    ("day = ANY (:x)", list[date]),
    ("hour = :x", time),
    ("local = :x::timestamp", Any),
    ("span > :x", Any),
    ("address = :x", IPv4Address),
    ("net = :x::cidr", Any),
    ("mac = :x", str),
    ("color = :x", Color),
    ("color = :x::color", Color),
    ("colors = :x", list[Color]),
    ("color = ANY (:x)", list[Color]),
    ("score = :x::score", int),
    ("code = :x::code", str),
    ("codes = :x::code[]", list[str]),
    ("during && :x", asyncpg.Range),
    ("during @> :x::timestamp", Any),
    ("days && :x", asyncpg.Range),
    ("spans && :x", list[asyncpg.Range]),
    ("share = :x::numeric(3, 2)", float),
    ("bits = :x", Any),
    ("file = :x", bytes),
    ("id = 1 / :x::integer", int),
    ("id = 10 % :x::integer", int),
    ("id = ln(:x)::integer", float),
    ("id = ('{1,2}'::integer[])[:x]", int),
    ("day = make_date(:x, 1, 1)", int),
    ("day = to_date(:x, 'YYYY')", str),
    ("code ~ :x", str),
    ("code LIKE :x ESCAPE '!'", str),
    ("id = cast(:x::text AS integer)", str),
    ("id = (:x::text::jsonb ->> 'id')::integer", str),
]
FINE: list[Draft] = [
    *(
        Draft(f"SELECT id FROM rooms WHERE {condition}", ONE, {"x": annotation})
        for condition, annotation in CONDITIONS
    ),
    Draft("UPDATE rooms SET day = :x::date WHERE id = :id", int, {"x": date}),
    Draft("SELECT id FROM rooms ORDER BY id LIMIT :n", list_of(id=int)),
    Draft("SELECT id FROM rooms ORDER BY id LIMIT 10 / :n::integer", list_of(id=int)),
    Draft("SELECT id FROM rooms WHERE id = :id AND EXISTS (SELECT)", ONE),
    Draft("SELECT id FROM rooms AS r WHERE id = :id AND NOT EXISTS (SELECT FROM plans)", ONE),
    Draft(
        "SELECT r.id FROM rooms AS r FULL JOIN kinds AS k ON k.id = r.id WHERE r.id = :id",
        ONE,
    ),
    Draft("SELECT id FROM rooms WHERE (id, hour) = (:id, '10:00'::time)", ONE),
]
MERGE = Draft(
    "MERGE INTO plans AS p USING (SELECT :text AS name) AS s ON p.name = s.name"
    " WHEN MATCHED THEN UPDATE SET price = :n"
    " WHEN NOT MATCHED THEN INSERT (name, price) VALUES (s.name, :n)",
    int,
)

# What PostgreSQL refuses, in its own words; the owners' rule and that of the order have
# nothing to say of it.
REFUSED: list[tuple[Draft, str]] = [
    (
        Draft("SELECT r.id FROM rooms AS r FULL JOIN kinds AS k ON k.id > r.id", list_of(id=int)),
        "FULL JOIN is only supported",
    ),
    (
        Draft("SELECT id FROM rooms UNION SELECT id, price FROM plans, rooms", list_of(id=int)),
        "same number of columns",
    ),
    (Draft("SELECT id FROM rooms WHERE (id, day) = (:id, :n, 3)", ONE), "unequal number"),
    (Draft("SELECT id FROM messages WHERE (id, rank) IN (SELECT 1)", ONE), "too few columns"),
    (Draft("SELECT (SELECT) AS id FROM messages", list_of(id=int)), "only one column"),
    (Draft("SELECT body FROM messages WHERE nothing = 1", list_of(body=str)), "nothing"),
    (Draft("SELECT body FROM massages", list_of(body=str)), "massages"),
    (Draft("SELECT body FORM messages ORDER", list_of(body=str)), "syntax error"),
    (Draft("SELECT body FROM messages GROUP BY id", list_of(body=str)), "must appear in"),
    (
        Draft("SELECT max(body) AS body FROM messages WHERE max(id) = 1", ONE),
        "not allowed in WHERE",
    ),
    (Draft("DELETE FROM messages WHERE id = :x || 1", int, {"x": str}), "operator"),
    (Draft("UPDATE messages SET id = true", int), "is of type boolean"),
    (Draft("INSERT INTO messages (id, body) VALUES (1)", int), "more target columns"),
    (Draft("SELECT id FROM messages WHERE id = :x AND body = :x", ONE, {"x": int}), "operator"),
]
UTILITY = [
    Draft("REFRESH MATERIALIZED VIEW kept"),
    Draft("NOTIFY somebody"),
    Draft("LISTEN somebody"),
    Draft("COPY plans TO STDOUT"),
    Draft("COPY plans FROM STDIN"),
    Draft("VACUUM plans"),
    Draft("ANALYZE plans"),
    Draft("CREATE INDEX CONCURRENTLY plans_price ON plans (price)"),
    Draft("SET LOCAL work_mem = '1MB'"),
    Draft("LOCK TABLE plans"),
    Draft("BEGIN"),
    Draft("SHOW work_mem"),
    Draft("CALL forget_all()"),
    Draft("DO 'BEGIN END'"),
    Draft("EXPLAIN SELECT name FROM plans"),
]
# sqlglot can't read these, or not rightly; PostgreSQL can.
UNREAD = [
    Draft("SELECT id, title FROM app.only WHERE id = :id", of(id=int, title=str) | None),
    Draft("INSERT INTO plans (name, price) VALUES (:text,:n)", int),
    Draft("SELECT id FROM rooms WHERE id IN (:id,:n)", ONE),
    Draft("SELECT id FROM rooms WHERE point <@ :x::circle", ONE, {"x": Any}),
]


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute((SCHEMA + KINDS + MORE).encode())
        yield connection


def beside(connection: psycopg.Connection, draft: Draft) -> list[Finding]:
    """The findings of a draft that stands between a good and two bad ones, which keep theirs."""
    good, bad, findings, worse = prove(connection, GOOD, BAD, draft, WORSE)
    assert not good, shown(good)
    assert [finding.rule for finding in bad] == ["refused"], shown(bad)
    assert [finding.rule for finding in worse] == ["nullable"], shown(worse)
    return findings


@pytest.mark.parametrize("draft", FINE, ids=str)
def test_a_statement_that_is_fine(connection: psycopg.Connection, draft: Draft) -> None:
    findings = beside(connection, draft)
    assert not findings, shown(findings)


def test_a_merge(connection: psycopg.Connection) -> None:
    if connection.info.server_version < 150000:
        pytest.skip("MERGE is of PostgreSQL 15 and later")
    findings = beside(connection, MERGE)
    assert len(findings) <= 1, shown(findings)
    assert not kinds(findings) - {"not-proven"}, shown(findings)


@pytest.mark.parametrize(("draft", "words"), REFUSED, ids=str)
def test_what_postgresql_refuses(connection: psycopg.Connection, draft: Draft, words: str) -> None:
    findings = beside(connection, draft)
    assert [finding.rule for finding in findings] == ["refused"], shown(findings)
    assert words in findings[0].message
    assert findings[0].help


def test_a_star(connection: psycopg.Connection) -> None:
    draft = Draft("SELECT * FROM plans WHERE name = :text", of(name=str, price=int | None))
    findings = beside(connection, draft)
    assert [finding.rule for finding in findings] == ["star"], shown(findings)
    assert findings[0].offset == draft.text.index("*")


@pytest.mark.parametrize("draft", UTILITY, ids=str)
def test_what_has_no_plan(connection: psycopg.Connection, draft: Draft) -> None:
    findings = beside(connection, draft)
    assert not kinds(findings) - {"not-proven", "refused", "fetch-mode"}, shown(findings)


@pytest.mark.parametrize("draft", UNREAD, ids=str)
def test_what_sqlglot_can_not_read(connection: psycopg.Connection, draft: Draft) -> None:
    findings = beside(connection, draft)
    assert len(findings) <= 1, shown(findings)
    assert not kinds(findings) - {"not-proven"}, shown(findings)


def test_all_of_them_together(connection: psycopg.Connection) -> None:
    drafts = [GOOD, *FINE, *(draft for draft, _ in REFUSED), *UTILITY, *UNREAD, BAD]
    results = prove(connection, *drafts)
    assert [len(findings) for findings in results[: len(FINE) + 1]] == [0] * (len(FINE) + 1)
    assert [finding.rule for finding in results[-1]] == ["refused"]


def test_a_rule_that_fails(connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that raises is one finding, which can't be waived; all other rules still run."""

    def faulty(statement: BoundStatement, catalog: object) -> Iterator[Finding]:
        if "share" in statement.text:
            raise LookupError("value")
        yield from ()

    monkeypatch.setattr(run_module, "RULES", (Rule(faulty, "faulty"), *RULES))
    waiver = "-- Waives faulty: so.\n-- Waives rule-failed on statement: so."
    draft = Draft("SELECT share FROM rooms ORDER BY id", list_of(share=Decimal), waivers=waiver)
    findings = beside(connection, draft)
    assert kinds(findings) == {"nullable", "rule-failed", "waiver"}, shown(findings)
    assert "value" not in shown(findings)


def test_a_rule_of_the_schema_that_fails(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def faulty(statements: object, catalog: object) -> Iterator[Finding]:
        raise LookupError

    monkeypatch.setattr(run_module, "SCHEMA_RULES", (faulty,))
    findings, _ = run_module.check(connection, [Project(tmp_path, (tmp_path,))], live=False)
    assert [(finding.rule, finding.path) for finding in findings] == [("rule-failed", tmp_path)]


def test_the_waivers_of_what_is_refused_are_left_alone(connection: psycopg.Connection) -> None:
    waivers = "-- Waives owner-filter: so.\n-- Waives seq-scan on many: so."
    refused = Draft("SELECT nothing FROM many", list_of(id=int), waivers=waivers)
    shape = of(id=int, title=str) | None
    unread = Draft("SELECT id, title FROM app.only WHERE id = :id", shape, waivers=waivers)
    assert [kinds(findings) for findings in prove(connection, refused, unread)] == [
        {"refused"}, {"not-proven"},
    ]  # fmt: skip


def test_a_role_that_may_not_run_it_is_no_finding(module_database: str) -> None:
    """Nothing is proven without the right to run it, and the error says which right is missing."""
    with (
        role(module_database) as url,
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        prove(connection, Draft("SELECT id FROM many ORDER BY id", list_of(id=int)))


# Files that no longer fit their stubs: what is changed in them, and what must be said of it.
EDITS = {
    "tasks/get.sql": (":task_id", ":id"),  # renamed in the file alone
    "tasks/delete.sql": ("AND id = :task_id::uuid", ""),  # the stub has one too many
    "users/get.sql": (None, ""),
    "tasks/reopen.sql": (None, HEAD),
    "messages/get.sql": (None, HEAD + "SELECT 1 AS id; SELECT 2 AS id"),
    "messages/count.sql": (None, HEAD + "SELECT count(*) FROM messages WHERE user_id = 'ada"),
    "conversations/get.sql": (None, HEAD + "(SELECT 1)"),
    "conversations/delete.sql": (None, HEAD + "DELETE FROM conversations WHERE id = $1"),
}
WORDS = {
    "tasks/get.sql": ":id",
    "tasks/delete.sql": "task_id",
    "users/get.sql": "no statement",
    "tasks/reopen.sql": "no statement",
    "messages/get.sql": "more than one statement",
    "messages/count.sql": "never closed",
    "conversations/get.sql": "must begin with a keyword",
    "conversations/delete.sql": "$1",
    "users/delete.sql": "does not exist",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, in which statements are broken."""
    copy = tmp_path / "copy"
    for folder in ("dal", "sql", "migrations"):
        shutil.copytree(
            CHECKOUT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return copy


def broken(copy: Path) -> None:
    for name, (old, new) in EDITS.items():
        path = copy / "sql" / name
        text = path.read_text()
        assert old is None or old in text
        path.write_text(text.replace(old, new) if old else new)
    (copy / "sql/users/delete.sql").unlink()
    get = copy / "sql/messages/history.sql"
    get.write_text(get.read_text().replace("content", "contents"))


def run(copy: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dal", *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "DATABASE_URL": url, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def test_files_that_do_not_fit_their_stubs(copy: Path, url: str) -> None:
    broken(copy)
    done = run(copy, url, "check", "--json")
    assert done.returncode == 16, done.stderr
    assert "Traceback" not in done.stderr
    findings = json.loads(done.stdout)
    for name, words in WORDS.items():
        [finding] = [finding for finding in findings if finding["file"] == f"sql/{name}"]
        assert words in finding["message"], finding
        assert finding["line"] >= 1
        assert finding["help"]
    [finding] = [finding for finding in findings if finding["file"] == "sql/messages/history.sql"]
    assert finding["rule"] == "refused"
    assert {finding["file"] for finding in findings} == {f"sql/{name}" for name in WORDS} | {
        "sql/messages/history.sql"
    }


def test_people_are_told_of_them(copy: Path, url: str) -> None:
    broken(copy)
    done = run(copy, url, "check")
    assert done.returncode == 16, done.stderr
    assert "Traceback" not in done.stderr
    assert "sql/users/get.sql:1:1: " in done.stderr
    assert "sql/messages/get.sql:4:17: " in done.stderr
    assert "findings in" in done.stdout


@pytest.mark.parametrize("arguments", [("status",), ("ping",), ("status", "--json")])
def test_a_command_that_runs_no_statement(copy: Path, url: str, arguments: tuple[str, ...]) -> None:
    """A deployment can ask for its state even while statements are broken."""
    full = run(copy, url, *arguments)
    assert full.returncode == 0, full.stderr
    broken(copy)
    done = run(copy, url, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:1] == full.stdout.splitlines()[:1]


@pytest.mark.parametrize("command", ["status", "ping"])
def test_a_command_binds_no_statement(url: str, command: str) -> None:
    """It does not import the modules that have stubs either."""
    script = (
        "import sys\n"
        "from dal.binding import query\n"
        f"sys.argv = ['dal', '{command}']\n"
        "from dal.cli import run\n"
        "code = run()\n"
        "print([binding.statement.name for binding in query.bindings])\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
