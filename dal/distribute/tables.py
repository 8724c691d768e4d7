"""The tables that have an owner, in the order in which they can be distributed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

import psycopg

from dal.check.project import OwnerColumns
from dal.distribute.sql_files import rows
from dal.errors import SchemaMismatchError


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the search path.

    Attributes:
        id: its oid.
        identifier: its name, with the schema where the search_path needs it.
        name: without the schema.
        bytes: its size, indexes included.
        is_dals: whether a comment says that a migration of dal's has made it.
        columns: their names.
        needs: the oids of the tables that it refers to.
        owner: the column that holds the owners of its rows.
    """

    id: int
    identifier: str
    name: str
    bytes: int
    is_dals: bool
    columns: Sequence[str]
    needs: Sequence[int]
    owner: str = ""


def owned(
    connection: psycopg.Connection, owners: OwnerColumns, first: Sequence[str]
) -> list[Table]:
    """The tables with an owner, each after those that it refers to.

    Parameters:
        connection: to the database.
        owners: the columns that hold the owners.
        first: names of tables that come before others, as far as references let them.

    Raises:
        SchemaMismatchError: no table has an owner, or tables refer to each other in a circle.
    """
    tables = [
        replace(table, owner=owner)
        for table in rows(connection, "tables", Table)
        if (owner := owners.for_table(table.name, table.columns))
    ]
    if not tables:
        raise SchemaMismatchError(
            "no table of the search_path has an owner, by whom it could be distributed"
        )
    place = {name: number for number, name in enumerate(first)}
    tables.sort(key=lambda table: place.get(table.name, len(place)))
    known = {table.id: table for table in tables}
    needs = {table.id: known.keys() & {*table.needs} for table in tables}
    try:
        return [known[each] for each in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        circle = ", ".join(known[each].identifier for each in error.args[1][1:])
        raise SchemaMismatchError(
            f"foreign keys lead from {circle} back to the first of them: drop one of these keys"
        ) from None
