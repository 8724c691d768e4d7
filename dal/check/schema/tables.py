"""Tables, views and columns, with what PostgreSQL enforces on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dal.check.schema.routines import Routines


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation.

    Attributes:
        type: its type's OID.
        declared: whether it is declared NOT NULL.
        enforced: whether that holds for all rows.
        null_free: whether a CHECK forbids NULL elements of the array.
    """

    type: int = 0
    declared: bool = False
    enforced: bool = False
    null_free: bool = False


@dataclass(slots=True)
class Table:
    """A table or a view.

    Attributes:
        name: its name, with the schema if that is not on the search path.
        kind: pg_class.relkind: `v` for a view, `m` for a materialized one.
        rules: whether it has rules, which may write something else instead.
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
        visible: the relations on the search path, by name.
        tables: all relations, by schema and name; a temporary one also by pg_temp.
        routines: functions, operators, casts and types.
    """

    visible: Mapping[str, Table] = field(default_factory=dict)
    tables: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    routines: Routines = field(default_factory=Routines)

    def table(self, schema: str, name: str) -> Table | None:
        """The relation of a name."""
        return self.tables.get((schema, name)) if schema else self.visible.get(name)
