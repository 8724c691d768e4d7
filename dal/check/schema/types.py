"""PostgreSQL's types and implicit casts, and the types that sqlglot's casts name."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp

from dal.check.tree import folded
from dal.source.identifiers import fold

NOT_KNOWN, LITERAL = 0, 705
"""The type of a value whose type is not known, and of a literal that may still become any."""
BOOL, INT, BIGINT, NUMERIC, TEXT, DATE, INTERVAL = 16, 23, 20, 1700, 25, 1082, 1186
TIMESTAMPTZ, NAME, RECORD = 1184, 19, 2249
FLOAT, TIMES_OF_DAY = 701, (1083, 1266)
JSON, JSONB = 114, 3802
ANY, ANYELEMENT, ANYCOMPATIBLE = 2276, 2283, 5077
ANYARRAY, ANYCOMPATIBLEARRAY, ANYNONARRAY, ANYCOMPATIBLENONARRAY = 2277, 5078, 2776, 5079
_ANY = {ANY, ANYELEMENT, ANYCOMPATIBLE}
_ANY_ARRAY, _ANY_NOT_ARRAY = {ANYARRAY, ANYCOMPATIBLEARRAY}, {ANYNONARRAY, ANYCOMPATIBLENONARRAY}
_ANY_KIND = {3500: "e", 3831: "r", 5080: "r", 4537: "m", 4538: "m", RECORD: "c"}
_T = exp.DType
_NAMES = {
    _T.TEXT: "text", _T.VARCHAR: "varchar", _T.CHAR: "bpchar", _T.INT: "int4", _T.BIGINT: "int8",
    _T.SMALLINT: "int2", _T.DECIMAL: "numeric", _T.DOUBLE: "float8", _T.FLOAT: "float4",
    _T.BOOLEAN: "bool", _T.VARBINARY: "bytea",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the catalogue, as the choice among functions and casts needs it.

    By its OID, because arrays and their elements refer to each other; `PgType` of `dal.check.types`
    is what annotations are compared with.
    """

    name: str
    schema: str
    kind: str
    base: int
    element: int
    array: int
    visible: bool
    category: str
    preferred: bool


class Types:
    """The types of a database, by their OIDs.

    Parameters:
        types: the types.
        implicit: the source and target types of implicit casts.
    """

    def __init__(self, types: dict[int, Type], implicit: Collection[tuple[int, int]]) -> None:
        self._types, self._implicit = types, implicit
        self._named = {
            (schema, type_.name): oid
            for oid, type_ in types.items()
            for schema in (type_.schema, *([""] if type_.visible else []))
        }

    def base(self, oid: int) -> int:
        """The type under a domain, or the type itself."""
        while oid in self._types and self._types[oid].base:
            oid = self._types[oid].base
        return oid

    def element(self, oid: int) -> int:
        """The type of an array's elements, or 0."""
        return self._types[oid].element if oid in self._types else NOT_KNOWN

    def array(self, oid: int) -> int:
        """The type of arrays of a type, or 0."""
        return self._types[oid].array if oid in self._types else NOT_KNOWN

    def scalar(self, oid: int) -> bool:
        """Whether a type is known to be neither an array nor a row."""
        return oid in self._types and not self.element(oid) and self._types[oid].kind != "c"

    def named(self, node: exp.Expr) -> int:
        """The type that a cast names, or 0."""
        if not isinstance(node, exp.DataType):
            return NOT_KNOWN
        if node.this is _T.ARRAY:
            inner = self.named(node.expressions[0]) if node.expressions else NOT_KNOWN
            return inner if self.element(inner) else self.array(inner)
        kind = node.args.get("kind")
        if isinstance(kind, exp.Dot):
            return self._named.get((folded(kind.this), folded(kind.expression)), NOT_KNOWN)
        if isinstance(kind, exp.Identifier):
            return self._named.get(("", folded(kind)), NOT_KNOWN)
        if isinstance(kind, str):
            return self._named.get(("", fold(kind)), NOT_KNOWN)
        name = _NAMES.get(node.this) or str(getattr(node.this, "value", node.this)).lower()
        return self._named.get(("pg_catalog", name), NOT_KNOWN)

    def fits(self, actual: int, formal: int) -> bool:
        """Whether a value of a type may be passed for a parameter, with implicit casts."""
        actual = self.base(actual)
        if actual in (NOT_KNOWN, LITERAL) or actual == formal or formal in _ANY:
            return True
        if formal in _ANY_ARRAY:
            return bool(self.element(actual))
        if formal in _ANY_NOT_ARRAY:
            return not self.element(actual)
        if formal in _ANY_KIND:
            return actual not in self._types or self._types[actual].kind == _ANY_KIND[formal]
        if (actual, formal) in self._implicit:
            return True
        elements = self.element(actual), self.element(formal)
        return all(elements) and elements in self._implicit

    @staticmethod
    def same(actual: int, formal: int) -> bool:
        """Whether the types are the same."""
        return actual == formal

    def preferred(self, actual: int, formal: int) -> bool:
        """Whether the types are the same, or the parameter's is preferred in its category."""
        if actual == formal:
            return True
        if actual not in self._types or formal not in self._types:
            return False
        wanted = self._types[formal]
        return wanted.preferred and wanted.category == self._types[actual].category

    def text(self, oid: int) -> bool:
        """Whether it is a string type, which literals of unknown type prefer."""
        return oid in self._types and self._types[oid].category == "S"

    def result(self, declared: int, formal: list[int], actual: list[int]) -> int:
        """The type of a result that is declared as `declared`, which may be polymorphic."""
        if declared not in _ANY | _ANY_ARRAY | _ANY_NOT_ARRAY:
            return NOT_KNOWN if declared in _ANY_KIND else declared
        for wanted, type_ in zip(formal, actual, strict=False):
            type_ = self.base(type_)
            if type_ in (NOT_KNOWN, LITERAL):
                continue
            if wanted in _ANY_ARRAY and self.element(type_):
                return type_ if declared in _ANY_ARRAY else self.element(type_)
            if wanted == declared and declared in (ANYELEMENT, ANYNONARRAY):
                return type_
        return NOT_KNOWN
