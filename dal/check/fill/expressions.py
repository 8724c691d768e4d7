"""Expressions for the values of a type, and of a column; `nth` is the number of the row."""

import re
from collections.abc import Sequence

from dal.check.fill.tables import FillColumn

_TIME = "timestamptz '2025-01-01 00:00Z' + nth * interval '1 minute'"
_TEXTS = (
    *("'name ' || nth", "'name-' || nth", "'user' || nth || '@example.com'"),
    *(
        "'X' || nth",
        "'+1555' || (1000000 + nth)",
        "'https://example.com/' || nth",
        "md5(nth::text)",
    ),
    *("lpad(nth::text, 6, '0')", "nth::text", "''", "'A'", "'AB'", "'ABC'", "'abc'", "'ABCD'"),
)
_TYPES: dict[str, Sequence[str]] = {
    "boolean": ("nth % 3 = 0", "true", "false"),
    "uuid": ("md5(nth::text)::uuid",),
    "date": ("date '2025-01-01' + nth % 700", "date '2025-01-02' + nth % 700"),
    "timestamp with time zone": (_TIME, f"{_TIME} + interval '1 day'"),
    "timestamp without time zone": (
        f"({_TIME}) AT TIME ZONE 'UTC'",
        f"({_TIME} + interval '1 day') AT TIME ZONE 'UTC'",
    ),
    "time without time zone": ("time '00:00' + nth * interval '1 second'",),
    "time with time zone": ("timetz '00:00Z' + nth * interval '1 second'",),
    "interval": ("nth * interval '1 minute'",),
    "json": ("json_build_object('n', nth)", "'[]'", "'{}'"),
    "jsonb": ("jsonb_build_object('n', nth)", "'[]'", "'{}'"),
    "bytea": ("decode(md5(nth::text), 'hex')",),
    "inet": ("inet '10.0.0.0' + nth",),
    "cidr": ("cidr(inet '10.0.0.0' + nth)",),
    "macaddr": ("lpad(to_hex(nth), 12, '0')::macaddr",),
    "money": ("nth::numeric::money",),
    "tsvector": ("to_tsvector('simple', 'word' || nth % 500)",),
    "xml": ("'<a/>'",),
    "point": ("point(nth % 100, nth / 100)",),
    "int4range": ("int4range(nth, nth + 1)",),
    "int8range": ("int8range(nth, nth + 1)",),
    "numrange": ("numrange(nth, nth + 1)",),
    "daterange": ("daterange(date '2025-01-01' + nth, date '2025-01-02' + nth)",),
    "tstzrange": (f"tstzrange({_TIME}, {_TIME} + interval '1 minute')",),
}
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


def plain(column: FillColumn, unique: set[str]) -> str:
    """An expression for a column that no CHECK restricts."""
    value = f"CAST({expressions(column)[0]} AS {column.type})"
    if column.name in unique:
        return value
    if column.default and not column.type.startswith(("timestamp", "uuid")):
        return f"CASE WHEN nth % 10 > 0 THEN {column.default} ELSE {value} END"
    return value if column.not_null else f"CASE WHEN nth % 10 <> 3 THEN {value} END"


def expressions(column: FillColumn) -> Sequence[str]:
    """Expressions of a column's type, the most varied first."""
    base = column.type.partition("(")[0]
    if column.labels:
        listed = ", ".join(column.labels)
        return (f"(ARRAY[{listed}])[nth % {len(column.labels)} + 1]", *column.labels)
    if column.type.endswith("[]"):
        item = FillColumn(column.name, column.type[:-2], True, None, False, [])
        return (f"ARRAY[CAST({expressions(item)[0]} AS {item.type})]", "'{}'")
    if base in NUMBERS:
        return (_number(column.type), "1", "0", "nth % 100")
    if base in ("bit", "bit varying"):
        return ("nth::bit(32)",)
    return _TYPES.get(base.strip(), _TYPES.get(column.type, _TEXTS))


def is_text(column: FillColumn) -> bool:
    """Whether a column takes any text."""
    return expressions(column) is _TEXTS


def _number(type_: str) -> str:
    """The row's number, limited to the range of a type."""
    if type_ == "smallint":
        return "nth % 32767"
    if digits := re.match(r"numeric\((\d+),(-?\d+)\)", type_):
        room = max(int(digits[1]) - int(digits[2]), 0)
        return f"nth % {10**room}" if room < 5 else "nth"
    return "nth"
