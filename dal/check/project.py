"""What the check knows of a project: its statements, tables and rules; dal.project builds these."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dal.check.findings import Finding

if TYPE_CHECKING:
    from dal.binding.binding import Binding
    from dal.check.server.catalog import Catalog
    from dal.check.statement import BoundStatement


class Rule:
    """A rule for statements.

    Attributes:
        find: yields the findings of a statement.
        names: the names of its findings.
    """

    def __init__(
        self, find: "Callable[[BoundStatement, Catalog], Iterator[Finding]]", *names: str
    ) -> None:
        self.find, self.names = find, names


SchemaRule: TypeAlias = "Callable[[Sequence[BoundStatement], Catalog], Iterator[Finding]]"
"""A rule for all statements and the schema."""


@dataclass(frozen=True)
class OwnerColumns:
    """The columns that hold the owners of tables' rows.

    Attributes:
        column: the usual name; a table without it has no owner. The rule is off if this is None
            and `by_table` names no column.
        by_table: exceptions, by the table's name; None for a table whose rows have no owner.
    """

    column: str | None = None
    by_table: Mapping[str, str | None] = field(default_factory=dict)

    def for_table(self, table: str, columns: Iterable[str]) -> str | None:
        """The owner column of a table, if it has one."""
        name = self.by_table.get(table, self.column)
        return name if name and name in columns else None

    def __bool__(self) -> bool:
        return bool(self.column or any(self.by_table.values()))


@dataclass(frozen=True)
class Project:
    """Folders of statements, and the tables that belong to them.

    Attributes:
        report_at: the file or folder at which to report findings that have no more specific place.
        statements: the folders of the SQL files.
        bindings: the statements with their stubs.
        migrations: the folder of the migrations, if it has any.
        name: the name for people.
        needs_no_stub: whether a file needs no stub, such as one that people run by hand.
        owner: the columns that hold the owners of rows.
        comment_prefix: the beginning of the comment on tables that its migrations have made. Tables
            without any project's prefix belong to the project that has none.
        indexes: a query for the indexes that a statement has to use, unless its header comment
            waives that; None turns the rule off.
        populate: statements that fill a new database, for realistic plans.
        has_made_up_rows: whether its tables hold generated rows because it has no such file. Plans
            for particular values and needless waivers of plan rules are not reported then.
        rules: additional rules that the project chooses.
    """

    report_at: Path
    statements: Sequence[Path] = ()
    bindings: Sequence["Binding"] = ()
    migrations: Path | None = None
    name: str = ""
    needs_no_stub: Callable[[Path], bool] = lambda _: False
    owner: OwnerColumns = field(default_factory=OwnerColumns)
    comment_prefix: str = ""
    indexes: Path | None = None
    populate: Path | None = None
    has_made_up_rows: bool = False
    rules: tuple[Rule, ...] = ()


def joint_owner(owners: Sequence[OwnerColumns]) -> OwnerColumns:
    """Join the owner columns of projects that share a database.

    For a table that several projects name, the first one decides; for a table that none names, the
    last one.
    """
    by_table = {
        table: column for owner in reversed(owners) for table, column in owner.by_table.items()
    }
    return OwnerColumns(owners[-1].column, by_table) if owners else OwnerColumns()
