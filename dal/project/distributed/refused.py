"""Optional rule: forms that Citus refuses, most of them only over several shards.

What it refuses by the values or by the plan can't be told from a text, such as a join that is not
by the owner.
"""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.tree import bare, folded, table_name
from dal.project.distributed.inserts import volatile_call
from dal.project.distributed.update_types import target

Refusal = tuple[int | None, str, str]
"""Where a form is, what is refused, and what to write instead."""

_RULE = "refused-by-citus"
_QUERIES = (exp.Select, exp.Insert, exp.Update, exp.Delete, exp.Merge)
_TAIL = ("from_", "joins", "where", "group", "having", "order", "limit", "offset")
_MERGED = {"expressions", "from_", "joins", "where"}
_BIND = "bind each table to one owner, as the rule one-shard asks"


def refused(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Statements in a form that Citus refuses."""
    if not catalog.owners:
        return
    plain = statement.plain_analysis
    unbound = [table for table, _ in plain.unfiltered]
    bound = [table for table, _ in plain.bound]
    owned = [*unbound, *bound]
    forms: dict[Refusal, str] = {}  # one for all tables that a query reads
    for table in unbound:
        for form in _over_shards(statement, table):
            forms.setdefault(form, table_name(table))
    for (offset, message, help_), name in forms.items():
        yield statement.finding(_RULE, offset, f"over several shards {message}", help_, name)
    for select in statement.tree.find_all(exp.Select):
        if _is_cut_out(select, unbound, owned):
            message = "a subselect without columns may be run by itself, and is refused then"
            offset = statement.before(select.args["from_"], "SELECT")
            yield statement.finding(_RULE, offset, message, "write SELECT 1")
    for change in statement.tree.find_all(exp.Insert, exp.Update, exp.OnConflict):
        for table in owned:
            if target(change) is table:
                for part, message, help_ in _writes(change, table, catalog):
                    offset = _place_of(statement, part, table)
                    yield statement.finding(_RULE, offset, message, help_, table_name(table))
    for insert in statement.tree.find_all(exp.Insert):
        for table in bound:
            if target(insert) is table and _lacks_alias(insert, table, catalog):
                message = "RETURNING names columns, and the table that a SELECT fills has no alias"
                help_ = f"write {table.name} AS t"
                offset = statement.offset_of(table)
                yield statement.finding(_RULE, offset, message, help_, table_name(table))


def _over_shards(statement: BoundStatement, table: exp.Table) -> Iterator[Refusal]:
    """What is refused because a table may be read on several shards."""
    home = _home(table)
    if home.args.get("locks"):
        yield _place(statement, home, "locks", "FOR"), "rows can't be locked", _BIND
    for key in ("limit", "offset"):
        if (part := home.args.get(key)) and part.find(exp.Query):
            yield (
                _place(statement, home, key, key.upper()),
                f"{key.upper()} takes no subselect",
                f"write {key.upper()} :{key}, or {_BIND}",
            )
    outer = home.find_ancestor(*_QUERIES)
    if outer and _is_correlated(home) and _reads_only_functions(outer):
        yield (
            statement.offset_of(table),
            "a subselect can't be run for each row of a function",
            f"join the table with the function's rows in between, or {_BIND}",
        )
    node: exp.Expr | None = table
    while node is not None:
        if (with_ := node.args.get("with_")) and with_.args.get("recursive"):
            first = with_.expressions[0].args["alias"]
            yield statement.before(first, "RECURSIVE"), "no query may be recursive", _BIND
        node = node.parent


def _home(table: exp.Expr) -> exp.Expr:
    """The query that reads a table: not a plain subselect in a FROM, but the one around that."""
    home: exp.Expr = table.find_ancestor(*_QUERIES) or table.root()
    used = {key for key, argument in home.args.items() if argument}
    around = home.parent
    is_plain = used <= _MERGED and all(
        isinstance(item.unalias(), exp.Column | exp.Literal | exp.Star) for item in home.expressions
    )
    if isinstance(around, exp.Subquery) and isinstance(around.parent, exp.From | exp.Join):
        return _home(around) if is_plain and isinstance(home, exp.Select) else home
    return home


def _place(statement: BoundStatement, query: exp.Expr, key: str, word: str) -> int | None:
    """The offset of the word with which a part at the end of a query begins."""
    keys = _TAIL[: _TAIL.index(key)] if key in _TAIL else _TAIL
    parts = [part for each in keys for part in _listed(query.args.get(each))]
    return statement.after(parts[-1], word) if parts else statement.offset_of(query)


def _place_of(statement: BoundStatement, part: exp.Expr | None, table: exp.Table) -> int | None:
    if isinstance(part, exp.Query):
        return statement.before(part, "SELECT")
    return statement.offset_of(part or table)


def _listed(argument: object) -> list[exp.Expr]:
    listed = argument if isinstance(argument, list) else [argument]
    return [part for part in listed if isinstance(part, exp.Expr)]


def _sources(query: exp.Expr) -> list[exp.Expr]:
    """The items of a FROM."""
    from_ = query.args.get("from_")
    return [part.this for part in (from_, *(query.args.get("joins") or ())) if part]


def _reads_only_functions(query: exp.Expr) -> bool:
    items = [item for item in _sources(query) if not isinstance(item, exp.Lateral | exp.Subquery)]
    return bool(items) and not any(
        isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier) for item in items
    )


def _is_correlated(query: exp.Expr) -> bool:
    """Whether a query names columns by a relation that it does not have."""
    aliases = {folded(alias.this) for alias in query.find_all(exp.TableAlias)}
    names = aliases | {folded(table.this) for table in query.find_all(exp.Table)}
    qualifiers = {folded(column.args.get("table")) for column in query.find_all(exp.Column)}
    return not qualifiers <= {"", *names}


def _is_cut_out(select: exp.Select, unbound: list[exp.Table], owned: list[exp.Table]) -> bool:
    """Whether EXISTS (SELECT FROM ...) becomes a statement of its own."""
    outer = select.find_ancestor(*_QUERIES)
    if not isinstance(select.parent, exp.Exists) or select.expressions or outer is None:
        return False
    tables = [
        table for table in select.find_all(exp.Table) if isinstance(table.this, exp.Identifier)
    ]
    if not tables or _is_correlated(select):
        return False
    if any(_home(table) is outer for table in unbound):
        return True
    ctes = {folded(cte.args["alias"].this) for cte in select.root().find_all(exp.CTE)}
    is_local = any(
        folded(table.this) not in ctes and not any(table is each for each in owned)
        for table in tables
    )
    return is_local and any(_home(table) is outer for table in owned)


def _writes(
    change: exp.Expr, table: exp.Table, catalog: Catalog
) -> Iterator[tuple[exp.Expr | None, str, str]]:
    """What is refused of an INSERT, an UPDATE or ON CONFLICT DO UPDATE."""
    known = catalog.schema.table(folded(table.args.get("db")), folded(table.this))
    owner = (catalog.owner(folded(table.this), known.columns) if known else None) or ""
    if isinstance(change, exp.Insert):
        yield from _insert(change, owner)
        return
    for assignment in change.expressions:
        names = _listed_columns(assignment.this)
        if owner in names and _listed_columns(assignment.expression) != names:
            message = f"a row's {owner} can't be changed: another owner's rows are on another shard"
            yield assignment, message, "delete the row and insert another"
    if isinstance(change, exp.OnConflict) and (query := change.find(exp.Query)):
        yield query, "ON CONFLICT takes no subselect", "pass the value as a parameter"


def _listed_columns(node: exp.Expr) -> list[str]:
    parts = node.expressions if isinstance(node, exp.Tuple) else [bare(node)]
    return [folded(part.this) if isinstance(part, exp.Column) else "" for part in parts]


def _insert(insert: exp.Expr, owner: str) -> Iterator[tuple[exp.Expr | None, str, str]]:
    named = insert.this.expressions if isinstance(insert.this, exp.Schema) else ()
    source, returning = insert.args.get("expression"), insert.args.get("returning")
    if source is None or (named and owner not in map(folded, named)):
        yield None, f"an INSERT has to give {owner}", f"add {owner} to its columns"
    if isinstance(source, exp.Values):
        for part in filter(None, (source, returning)):
            if query := part.find(exp.Query):
                message = "an INSERT of VALUES takes no subselect"
                yield query, message, "pass the value as a parameter, or write INSERT ... SELECT"
    elif returning and (query := returning.find(exp.Query)) and query.find(exp.Table):
        yield query, "RETURNING takes no subselect that reads a table", "read it in another CTE"


def _lacks_alias(insert: exp.Expr, table: exp.Table, catalog: Catalog) -> bool:
    """Whether a shard would be sent an INSERT ... SELECT whose RETURNING does not fit it."""
    returning = insert.args.get("returning")
    if table.alias or returning is None or not returning.find(exp.Column, exp.Star):
        return False
    from_select = not isinstance(insert.args.get("expression"), exp.Values)
    return from_select and not volatile_call(insert, table, catalog)
