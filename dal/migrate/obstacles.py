"""Objects in a database that keep dal from working, or change its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

import psycopg

from dal import errors
from dal.migrate.folder import DAL
from dal.migrate.migration import Migration
from dal.paths import SQL


class ObstacleKind(StrEnum):
    """What an obstacle does, as sql/obstacles.sql explains it."""

    STOPS = auto()
    CHANGES = auto()
    UNOWNED = "unmarked"  # it lacks its ownership comment
    HIDDEN = auto()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in a database that is not as it should be.

    Attributes:
        kind: what it does.
        migration: the id of the migration that it concerns.
        table: the table's name.
        problem: what is wrong.
        help: what to do.
    """

    kind: ObstacleKind
    migration: str
    table: str
    problem: str
    help: str

    def __str__(self) -> str:
        return f"{self.problem}: {self.help}"


def obstacles(connection: psycopg.Connection, migrations: Sequence[Migration]) -> list[Obstacle]:
    """The obstacles in a database, in the order of migrations; only the catalogue is read.

    Parameters:
        connection: to the database.
        migrations: those that the database should have; without dal's there are no obstacles.

    SQL: sql/obstacles.sql
    """
    if all(migration.project != DAL for migration in migrations):
        return []
    rows = connection.execute((SQL / "obstacles.sql").read_bytes())
    return [Obstacle(ObstacleKind(kind), *row) for kind, *row in rows]


def refuse(obstacles: list[Obstacle]) -> None:
    """Raise an error if an existing table can't be used.

    Raises:
        SchemaMismatchError: one can't; the text says why.
    """
    problems = [str(obstacle) for obstacle in obstacles if obstacle.kind is ObstacleKind.STOPS]
    if problems:
        listed = "\n  ".join(problems)
        raise errors.SchemaMismatchError(f"an existing table can't be used:\n  {listed}")
