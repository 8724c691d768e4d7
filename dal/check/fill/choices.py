"""Values for columns that CHECKs restrict: combinations that obey them."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain

import psycopg

from dal.check.fill.expressions import NUMBERS, expressions, is_text
from dal.check.fill.tables import FillColumn, FillTable

_TRIED = (1, 2, 17, 9998)  # the rows on which a combination has to obey the CHECKs
_COMBINATIONS = 12
_LONGEST = 1000  # characters, of a text to try for a CHECK on its length
_LITERALS = re.compile(r"'(?:[^']|'')*'|(?<![\w.'])\d+(?:\.\d+)?")


def check_groups(
    table: FillTable, names_to_fill: Iterable[str]
) -> list[tuple[list[str], list[str]]]:
    """Groups of columns that CHECKs relate to each other, with the CHECKs."""
    tied: list[tuple[set[str], list[str]]] = []
    for names, text in table.checks:
        if not names or not names <= {*names_to_fill}:
            continue
        joined = [group for group in tied if group[0] & names]
        tied = [group for group in tied if group not in joined]
        columns = names.union(*(others for others, _ in joined))
        tied.append((columns, [text, *chain.from_iterable(checks for _, checks in joined)]))
    return [(sorted(columns), checks) for columns, checks in tied]


def values_for_checks(
    connection: psycopg.Connection,
    columns: Sequence[FillColumn],
    checks: Sequence[str],
    unique: set[str],
) -> dict[str, str]:
    """For each column, an expression that cycles through combinations that obey the CHECKs.

    Parameters:
        connection: used to try combinations.
        columns: the columns of the CHECKs.
        checks: the CHECKs' expressions.
        unique: the columns of keys, whose values should differ from row to row.
    """
    candidates = [_candidates(connection, column, checks, unique) for column in columns]
    numbers = ", ".join(f"({number})" for number in _TRIED)
    places = [f"i{place}" for place in range(len(columns))]
    sources = []
    for place, column, tried in zip(places, columns, candidates, strict=True):
        listed = ", ".join(
            f"({number}, CAST({expression} AS {column.type}))"
            for number, expression in enumerate(tried)
        )
        sources.append(f"LATERAL (VALUES {listed}) AS of_{place} ({place}, {column.name})")
    # A column of a key must differ from row to row, if it can.
    varied = " + ".join(
        f"(count(DISTINCT {column.name}) < {len(_TRIED)})::int"
        for column in columns
        if column.name in unique
    )
    condition = " AND ".join(f"coalesce(({check}), true)" for check in checks)
    listed = ", ".join(places)
    query = (
        f"SELECT {listed}, {varied or 0}"  # noqa: S608
        f" FROM (VALUES {numbers}) AS tried (nth), {', '.join(sources)}"
        f" GROUP BY {listed} HAVING bool_and({condition})"
        f" ORDER BY {len(places) + 1}, {' + '.join(places)}, {listed} LIMIT {_COMBINATIONS}"
    )
    combinations = connection.execute(query.encode()).fetchall()
    best = [row[:-1] for row in combinations if row[-1] == combinations[0][-1]]
    return {
        column.name: _cycle([candidates[index][row[index]] for row in best], column.type)
        for index, column in enumerate(columns)
    }


def _candidates(
    connection: psycopg.Connection, column: FillColumn, checks: Sequence[str], unique: set[str]
) -> list[str]:
    """The expressions to try for a column, starting with those that vary by row."""
    tried = list(expressions(column))
    base = column.type.partition("(")[0]
    for literal in dict.fromkeys(chain(*map(_LITERALS.findall, checks))):
        if literal.startswith("'"):
            tried.append(literal)
        elif base in NUMBERS:
            tried += [literal, f"{literal} + 1", f"{literal} - 1", f"{literal} + nth"]
        elif float(literal) <= _LONGEST and is_text(column):
            number = int(float(literal))
            tried += [f"repeat('x', {max(size, 0)})" for size in (number, number - 1, number + 1)]
            tried.append(f"lpad(nth::text, {number}, '0')")
    fitting = [
        expression
        for expression in dict.fromkeys(tried)
        if _casts(connection, expression, column.type)
    ]
    return fitting if column.not_null or column.name in unique else [*fitting, "NULL"]


def _casts(connection: psycopg.Connection, expression: str, type_: str) -> bool:
    numbers = ", ".join(f"({number})" for number in _TRIED)
    query = f"SELECT CAST({expression} AS {type_}) FROM (VALUES {numbers}) AS tried (nth)"  # noqa: S608
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(query.encode())
    except psycopg.errors.DataError:
        return False
    except psycopg.errors.CannotCoerce:
        return False
    return True


def _cycle(expressions: Sequence[str], type_: str) -> str:
    """An expression that cycles through others from row to row."""
    if not expressions:
        return f"CAST(NULL AS {type_})"
    if len(set(expressions)) == 1:
        return f"CAST({expressions[0]} AS {type_})"
    branches = " ".join(
        f"WHEN {number} THEN CAST({expression} AS {type_})"
        for number, expression in enumerate(expressions)
    )
    return f"CASE nth % {len(expressions)} {branches} END"
