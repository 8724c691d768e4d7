"""The tests on a Citus cluster: a plugin, where DAL_TEST_CITUS has a coordinator's URL.

A migrated database is a distributed one there, and every test gets the same, emptied; only after a
test that changed more than rows it is made anew. Tests that ask for no migrated database ask
nothing of a cluster, and are left out. ABSENT lists those that can't run there, and why.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import psycopg
import pytest

from dal import distribute
from dal.project.dal_project import OWNER
from dal.testing.server import Postgres
from tests.distribute.cluster import Cluster
from tests.migrations.database import catalogue, rows

SHARDS = 4  # two on each of two workers; they are emptied faster than 32

_NOT_ABOUT_IT = "asks a command or a library, which a cluster changes nothing of"
_OTHERS = "the servers are not the tests' own, to stop them or to set them otherwise"
_PLAN = "reads the plan, which a worker has and the coordinator does not show"
_TRIGGER = "Citus refuses triggers on distributed tables"
_LIMIT = "a session's lock_timeout does not go with its statements to the workers"
_LOCAL = "Citus refuses a foreign key to or from a table that is not distributed"
_TOGETHER = "sends several commands in one string, which Citus refuses"
_COMMIT = "of a COMMIT that a worker refuses Citus says only that it failed"

ABSENT: dict[str, str] = {
    "benchmarks": "measures a server beside others",
    "binding": "its statements read what each test makes, and that is not distributed",
    "check": _PLAN,
    "database/test_defaults.py::test_a_statement_of_its_own_that_conflicts_is_repeated": _COMMIT,
    "database/test_defaults.py::test_no_default_of_a_session_matters": (
        "a worker whose array_nulls is off takes a NULL in an array for a text"
    ),
    "database/test_failures.py::test_a_lock_timeout": _LIMIT,
    "database/test_transaction.py::test_serializable_transactions_that_exclude_each_other": _COMMIT,
    "distribute/test_refusals.py": "asks a server that has no Citus",
    "docs/test_psql.py::test_every_file_runs_in_psql": (
        "export_owners.sql and retention.sql are refused there, and never sent"
    ),
    "faults/test_cancellation.py::test_no_connection_outlives_a_cancelled_call_that_opened_it": (
        "asyncpg leaves a failure behind where the choice of TLS is cancelled, over TCP anywhere"
    ),
    "faults/test_connection.py::test_a_commit_that_waits_for_a_standby_is_stored": _OTHERS,
    "faults/test_crash.py": _OTHERS,
    "faults/test_failover.py": _OTHERS,
    "faults/test_restart.py": _OTHERS,
    "faults/test_schema_change.py::test_the_schema_changes[columns widened": (
        "Citus keeps the type of the column that a table is distributed by"
    ),
    "faults/test_service.py": _OTHERS,
    "faults/test_standby.py": _OTHERS,
    "fidelity/test_times.py::test_a_moment_stays_itself": (
        "writes times by a cast of a column that Citus would leave to each node's settings"
    ),
    "flat/test_batches.py": _PLAN,
    "flat/test_lines.py": _PLAN,
    "flat/test_new_tables.py": "reads the tables' statistics, and the coordinator's stay empty",
    "flat/test_round_trips.py::test_an_exception_is_one": (
        "Citus runs the parts of create_and_history one by one, so that it has no second look"
    ),
    "flat/test_round_trips.py::test_an_import_counts_batches_and_not_rows": (
        "asks once more there, which tables are distributed, and for the rows of each user"
    ),
    "flat/test_wire.py::test_a_pipeline_is_cut_within[E": (
        "outside of a transaction Citus stores what was executed, whether or not a Sync follows"
    ),
    "functions/test_users.py::test_times_are_utc_whatever_the_session_says": (
        "a session of one's own in another DateStyle than ISO, against which dal's are safe"
    ),
    "isolation/test_isolation.py::test_another_user_never_waits_for_adas_rows": _LIMIT,
    "isolation/test_isolation.py::test_no_statement_puts_a_message_into_anothers_conversation": (
        "Citus lets no row change its owner, before a foreign key has a say"
    ),
    "isolation/test_policies.py": _PLAN,
    "isolation/test_privileges.py::test_each_privilege_is_needed": (
        "changes its role in a transaction, which Citus refuses once it has written"
    ),
    "isolation/test_privileges.py::test_nothing_else_is_allowed": (
        "the role may write created_at there, as the coordinator does for it"
    ),
    "isolation/test_secrets.py::test_nothing_shows_a_parameter_or_a_text[at commit": _TRIGGER,
    "isolation/test_secrets.py::test_nothing_shows_a_parameter_or_a_text[foreign key": _LOCAL,
    **{
        f"isolation/test_secrets.py::test_nothing_shows_a_parameter_or_a_text[{way}": (
            "Citus can't send a policy that reads a whole row to the shards"
        )
        for way in ("cast", "cancelled", "timed out", "killed", "schema", "unknown")
    },
    "isolation/test_lines.py::test_under_a_policy_nothing_is_left_out_in_silence": _TOGETHER,
    "jsonl/test_export.py::test_a_snapshot": "no snapshot is of all nodes",
    "jsonl/test_export.py::test_whoever_has_rows_is_an_owner[ALTER TABLE users": (
        "Citus keeps the type of the column that a table is distributed by"
    ),
    "jsonl/test_import.py::test_nobody_appends_between_the_look_and_the_write": _LIMIT,
    "jsonl/test_import.py::test_the_clock_of_the_messages_is_that_of_the_last_one": (
        "reads the tables by a join that is not by their owners"
    ),
    "jsonl/test_unwritable.py::test_it_is_named_and_all_else_is_written": _TOGETHER,
    "jsonl/test_import.py::test_rows_that_a_trigger_swallows_are_missed": _TRIGGER,
    "maintenance/test_commands.py::test_a_services_command_timeout_is_no_limit": _TRIGGER,
    "maintenance/test_commands.py::test_nor_for_orphans": _TOGETHER,
    "maintenance/test_orphans.py::test_a_clock_behind_its_messages_is_moved_up": (
        "sets a time by an interval from a column, which Citus would leave to each node's settings"
    ),
    "maintenance/test_retention.py"
    "::test_a_foreign_key_of_the_services_keeps_its_own_and_no_other": _LOCAL,
    "maintenance/test_retention.py"
    "::test_what_is_in_use_is_passed_over_and_not_waited_for[repeated": (
        "locks rows of all users by a statement of its own"
    ),
    "maintenance/test_commands.py::test_orphans_that_a_trigger_keeps": _TRIGGER,
    "maintenance/test_erasure.py::test_rows_that_a_trigger_keeps_end_the_run": _TRIGGER,
    "order/test_model.py": "its clock is a function of one node, found before PostgreSQL's own",
    "order/test_writers.py": _TRIGGER,
    "places": _NOT_ABOUT_IT,
    "pooler/test_pgbouncer.py::test_statements_that_conflict_by_a_default_isolation_are_repeated": (
        "a default of force_generic_plan, behind a pooler, leaves Citus without a plan"
    ),
    "pooler/test_stats.py": "counts rows, which dal stats leaves out on a cluster",
    "stats": "counts rows, which dal stats leaves out on a cluster",
    "telemetry/test_pools.py::test_pools_at_one_place_have_names_of_their_own": (
        "counts the pools at one address, which all tests have in common here"
    ),
    "terminal": _NOT_ABOUT_IT,
    "test_ping.py": _NOT_ABOUT_IT,
    "typing": _NOT_ABOUT_IT,
}
"""Folders, files and tests, of some parameters or of all."""

_ABSENT = pytest.StashKey[Counter[str]]()

_SETTINGS = """
    SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting
    JOIN pg_database ON pg_database.oid = setdatabase
    WHERE datname = current_database()
"""


@dataclass
class Coordinator(Postgres):
    """A server whose databases are distributed, but for those without a template."""

    _lent: dict[str, "Distributed"] = field(default_factory=dict, init=False, repr=False)
    _spares: list["Distributed"] = field(default_factory=list, init=False, repr=False)

    def create(self, template: str = "template0") -> str:
        """Lend the database, or where it is lent, a further one."""
        if template == "template0":
            return super().create()
        database = self._spares.pop() if self._spares else Distributed(self.url)
        self._lent[database.url] = database
        return database.url

    def drop(self, url: str) -> None:
        """Take a database back."""
        if database := self._lent.pop(url, None):
            if database.empty():
                self._spares.append(database)
            else:
                database.close()
        else:
            super().drop(url)

    def close(self) -> None:
        for database in (*self._spares, *self._lent.values()):
            database.close()


class Distributed:
    """A migrated, distributed database."""

    def __init__(self, url: str) -> None:
        with ExitStack() as stack:
            self.url = stack.enter_context(Cluster.like(url)).url
            distribute.apply(self.url, OWNER, [*OWNER.by_table], shards=SHARDS)
            self.close = stack.pop_all().close
        self._objects = self._catalogue()

    def empty(self) -> bool:
        """Delete all rows; False where something else has changed, or it can't be done."""
        try:
            with psycopg.connect(self.url, options="-c statement_timeout=10s") as connection:
                connection.execute("DELETE FROM users")
        except psycopg.Error:
            return False
        return self._catalogue() == self._objects

    def _catalogue(self) -> list[tuple[object, ...]]:
        return [*catalogue(self.url), *rows(self.url, _SETTINGS)]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Have no workers, which would share the database."""
    config.option.numprocesses = 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what asks nothing of a cluster, and what can't run there."""
    kept, absent = list[pytest.Item](), config.stash.setdefault(_ABSENT, Counter())
    for item in items:
        if not {"dal_template", "cluster"}.isdisjoint(getattr(item, "fixturenames", ())):
            if name := next((name for name in ABSENT if covers(name, item.nodeid)), None):
                absent[name] += 1
            else:
                kept.append(item)
    config.hook.pytest_deselected(items=[*{*items} - {*kept}])
    items[:] = kept


def covers(name: str, test: str) -> bool:
    """Whether an entry is about a test."""
    return re.match(rf"tests/{re.escape(name)}\b", test) is not None


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List what was left out because it can't run."""
    terminalreporter.section("can't run on a cluster")
    for name, number in config.stash[_ABSENT].items():
        terminalreporter.line(f"[{number}] tests/{name}: {ABSENT[name]}")


def pytest_report_header() -> str:
    """How the server of the header before is used."""
    return f"distributed by Citus, in {SHARDS} shards"


@pytest.fixture(scope="session")
def dal_server(dal_server: Postgres) -> Iterator[Coordinator]:
    with closing(Coordinator("Citus", dal_server.url)) as coordinator:
        yield coordinator


@pytest.fixture(scope="session")
def dal_template() -> str:
    return "distributed"


@pytest.fixture
def dal_database(dal_server: Coordinator, dal_template: str) -> Iterator[str]:
    url = dal_server.create(dal_template)
    yield url
    dal_server.drop(url)
