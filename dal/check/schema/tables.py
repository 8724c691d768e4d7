"""Tables and views, and what PostgreSQL enforces of their columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dal.check.schema.routines import Routines


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    Attributes:
        type: its type's OID.
        declared: whether it is declared NOT NULL.
        enforced: whether that holds of all rows.
        null_free: a CHECK wants that no element of the array is NULL.
    """

    type: int = 0
    declared: bool = False
    enforced: bool = False
    null_free: bool = False


@dataclass(slots=True)
class Table:
    """A table or a view.

    Attributes:
        name: with its schema, where the search path does not find it.
        kind: as pg_class has it: `v` for a view, `m` for a materialized one.
        rules: a rule may write something else in its place.
        definition: the query of a view.
    """

    name: str
    kind: str = "r"
    rules: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    definition: str = ""

    @property
    def is_view(self) -> bool:
        """Whether its rows are those of a query."""
        return self.kind in ("v", "m")


@dataclass(frozen=True, slots=True)
class Schema:
    """The relations, functions, operators and types of a database.

    Attributes:
        path: the relations that are found by their names alone.
        tables: all of them, by schema and name; a temporary one also by pg_temp.
        routines: functions, operators, casts and types.
    """

    path: Mapping[str, Table] = field(default_factory=dict)
    tables: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    routines: Routines = field(default_factory=Routines)

    def table(self, schema: str, name: str) -> Table | None:
        """The relation that a name means."""
        return self.tables.get((schema, name)) if schema else self.path.get(name)
