"""Tells which constant, operator or function of PostgreSQL a node of sqlglot stands for."""

from collections.abc import Iterator

from sqlglot import exp

from dal.check.schema.types import (
    BIGINT,
    BOOL,
    DATE,
    INT,
    INTERVAL,
    LITERAL,
    NAME,
    NOT_KNOWN,
    NUMERIC,
    TIMESTAMPTZ,
)
from dal.check.tree import arguments, bare, callee

# Exact types, because sqlglot derives unrelated nodes from each other.
_CONSTANTS: dict[type[exp.Expr], int] = {
    **dict.fromkeys((exp.RawString, exp.ByteString, exp.UnicodeString, exp.National), LITERAL),
    **dict.fromkeys((exp.BitString, exp.HexString), NOT_KNOWN),
    **dict.fromkeys((exp.Localtime, exp.Localtimestamp, exp.CurrentTime), NOT_KNOWN),
    **dict.fromkeys((exp.CurrentUser, exp.SessionUser), NAME),
    exp.Boolean: BOOL,
    exp.Interval: INTERVAL,
    exp.CurrentTimestamp: TIMESTAMPTZ,
    exp.CurrentDate: DATE,
}
_CALLED_LIKE_CONSTANTS = {"current_timestamp", "current_time", "localtime", "localtimestamp"}
_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Like: "~~", exp.ILike: "~~*", exp.RegexpLike: "~", exp.RegexpILike: "~*",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.Pow: "^",
    exp.DPipe: "||", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "#",
    exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>", exp.ArrayContainsAll: "@>",
    exp.ArrayContainedBy: "<@", exp.ArrayOverlaps: "&&", exp.JSONExtract: "->",
    exp.JSONExtractScalar: "->>", exp.JSONBExtract: "#>", exp.JSONBExtractScalar: "#>>",
    exp.JSONBContainsTopKey: "?", exp.JSONBContainsAnyTopKeys: "?|",
    exp.JSONBContainsAllTopKeys: "?&", exp.JSONBDeleteAtPath: "#-", exp.StartsWith: "^@",
}  # fmt: skip
_PREFIXES: dict[type[exp.Expr], str] = {exp.Neg: "-", exp.BitwiseNot: "~"}
# Functions with a syntax of their own, and the keys of their arguments in call order.
_SPECIAL_CALLS: dict[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Substring: ("substring", ("this", "start", "length")),
    exp.StrPosition: ("position", ("this", "substr")),
    exp.Overlay: ("overlay", ("this", "expression", "from_", "for_")),
    exp.AtTimeZone: ("timezone", ("zone", "this")),
    exp.Normalize: ("normalize", ("this",)),
}
_TRIMS = {"LEADING": "ltrim", "TRAILING": "rtrim"}
# For an infinite time these fields are infinite, and all others NULL.
_INFINITE_FIELDS = {"epoch", "year", "decade", "century", "millennium", "isoyear", "julian"}


def constant(node: exp.Expr) -> int | None:
    """The type of a constant, or None for another node."""
    if isinstance(node, exp.Literal):
        if node.is_string:
            return LITERAL
        if not node.name.isdigit():
            return NUMERIC
        return INT if int(node.name) < 2**31 else BIGINT if int(node.name) < 2**63 else NUMERIC
    if type(node) is exp.Concat:  # of literals in several lines
        return (
            LITERAL
            if all(isinstance(literal, exp.Literal) for literal in node.expressions)
            else None
        )
    if isinstance(node, exp.JSONPath):
        return LITERAL
    called = callee(node)
    if called and not called[0] and called[1] in _CALLED_LIKE_CONSTANTS:
        return NOT_KNOWN
    return _CONSTANTS.get(type(node))


def operator(node: exp.Expr) -> tuple[str, list[exp.Expr]] | None:
    """The symbol and the operands of an operator, or None for another node."""
    if symbol := _PREFIXES.get(type(node)):
        return symbol, [node.this]
    if isinstance(node, exp.Operator):
        return str(node.args["operator"]), [node.this, node.expression]
    if type(node) is exp.MatchAgainst and len(node.expressions) == 1:
        return "@@", [*node.expressions, node.this]
    symbol = _OPERATORS.get(type(node))
    return (symbol, [node.this, node.expression]) if symbol else None


def call(node: exp.Expr) -> tuple[str, str, list[exp.Expr]] | None:
    """The schema, name and arguments of a call, or None for another node."""
    if called := callee(node):
        return (*called, arguments(node))
    if type(node) is exp.Trim:
        operands = [
            operand for operand in (node.this, node.expression) if isinstance(operand, exp.Expr)
        ]
        return "", _TRIMS.get(str(node.args.get("position") or "").upper(), "btrim"), operands
    if type(node) not in _SPECIAL_CALLS:
        return None
    name, keys = _SPECIAL_CALLS[type(node)]
    return (
        "",
        name,
        [argument for key in keys if isinstance(argument := node.args.get(key), exp.Expr)],
    )


def can_be_infinite(node: exp.Extract) -> bool:
    """Whether EXTRACT reads a field that infinite times have, too."""
    return str(node.this.name).lower() in _INFINITE_FIELDS


def is_call(node: exp.Expr, name: str) -> bool:
    """Whether a node looks like a call of a function that is syntax to PostgreSQL."""
    return callee(node) == ("", name)


def row_parts(node: exp.Expr) -> list[exp.Expr] | None:
    """The parts of a row, or None for another node."""
    node = bare(node)
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return arguments(node) if is_call(node, "row") else None


def functions_in(nodes: Iterator[exp.Expr]) -> Iterator[tuple[exp.Expr, str, str]]:
    """The calls among nodes, with schema and name."""
    for node in nodes:
        if called := callee(node):
            if isinstance(node.parent, exp.Dot) and node.parent.expression is node:
                continue  # the Dot is the call
            yield (node, *called)
