"""What `dal check` runs: all rules, on the statements of projects that share a database."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain

import psycopg

from dal.binding.errors import BindingError
from dal.check.dialect import NotAnalysedError
from dal.check.findings import Finding
from dal.check.merged_findings import merged
from dal.check.project import Project, Rule
from dal.check.rules import PLAN_RULES, RULES, SCHEMA_RULES
from dal.check.rules.refusals import misfit, refusal
from dal.check.server.catalog import Catalog
from dal.check.server.describe import RefusedError
from dal.check.statement import BoundStatement
from dal.migrate import settings
from dal.source.waivers import Waiver, apply_waivers

LOCK_TIMEOUT = "1s"
_SERVER_ERRORS = (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege)


def check(
    connection: psycopg.Connection,
    projects: Sequence[Project],
    *,
    live: bool,
    binding_errors: Sequence[BindingError] = (),
) -> tuple[list[Finding], dict[str, str]]:
    """All findings, by file and place, and the statements that can't be proven here.

    Runs in a read-only transaction that is rolled back. Preparing and explaining a write takes
    ROW EXCLUSIVE on its tables for a moment, and needs the privileges that running it needs.

    Parameters:
        connection: to a database that is migrated; `populate` has filled it unless it is live.
        projects: the projects whose tables are in the database.
        live: whether the rows are real; then unused indexes and needless waivers of plan rules
            are not reported.
        binding_errors: errors about files that do not fit their stubs.

    Returns:
        The findings; and the names of the statements that can't be proven here, each with what
        is missing here though its header comment asks for it: `-- Needs pg_stat_statements: why.`
    """
    settings.committed_reads(connection)
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        settings.apply_session_settings(connection, transaction=True)
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
        findings += map(misfit, binding_errors)
        misfit_paths = {error.path for error in binding_errors}
        for rule in SCHEMA_RULES:
            find = partial(rule, statements, catalog)
            fail = partial(_schema_finding, projects[-1])
            violations, _ = _run_rule(rule.__name__, find, catalog, fail)
            findings += (finding for finding in violations if finding.path not in misfit_paths)
        absent = {
            statement.name: statement.missing for statement in statements if statement.missing
        }
    findings = sorted(
        set(findings), key=lambda finding: (str(finding.path), finding.offset or 0, finding.rule)
    )
    return findings, absent


def _schema_finding(project: Project, rule: str, message: str, help_: str) -> Finding:
    return Finding(rule, project.report_at, None, message, help_)


def prove(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """A statement's findings that no waiver covers, and those about its waivers."""
    rules = (*RULES, *statement.project.rules)
    refused_finding = _refusal(statement, catalog)
    findings, incomplete = (
        ([refused_finding], None) if refused_finding else _apply_rules(statement, catalog, rules)
    )

    def can_tell_needless(waiver: Waiver) -> bool:
        if incomplete is None or waiver.rule in incomplete:
            return False
        if waiver.rule not in PLAN_RULES:
            return True
        # Only a large table with typical rows would show the finding.
        if statement.project.has_made_up_rows:
            return False
        tables = [waiver.object] if waiver.object else catalog.rows
        known_tables = [table for table in tables if table in catalog.rows]
        return not catalog.live and (not known_tables or any(map(catalog.is_large, known_tables)))

    return apply_waivers(
        findings,
        statement.header,
        rules=[name for rule in rules for name in rule.names],
        can_tell_needless=can_tell_needless,
        make=statement.finding,
    )


def _refusal(statement: BoundStatement, catalog: Catalog) -> Finding | None:
    """The finding about a statement that PostgreSQL can't prepare or plan, else None."""
    try:
        with catalog.connection.transaction(force_rollback=True):
            statement.description  # noqa: B018 - it is prepared here
        if statement.has_plan:
            statement.plan  # noqa: B018 - and planned
    except RefusedError as error:
        return refusal(statement, catalog, error)
    except _SERVER_ERRORS:
        raise
    except psycopg.errors.FeatureNotSupported as error:
        if not catalog.is_distributed:
            return _unplanned(statement, error)
        message = f"Citus can't plan it for distributed tables: {error.diag.message_primary}"
        help_ = (
            "let it read the rows of one owner; or set `distributed = true` in [tool.dal], and"
            " write `-- Waives one-shard: the reason.` in the header comment"
        )
        return statement.finding("one-shard", statement.beginning, message, help_)
    except psycopg.Error as error:
        return _unplanned(statement, error)
    return None


def _unplanned(statement: BoundStatement, error: psycopg.Error) -> Finding:
    message = f"PostgreSQL can't plan it: {error.diag.message_primary}"
    return statement.finding("refused", statement.beginning, message, "rewrite the statement")


def _apply_rules(
    statement: BoundStatement, catalog: Catalog, rules: Sequence[Rule]
) -> tuple[list[Finding], set[str]]:
    """The findings of the rules, and the names of the rules that did not complete."""
    findings: dict[Finding, None] = {}  # several rules may report the same failure
    incomplete: set[str] = set()

    def fail(rule: str, message: str, help_: str) -> Finding:
        return statement.finding(rule, statement.beginning, message, help_, "statement")

    for rule in rules:
        find = partial(rule.find, statement, catalog)
        violations, complete = _run_rule(rule.names[0], find, catalog, fail)
        findings |= dict.fromkeys(violations)
        incomplete |= set() if complete else {*rule.names}
    return list(findings), incomplete


def _run_rule(
    name: str,
    find: Callable[[], Iterator[Finding]],
    catalog: Catalog,
    fail: Callable[[str, str, str], Finding],
) -> tuple[list[Finding], bool]:
    """A rule's findings, and whether it completed: its failure must not stop the check."""
    try:
        with catalog.connection.transaction(force_rollback=True):
            return list(find()), True
    except NotAnalysedError as error:
        message = f"the statement can't be analysed: {error}"
        return [fail("not-proven", message, "rewrite the statement")], False
    except _SERVER_ERRORS:
        raise
    except Exception as error:  # noqa: BLE001
        message = f"the rule {name} fails ({type(error).__name__})"
        return [fail("rule-failed", message, "report this as a bug in dal")], False
