"""The types of an UPDATE's parts, as PostgreSQL derives them."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from dal.binding.statement import Statement
from dal.check.server.catalog import Catalog
from dal.check.server.describe import RefusedError
from dal.check.tree import bare
from dal.source.scanner import TokenKind, tokens


def part_types(
    catalog: Catalog, statement: Statement, update: exp.Expr, parts: Sequence[exp.Expr]
) -> list[str | None] | None:
    """The types of neighbouring parts.

    Prepares a SELECT of them from the tables that they can name; runs nothing.

    Parameters:
        update: the UPDATE or ON CONFLICT DO UPDATE that holds the parts.

    Returns:
        A type for each part, or None for one without a type of its own, such as a bare literal.
        None instead of the list if PostgreSQL can't tell.
    """
    typed = [part for part in map(bare, parts) if not _untyped(part)]
    if not typed:
        return [None for _ in parts]
    columns = ", ".join(f"{_as_sql(part)} AS part_{n}" for n, part in enumerate(typed))
    sources, scope = [], parts[0].parent
    while scope is not None:
        if isinstance(scope, exp.Select | exp.Update | exp.OnConflict):
            sources.append(_sources(scope))
        scope = None if scope is update else scope.parent
    text = f"SELECT {columns} FROM {sources[0]}"  # noqa: S608 - all of it comes from the file
    for source in sources[1:]:
        text = f"SELECT part.* FROM {source}, LATERAL ({text}) AS part"  # noqa: S608
    if ctes := update.root().args.get("with_"):
        text = f"{ctes.sql('postgres')} {text}"
    try:
        with catalog.connection.transaction(force_rollback=True):
            described = catalog.describe(replace(statement, text=_numbered(text)))
    except RefusedError:
        return None
    described_columns = iter(described.columns)
    return [None if _untyped(bare(part)) else next(described_columns)[1].name for part in parts]


def target(update: exp.Expr) -> exp.Expr:
    """The table that an UPDATE, or an INSERT's ON CONFLICT DO UPDATE, changes."""
    changes = update.parent if isinstance(update, exp.OnConflict) and update.parent else update
    table: exp.Expr = changes.this
    return table.this if isinstance(table, exp.Schema) else table


def _untyped(part: exp.Expr) -> bool:
    return isinstance(part, exp.Parameter | exp.Null | exp.Var) or part.is_string


def _as_sql(part: exp.Expr) -> str:
    if not isinstance(part, exp.Any):
        return part.sql("postgres")
    array = bare(part.this)
    text = array.sql("postgres")
    return text if isinstance(array, exp.Query) else f"({text})[1]"  # an element


def _sources(scope: exp.Expr) -> str:
    """The tables that a scope's expressions can name, as a FROM list."""
    sources = [] if isinstance(scope, exp.Select) else [target(scope).sql("postgres")]
    if isinstance(scope, exp.OnConflict):
        table = target(scope).copy()
        table.set("alias", None)
        sources.append(f"{table.sql('postgres')} AS excluded")
    if scope.args.get("from_"):
        sources.append(scope.args["from_"].this.sql("postgres"))
    joins = "".join(join.sql("postgres") for join in scope.args.get("joins") or ())
    return (", ".join(sources) or "(SELECT) AS nothing") + joins


def _numbered(text: str) -> str:
    """The text with parameters numbered from 1: PostgreSQL requires that each one is used."""
    numbers: dict[str, str] = {}
    return "".join(
        numbers.setdefault(token.text, f"${len(numbers) + 1}")
        if token.kind is TokenKind.POSITION
        else token.text
        for token in tokens(text)
    )
