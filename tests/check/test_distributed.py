"""What the rules for distributed tables find; a cluster has the last word, in tests/distribute/."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from dal.binding import Executor, Queries
from dal.check.findings import Finding
from dal.check.project import OwnerColumns, Project
from dal.check.run import check
from dal.project.distributed import DISTRIBUTED
from dal.testing.server import Postgres
from tests.check.distributed import ONE, REFUSED, RUN, SEVERAL, TWO_PHASE
from tests.check.proving import HEAD, Draft, prove, shown

WAIVED = "-- Waives owner-filter: for this test.\n"
RULES = {"one-shard", "refused-by-citus"}
TAKES = {"other_id": str, "id": UUID, "title": str, "limit": int, "day": str}


@pytest.fixture(scope="module")
def connection(dal_server: Postgres, dal_template: str) -> Iterator[psycopg.Connection]:
    url = dal_server.create(dal_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE VIEW open_tasks AS SELECT user_id, title FROM tasks WHERE NOT completed;"
            "CREATE VIEW hidden AS SELECT t.user_id, t.title, (SELECT count(*) FROM messages AS m"
            " WHERE m.user_id = t.user_id) AS said FROM tasks AS t;"
            "CREATE TABLE events (user_id text, id bigint GENERATED ALWAYS AS IDENTITY,"
            " happened timestamptz DEFAULT now(), PRIMARY KEY (user_id, id))"
        )
        yield connection
    dal_server.drop(url)


def found(
    connection: psycopg.Connection, sql: str, waivers: str = WAIVED
) -> tuple[Sequence[Finding], list[int]]:
    """The rules' findings, and the places that are marked."""
    *before, _ = (HEAD + waivers + sql).split("→")
    marks = [sum(map(len, before[: place + 1])) for place in range(len(before))]
    plain = sql.replace("→", "")
    takes = {name: TAKES[name] for name in re.findall(r"(?<!:):(\w+)", plain) if name in TAKES}
    [findings] = prove(connection, Draft(plain, None, takes, waivers), rules=DISTRIBUTED)
    return [finding for finding in findings if finding.rule in RULES], marks


def places(findings: Sequence[Finding], rule: str) -> list[int | None]:
    return sorted({f.offset for f in findings if f.rule == rule}, key=lambda place: place or 0)


@pytest.mark.parametrize("sql", ONE)
def test_one_shard(connection: psycopg.Connection, sql: str) -> None:
    findings, _ = found(connection, sql)
    assert not findings, shown(findings)


@pytest.mark.parametrize("sql", [*SEVERAL, *TWO_PHASE])
def test_several_shards(connection: psycopg.Connection, sql: str) -> None:
    findings, marks = found(connection, sql)
    assert (places(findings, "one-shard"), {f.rule for f in findings}) == (marks, {"one-shard"})


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(connection: psycopg.Connection, sql: str) -> None:
    findings, marks = found(connection, sql)
    assert places(findings, "refused-by-citus") == marks, shown(findings)


@pytest.mark.parametrize("sql", RUN)
def test_not_refused(connection: psycopg.Connection, sql: str) -> None:
    findings, _ = found(connection, sql)
    assert not places(findings, "refused-by-citus"), shown(findings)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT title FROM open_tasks WHERE user_id = :user_id",
        "SELECT title FROM →open_tasks WHERE user_id = (SELECT :user_id::text)",
        "SELECT title FROM →hidden WHERE user_id = :user_id",
        "INSERT INTO →events (user_id) SELECT u.id FROM users AS u WHERE u.id = :user_id",
        "INSERT INTO events (user_id, id) OVERRIDING SYSTEM VALUE"
        " SELECT u.id, 1 FROM users AS u WHERE u.id = :user_id",
    ],
)
def test_views_and_defaults(connection: psycopg.Connection, sql: str) -> None:
    findings, marks = found(connection, sql)
    assert places(findings, "one-shard") == marks, shown(findings)


def test_what_the_rule_of_owners_finds_is_left_to_it(connection: psycopg.Connection) -> None:
    sql = "SELECT t.id FROM tasks AS t, users AS u WHERE u.id = (SELECT :user_id::text)"
    about = {finding.object for finding in found(connection, sql, waivers="")[0]}
    assert about == {"users"}
    about = {finding.object for finding in found(connection, sql)[0]}
    assert about == {"users", "tasks"}
    waived = "-- Waives owner-filter on tasks: for this test.\n"
    assert {f.object for f in found(connection, sql, waived)[0]} == {"users", "tasks"}


def test_waivers(connection: psycopg.Connection) -> None:
    sql = "SELECT t.id FROM tasks AS t, users AS u LIMIT (SELECT :limit::bigint)"
    one = "-- Waives one-shard on tasks: for this test.\n"
    assert {finding.object for finding in found(connection, sql, WAIVED + one)[0]} == {
        "users",
        "tasks",
    }
    both = "-- Waives one-shard: a test.\n-- Waives refused-by-citus: a test.\n"
    assert found(connection, sql, WAIVED + both)[0] == []


async def listed(db: Executor, *, title: str, user_id: str | None = None) -> list[UUID]:
    raise NotImplementedError


def test_a_line_that_may_be_absent(connection: psycopg.Connection, tmp_path: Path) -> None:
    """The line alone tells the shard."""
    (tmp_path / "listed.sql").write_text(
        f"{HEAD}{WAIVED}SELECT id FROM tasks\nWHERE title = :title\n"
        "AND user_id = :user_id -- if :user_id\nORDER BY id LIMIT 5"
    )
    queries = Queries(tmp_path)
    queries("listed.sql")(listed)
    owner = OwnerColumns("user_id")
    project = Project(tmp_path, (tmp_path,), queries.bindings, owner=owner, rules=DISTRIBUTED)
    findings, _ = check(connection, [project], live=False)
    [finding] = [finding for finding in findings if finding.rule in RULES]
    assert finding.message.endswith("(in 1 of 2, for example without any `-- if` line)")


def test_messages_name_what_to_do(connection: psycopg.Connection) -> None:
    [finding] = found(connection, "SELECT id FROM tasks WHERE user_id = ANY (:user_ids)")[0]
    assert finding.message == (
        "tasks.user_id is not plainly equal to one value, so all shards may be read or changed"
    )
    assert finding.help.startswith("add tasks.user_id = :owner to this very query;")
    [finding] = found(connection, SEVERAL[11])[0]
    assert finding.message == (
        "the rows of :other_id are on another shard than those of :user_id, by which tasks is read"
    )
