"""The whole check of statements that are made for a test, on a real server.

SQL, a stub and a schema go in, findings come out: the tests that use it know nothing else of
dal/check, so that they hold for any design of it. What they need to know of it stands here.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dal.binding import Queries
from dal.binding.statement import read_statement
from dal.check.findings import Finding
from dal.check.project import OwnerColumns, Project, Rule
from dal.check.run import check
from tests.check.stubs import stub

HEAD = "-- What it answers.\n-- Index: none.\n-- Locks: none.\n"
NOT_PROVEN = frozenset({"not-proven"})
OWNERS = NOT_PROVEN | {"owner-filter"}
NULLABILITY = frozenset({"nullable"})
NULLS = NOT_PROVEN | NULLABILITY
TYPES = NOT_PROVEN | {"column-type", "parameter-type", "enum-labels", "fetch-mode", "nullable"}

# A parameter's annotation, by its name, where a test says nothing else.
_USUAL: Mapping[str, Any] = {
    "user_id": str,
    "user_ids": list[str],
    "id": int,
    "ids": list[int],
    "n": int,
    "text": str,
    "flag": bool,
}


@dataclass(frozen=True)
class Draft:
    """A statement and its stub.

    Attributes:
        sql: the statement; the header comment that the project wants is put before it.
        returns: the stub's return annotation.
        takes: the annotations of its parameters, where they are not the usual ones.
        waivers: further lines of the header comment.
    """

    sql: str
    returns: Any = None
    takes: Mapping[str, Any] = field(default_factory=dict)
    waivers: str = ""

    @property
    def text(self) -> str:
        """The whole file."""
        return HEAD + "".join(f"{line}\n" for line in self.waivers.splitlines()) + self.sql + "\n"


def prove(
    connection: psycopg.Connection, *drafts: Draft, rules: tuple[Rule, ...] = ()
) -> list[list[Finding]]:
    """The findings of each draft, all of them checked together as one folder.

    Parameters:
        connection: to a database with the tables.
        drafts: the statements.
        rules: the optional rules that the project has.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "sql"
        (folder / "drafts").mkdir(parents=True)
        migrations = Path(name) / "migrations"
        migrations.mkdir()
        queries = drafted(folder, drafts)
        project = Project(
            migrations,
            statements=(folder,),
            bindings=queries.bindings,
            migrations=migrations,
            owner=OwnerColumns("user_id", {"users": "id"}),
            rules=rules,
        )
        findings, _ = check(connection, [project], live=False)
        for finding in findings:
            finding.line_and_column  # noqa: B018 - while the files are there
        paths = [_path(folder, number) for number in range(len(drafts))]
        return [[finding for finding in findings if finding.path == path] for path in paths]


def drafted(folder: Path, drafts: Sequence[Draft]) -> Queries:
    """Drafts as files of a folder, bound to their stubs."""
    queries = Queries(folder)
    for number, draft in enumerate(drafts):
        path = _path(folder, number)
        path.write_text(draft.text)
        file = path.relative_to(folder).as_posix()
        names = read_statement(folder, file).parameters
        usual = {name: _USUAL[name] for name in names if name in _USUAL}
        queries(file)(stub(draft.returns, usual | dict(draft.takes)))
    return queries


def _path(folder: Path, number: int) -> Path:
    return folder / f"drafts/draft_{number}.sql"


def kinds(findings: Sequence[Finding]) -> set[str]:
    """The rules that are broken."""
    return {finding.rule for finding in findings}


def shown(findings: Sequence[Finding]) -> str:
    """The findings, for an assertion's message."""
    return (
        "\n".join(f"{finding.rule}: {finding.message}" for finding in findings)
        or "nothing was found"
    )
