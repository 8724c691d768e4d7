"""What a header comment waives: one grammar for all rules.

`-- Waives RULE: reason.` is for the statement as a whole; `-- Waives RULE on OBJECT: reason.` for
the findings that name a table, a column or an index.
"""

from collections.abc import Iterator

import psycopg
import pytest

from tests.check.proving import Draft, kinds, prove, shown
from tests.check.stubs import list_of, of
from tests.check.two_users import SCHEMA

MORE = """
    CREATE TABLE many (id integer PRIMARY KEY, name text NOT NULL, size integer);
    INSERT INTO many SELECT n, 'n' || n, n FROM generate_series(1, 20000) AS n;
    CREATE TABLE more (id integer PRIMARY KEY, name text NOT NULL);
    INSERT INTO more SELECT n, 'n' || n FROM generate_series(1, 20000) AS n;
    CREATE TYPE color AS ENUM ('red', 'blue');
    CREATE TABLE cars (id integer PRIMARY KEY, color color NOT NULL, attrs jsonb);
    CREATE INDEX cars_color ON cars (color);
    CREATE VIEW sizes AS SELECT id, size FROM many;
    ANALYZE many, more;
"""


class Odd(str):
    """A text that the check does not know."""


# A statement with one finding, its rule, and what the finding names.
BREAKS: list[tuple[Draft, str, str]] = [
    (Draft("DELETE FROM messages WHERE id = :id", int), "owner-filter", "messages"),
    (Draft("SELECT name FROM plans", list_of(name=str)), "order", ""),
    (Draft("SELECT id, size FROM many WHERE id = :id", of(id=int, size=int)), "nullable", "size"),
    (Draft("SELECT size FROM sizes WHERE id = :id", of(size=int)), "nullable", "size"),
    (Draft("SELECT id FROM many WHERE name = :text", of(id=int)), "seq-scan", "many"),
    (
        Draft("SELECT id FROM many WHERE id > :n ORDER BY name", list_of(id=int)),
        "sort",
        "many",
    ),
    (Draft("SELECT id FROM cars WHERE id = :x", of(id=int), {"x": Odd}), "not-proven", ":x"),
    (Draft("SELECT name FROM more WHERE id = :id", of(name=Odd)), "not-proven", "name"),
    (
        Draft("SELECT name FROM more WHERE id = :id", of(name=int)),
        "column-type",
        "name",
    ),
    (Draft("SELECT * FROM plans WHERE name = :text", of(name=str, price=int | None)), "star", ""),
    (
        Draft("INSERT INTO plans (name) VALUES (:x)", int, {"x": str | None}),
        "nullable",
        ":x",
    ),
    (
        Draft("SELECT id FROM cars WHERE id = :id OR :flag", of(id=int)),
        "optional-filter",
        "",
    ),
    (Draft("SELECT id FROM cars WHERE id = :x", of(id=int), {"x": str}), "parameter-type", ""),
]
NAMED = [(draft, rule, name) for draft, rule, name in BREAKS if name]


@pytest.fixture(scope="module")
def connection(module_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute((SCHEMA + MORE).encode())
        yield connection


def waived(draft: Draft, *lines: str) -> Draft:
    return Draft(draft.sql, draft.returns, draft.takes, "\n".join(lines))


@pytest.mark.parametrize(("draft", "rule", "name"), BREAKS, ids=str)
def test_without_a_waiver(
    connection: psycopg.Connection, draft: Draft, rule: str, name: str
) -> None:
    [findings] = prove(connection, draft)
    assert rule in kinds(findings), shown(findings)


@pytest.mark.parametrize(
    ("draft", "rule", "name"), [each for each in BREAKS if each[1] != "not-proven"], ids=str
)
def test_a_rule_is_waived(
    connection: psycopg.Connection, draft: Draft, rule: str, name: str
) -> None:
    [before], [after] = (
        prove(connection, each)
        for each in (draft, waived(draft, f"-- Waives {rule}: it is meant so."))
    )
    assert kinds(after) == kinds(before) - {rule}, shown(after)


@pytest.mark.parametrize(("draft", "rule", "name"), NAMED, ids=str)
def test_a_rule_is_waived_on_what_the_finding_names(
    connection: psycopg.Connection, draft: Draft, rule: str, name: str
) -> None:
    [before], [after] = (
        prove(connection, each)
        for each in (draft, waived(draft, f"-- Waives {rule} on {name}: it is meant so."))
    )
    assert kinds(after) == kinds(before) - {rule}, shown(after)


@pytest.mark.parametrize(("draft", "rule", "name"), NAMED, ids=str)
def test_of_another_object(
    connection: psycopg.Connection, draft: Draft, rule: str, name: str
) -> None:
    """It waives nothing, and the finding stays."""
    line = f"-- Waives {rule} on elsewhere: it is meant so."
    [findings] = prove(connection, waived(draft, line))
    assert {rule, "needless-waiver"} <= kinds(findings), shown(findings)
    [needless] = [finding for finding in findings if finding.rule == "needless-waiver"]
    assert needless.offset == waived(draft, line).text.index("-- Waives")
    assert "elsewhere" in needless.message


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("-- Waives owner-filter: it is meant so.", "needless-waiver"),
        ("-- Waives order: it is meant so.", "needless-waiver"),
        ("-- Waives nullable on name: it is meant so.", "needless-waiver"),
        ("-- Waives not-proven: it has many reasons.", "waiver"),
        ("-- Waives not-proven on name: it is meant so.", "needless-waiver"),
        ("-- Waives parameter-type: it is meant so.", "needless-waiver"),
        ("-- Waives seq-scan on many: it is meant so.", "needless-waiver"),
        ("-- Waives seq-scan on nowhere: it is meant so.", "needless-waiver"),
        ("-- Waives unheard-of: it is meant so.", "waiver"),
        ("-- Waives unheard-of on many: it is meant so.", "waiver"),
        ("-- Waives seq-skan on many: it is meant so.", "waiver"),
        ("-- Waives seq-scan on many:", "waiver"),
        ("-- Waives seq-scan on many", "waiver"),
        ("-- Waives seq-scan on many: .", "waiver"),
        ("-- Waives order:", "waiver"),
        ("-- Waives order", "waiver"),
        ("-- Waives: it is meant so.", "waiver"),
        ("-- Waives order on: it is meant so.", "waiver"),
        ("-- Waives order, sort: it is meant so.", "waiver"),
        ("-- Waives waiver: it is meant so.", "waiver"),
        ("-- Waives needless-waiver: it is meant so.", "waiver"),
    ],
)
def test_a_waiver_that_is_wrong(connection: psycopg.Connection, line: str, rule: str) -> None:
    draft = Draft("SELECT id FROM many WHERE id = :id", of(id=int), waivers=line)
    [findings] = prove(connection, draft)
    assert [finding.rule for finding in findings] == [rule], shown(findings)
    assert findings[0].offset == draft.text.index("-- Waives")
    assert findings[0].help


def test_a_rule_that_is_misspelt_is_guessed(connection: psycopg.Connection) -> None:
    line = "-- Waives seq-skan on many: it is meant so."
    [[finding]] = prove(
        connection, Draft("SELECT id FROM many WHERE id = :id", of(id=int), waivers=line)
    )
    assert "seq-scan" in finding.help


def test_one_waiver_of_two_findings(connection: psycopg.Connection) -> None:
    sql = "SELECT m.id FROM many AS m JOIN more AS o ON o.name = m.name WHERE m.name <> :text"
    draft = Draft(f"{sql} ORDER BY m.id LIMIT 10000", list_of(id=int))
    plain, named, by_rule = prove(
        connection,
        draft,
        waived(draft, "-- Waives seq-scan on many: all of them are wanted."),
        waived(draft, "-- Waives seq-scan: all of them are wanted."),
    )
    of_rule = [finding for finding in plain if finding.rule == "seq-scan"]
    assert len(of_rule) == 2, shown(plain)
    [left] = [finding for finding in named if finding.rule == "seq-scan"]
    assert "more" in left.message
    assert "seq-scan" not in kinds(by_rule), shown(by_rule)
    assert "needless-waiver" not in kinds(by_rule) | kinds(named)


def test_a_line_each(connection: psycopg.Connection) -> None:
    draft = Draft("SELECT id, size FROM many WHERE name = :text", list_of(id=int, size=int))
    lines = [
        "-- Waives seq-scan on many: it is small elsewhere.",
        "-- Waives nullable on size: these have one.",
        "-- Waives order: any will do.",
    ]
    for number in range(len(lines)):
        chosen = lines[:number] + lines[number + 1 :]
        [findings] = prove(connection, waived(draft, *chosen))
        assert len(findings) == 1, shown(findings)
    [findings] = prove(connection, waived(draft, *lines))
    assert not findings, shown(findings)


def test_a_reason_of_several_lines(connection: psycopg.Connection) -> None:
    lines = "-- Waives order: whoever asks has an order of his own\n--   for them, as all do."
    draft = Draft("SELECT name FROM plans", list_of(name=str), waivers=lines)
    [findings] = prove(connection, draft)
    assert not findings, shown(findings)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM plans -- Waives order: this is not the head.",
        "SELECT name /* Waives order: nor is this. */ FROM plans",
    ],
)
def test_elsewhere_it_waives_nothing(connection: psycopg.Connection, sql: str) -> None:
    [findings] = prove(connection, Draft(sql, list_of(name=str)))
    assert kinds(findings) == {"order"}, shown(findings)


def test_what_can_not_be_waived(connection: psycopg.Connection) -> None:
    """PostgreSQL's refusal: nothing else was looked at then."""
    line = "-- Waives refused: it is meant so."
    [findings] = prove(
        connection, Draft("SELECT nothing FROM plans", list_of(name=str), waivers=line)
    )
    assert kinds(findings) == {"refused", "waiver"}, shown(findings)
