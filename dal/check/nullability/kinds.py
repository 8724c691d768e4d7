"""Which of PostgreSQL's functions and operators are alike, in sqlglot's types."""

from collections.abc import Iterable

from sqlglot import exp

# Exact types, because sqlglot derives unlike functions from each other.
CONSTANT = {
    *(exp.Literal, exp.Boolean, exp.RawString, exp.ByteString, exp.UnicodeString, exp.BitString),
    *(exp.HexString, exp.National, exp.Interval),
}
NEVER_NULL = {
    *(exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Array, exp.Count, exp.Uuid),
    *(exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtime, exp.Localtimestamp),
    *(exp.CurrentUser, exp.SessionUser),
    *(exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist),
}
NEVER_NULL_NAMES = {
    *("clock_timestamp", "statement_timestamp", "transaction_timestamp"),
    *("jsonb_build_object", "jsonb_build_array", "json_build_object", "json_build_array"),
}
COMPARISONS = {exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.ILike}
# NULL exactly if an operand is, for each of PostgreSQL's own types (closed paths, whose sum is
# NULL, apart).
STRICT = COMPARISONS | {
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Not, exp.AtTimeZone),
    *(exp.Between, exp.Length, exp.ByteLength, exp.Abs, exp.Left),
}
STRICT_NAMES = {"octet_length", "to_jsonb"}
# NULL if the first operand is, and in other cases: a key that is absent, lower() of a range
# without an end, a field of a time that is infinite.
PARTIAL = {
    *(exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar),
    *(exp.Bracket, exp.Lower, exp.Upper),
}
AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
    exp.ArrayAgg: "array_agg",
    exp.GroupConcat: "string_agg",
    exp.LogicalAnd: "bool_and",
    exp.LogicalOr: "bool_or",
}
CHOICES = {exp.Coalesce, exp.Greatest, exp.Least}
LAGS = {exp.Lag, exp.Lead}
_OTHERS = {exp.Cast, exp.Case, exp.If, exp.Nullif, exp.And, exp.Or, exp.In, exp.Window, exp.Any}

_T = exp.DType
# PostgreSQL 18 casts the JSON value `null` to these as NULL.
FROM_JSON = {
    *(_T.BOOLEAN, _T.SMALLINT, _T.INT, _T.BIGINT, _T.DECIMAL, _T.FLOAT, _T.DOUBLE),
}
PRESERVING = {
    *(_T.TEXT, _T.VARCHAR, _T.CHAR, _T.UUID, _T.JSON, _T.JSONB, _T.VARBINARY, _T.ARRAY, _T.DATE),
    *(_T.TIMESTAMP, _T.TIMESTAMPTZ, _T.TIME, _T.TIMETZ, _T.INTERVAL),
}
_NOT_JSON = (
    CONSTANT | NEVER_NULL | STRICT | {exp.Sum, exp.Avg, exp.And, exp.Or, exp.Is, exp.In}
) - {exp.Sub}


def known(node: exp.Expr) -> bool:
    """Whether a function is one whose kind is known: scalar, aggregate or window function."""
    name = node.name.lower() if type(node) is exp.Anonymous else ""
    kinds = (NEVER_NULL, STRICT, PARTIAL, AGGREGATES, CHOICES, LAGS, _OTHERS)
    return name in NEVER_NULL_NAMES | STRICT_NAMES or any(type(node) in kind for kind in kinds)


def named(node: exp.Expr, names: Iterable[str]) -> bool:
    """Whether it is a call of a function that sqlglot knows by name alone."""
    return type(node) is exp.Anonymous and node.name.lower() in names


def not_json(node: exp.Expr) -> bool:
    """Whether an expression is certainly of a type other than json and jsonb."""
    match node:
        case exp.Paren():
            return not_json(node.this)
        case exp.Cast():
            return node.to.this in (PRESERVING | FROM_JSON) - {_T.JSON, _T.JSONB}
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            return all(not_json(one) for one in node.iter_expressions())
    return type(node) in _NOT_JSON or named(node, {"octet_length"})
