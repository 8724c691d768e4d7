"""PostgreSQL's types, as its catalogue describes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Kind(StrEnum):
    """The kinds of types, by pg_type.typtype, or a letter that is not used there."""

    BASE = "b"
    EXTENSION = "x"  # a base type that is not PostgreSQL's own
    ENUM = "e"
    DOMAIN = "d"
    ARRAY = "a"
    RANGE = "r"
    MULTIRANGE = "m"
    COMPOSITE = "c"
    PSEUDO = "p"


@dataclass(frozen=True, slots=True)
class PgType:
    """A type.

    Attributes:
        name: format_type's name: `timestamp with time zone`, `text[]`, `app.color`.
        kind: the kind of type.
        base: the base type of a domain.
        element: the type of an array's elements, or of a multirange's ranges.
        labels: the labels of an enum, in its order.
    """

    name: str
    kind: Kind = Kind.BASE
    base: "PgType | None" = None
    element: "PgType | None" = None
    labels: tuple[str, ...] = ()

    @property
    def on_wire(self) -> "PgType":
        """The type of its values on the wire: for a domain, its base type."""
        return self.base.on_wire if self.base else self


def read_types(rows: Iterable[tuple[int, str, str, int, int, list[str]]]) -> dict[int, PgType]:
    """The types of a database, by OID.

    Parameters:
        rows: oid, name, kind, the oids of the base and of the element (0 for none), labels.
    """
    by_oid = {row[0]: row[1:] for row in rows}

    @cache
    def of(oid: int) -> PgType | None:
        if oid == 0:
            return None
        name, kind, base, element, labels = by_oid[oid]
        return PgType(name, Kind(kind), of(base), of(element), tuple(labels))

    return {oid: made for oid in by_oid if (made := of(oid))}
