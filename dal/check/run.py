"""Runs all rules over the statements of projects that share a database."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain

import psycopg

from dal.binding.errors import BindingError
from dal.check.dialect import NotAnalysedError
from dal.check.findings import Finding
from dal.check.project import Project, Rule
from dal.check.rules import PLAN_RULES, RULES, SCHEMA_RULES
from dal.check.rules.refusals import misfit, refusal
from dal.check.server.catalog import Catalog
from dal.check.server.describe import RefusedError
from dal.check.statement import BoundStatement
from dal.check.variants import merged
from dal.migrate import settings
from dal.source.waivers import Waiver, apply_waivers

LOCK_TIMEOUT = "1s"
_ABOUT_THE_SERVER = (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege)


def check(
    connection: psycopg.Connection,
    projects: Sequence[Project],
    *,
    live: bool,
    misfits: Sequence[BindingError] = (),
) -> tuple[list[Finding], dict[str, str]]:
    """All findings, by file and place, and the statements that lack what they need.

    It runs in a read-only transaction that is rolled back. Preparing and explaining a write takes
    ROW EXCLUSIVE on its tables for a moment, and the privileges that running it would take.

    Parameters:
        connection: to a database that is migrated; `populate` has filled it unless it is live.
        projects: whose statements are proven together, because their tables are in one database.
        live: the rows are a service's own. Whether an index or a waiver is needless can't be told
            from them.
        misfits: files that do not fit their stubs.

    Returns:
        The findings; and the names of the statements that can't be proven here, each with what
        it lacks, as its header comment says: `-- Needs pg_stat_statements: why.`
    """
    settings.committed_reads(connection)
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        settings.settle(connection, transaction=True)
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        catalog = Catalog(connection, projects, live=live)
        forms = [
            [BoundStatement(variant, catalog) for variant in binding.variants]
            for project in projects
            for binding in project.bindings
        ]
        statements = list(chain.from_iterable(forms))
        findings = [
            finding
            for variants in forms
            if variants[0].missing is None
            for finding in merged([list(prove(variant, catalog)) for variant in variants], variants)
        ]
        findings += map(misfit, misfits)
        misfit_paths = {each.path for each in misfits}
        for rule in SCHEMA_RULES:
            find = partial(rule, statements, catalog)
            fail = partial(_about_the_schema, projects[-1])
            broken, _ = _guarded(rule.__name__, find, catalog, fail)
            findings += (finding for finding in broken if finding.path not in misfit_paths)
        absent = {
            statement.name: statement.missing for statement in statements if statement.missing
        }
    findings = sorted(
        set(findings), key=lambda finding: (str(finding.path), finding.offset or 0, finding.rule)
    )
    return findings, absent


def _about_the_schema(project: Project, rule: str, message: str, help_: str) -> Finding:
    return Finding(rule, project.home, None, message, help_)


def prove(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """A statement's findings that no waiver covers, and what is wrong with its waivers."""
    rules = (*RULES, *statement.project.rules)
    refused = _refused(statement, catalog)
    findings, unsure = ([refused], None) if refused else _looked(statement, catalog, rules)

    def can_tell_needless(waiver: Waiver) -> bool:
        if unsure is None or waiver.rule in unsure:
            return False
        if waiver.rule not in PLAN_RULES:
            return True
        # It would show only where the table is large, and on rows that the project made for it.
        if statement.project.made_up:
            return False
        tables = [waiver.object] if waiver.object else catalog.rows
        known = [table for table in tables if table in catalog.rows]
        return not catalog.live and (not known or any(map(catalog.is_large, known)))

    return apply_waivers(
        findings,
        statement.header,
        rules=[name for rule in rules for name in rule.names],
        can_tell_needless=can_tell_needless,
        make=statement.finding,
    )


def _refused(statement: BoundStatement, catalog: Catalog) -> Finding | None:
    """The finding of a statement that PostgreSQL can't prepare or plan; no rule looks at it."""
    try:
        with catalog.connection.transaction(force_rollback=True):
            statement.description  # noqa: B018 - it is prepared here
        if statement.has_plan:
            statement.plan  # noqa: B018 - and planned
    except RefusedError as error:
        return refusal(statement, catalog, error)
    except _ABOUT_THE_SERVER:
        raise
    except psycopg.Error as error:
        message = f"PostgreSQL can't plan it: {error.diag.message_primary}"
        return statement.finding("refused", statement.beginning, message, "write it in another way")
    return None


def _looked(
    statement: BoundStatement, catalog: Catalog, rules: Sequence[Rule]
) -> tuple[list[Finding], set[str]]:
    """What the rules find, and the names of those that did not come to their end."""
    findings: dict[Finding, None] = {}  # several rules may stumble over the same
    unsure: set[str] = set()

    def fail(rule: str, message: str, help_: str) -> Finding:
        return statement.finding(rule, statement.beginning, message, help_, "statement")

    for rule in rules:
        find = partial(rule.find, statement, catalog)
        broken, complete = _guarded(rule.names[0], find, catalog, fail)
        findings |= dict.fromkeys(broken)
        unsure |= set() if complete else {*rule.names}
    return list(findings), unsure


def _guarded(
    name: str,
    find: Callable[[], Iterator[Finding]],
    catalog: Catalog,
    fail: Callable[[str, str, str], Finding],
) -> tuple[list[Finding], bool]:
    """What a rule finds, and whether it came to its end: what stops it must not stop the check."""
    try:
        with catalog.connection.transaction(force_rollback=True):
            return list(find()), True
    except NotAnalysedError as error:
        message = f"the statement can't be analysed: {error}"
        return [fail("not-proven", message, "write it in another way")], False
    except _ABOUT_THE_SERVER:
        raise
    except Exception as error:  # noqa: BLE001
        message = f"the rule {name} fails ({type(error).__name__})"
        return [fail("rule-failed", message, "report this as a fault of dal's")], False
