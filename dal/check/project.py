"""What is proven, and what of it is a project's own choice."""

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
    """A rule that each statement has to keep.

    Attributes:
        find: gives the findings of a statement.
        names: what its findings are called.
    """

    def __init__(
        self, find: "Callable[[BoundStatement, Catalog], Iterator[Finding]]", *names: str
    ) -> None:
        self.find, self.names = find, names


SchemaRule: TypeAlias = "Callable[[Sequence[BoundStatement], Catalog], Iterator[Finding]]"
"""A rule for all statements together with the schema."""


@dataclass(frozen=True)
class Owner:
    """How tables say whose their rows are.

    Attributes:
        column: its name; a table without it has no owner. None where nobody asks.
        by_table: the column of a table that calls it otherwise, by the table's name; None for a
            table whose rows are nobody's.
    """

    column: str | None = None
    by_table: Mapping[str, str | None] = field(default_factory=dict)

    def of(self, table: str, columns: Iterable[str]) -> str | None:
        """The column of a table, if it has one."""
        name = self.by_table.get(table, self.column)
        return name if name and name in columns else None

    def __bool__(self) -> bool:
        return bool(self.column or any(self.by_table.values()))


@dataclass(frozen=True)
class Project:
    """Folders of statements, and the part of the schema that is theirs.

    Attributes:
        home: the file or folder in which findings have their place that have no better one.
        statements: the folders of the SQL files.
        bindings: the statements with their stubs.
        migrations: the folder of the migrations, if it has any.
        name: as people call it.
        unbound: whether a file needs no stub, as one that people run by hand.
        owner: whose a row is.
        mark: how the comment begins on tables that its migrations have made. The tables that bear
            nobody's mark belong to the project that has none.
        indexes: a query for the indexes that a statement has to use, unless its header comment
            waives that; None where nobody asks.
        populate: statements that fill a new database, so that plans mean something.
        made_up: whether, without such statements, the rows of its tables are made up. How they are
            spread says nothing then: no value is judged apart from the others, and nobody can tell
            whether a plan's waiver is needless.
        rules: further rules, which the project chooses.
    """

    home: Path
    statements: Sequence[Path] = ()
    bindings: Sequence["Binding"] = ()
    migrations: Path | None = None
    name: str = ""
    unbound: Callable[[Path], bool] = lambda _: False
    owner: Owner = field(default_factory=Owner)
    mark: str = ""
    indexes: Path | None = None
    populate: Path | None = None
    made_up: bool = False
    rules: tuple[Rule, ...] = ()


def joint_owner(projects: Sequence[Project]) -> Owner:
    """Whose a row is, where several projects share a database.

    What a project says of its own tables goes before what those after it say; of tables that none
    names, the last one decides.
    """
    by_table = {
        table: column
        for project in reversed(projects)
        for table, column in project.owner.by_table.items()
    }
    return Owner(projects[-1].owner.column, by_table) if projects else Owner()
