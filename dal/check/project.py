"""What is proven, and what of it is a project's own choice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dal.check.findings import Finding

if TYPE_CHECKING:
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
    """How a table says whose its rows are.

    Attributes:
        column: its name; a table without it has no owner.
        exceptions: the column of a table that calls it otherwise, by the table's name.
    """

    column: str
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def of(self, table: str, columns: Iterable[str]) -> str | None:
        """The column of a table, if it has one."""
        name = self.exceptions.get(table, self.column)
        return name if name in columns else None


@dataclass(frozen=True)
class Project:
    """A folder of statements, and the schema that they are proven against.

    Attributes:
        statements: the folder of the SQL files.
        migrations: that of the migrations, in which findings about the schema have their places.
        unbound: whether a file needs no stub, as one that people run by hand.
        owner: whose a row is; None where nobody asks.
        mark: how the comment begins on tables that the migrations have made.
        indexes: a query for the indexes that a statement has to use, unless its header comment
            waives that; None where nobody asks.
        populate: statements that fill a new database, so that plans mean something.
        rules: further rules, which the project chooses.
    """

    statements: Path
    migrations: Path
    unbound: Callable[[Path], bool] = lambda _: False
    owner: Owner | None = None
    mark: str = ""
    indexes: Path | None = None
    populate: Path | None = None
    rules: tuple[Rule, ...] = ()
