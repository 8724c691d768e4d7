"""What is proven about a value: whether it may be NULL, and whether it comes from the caller."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from dal.check.schema.types import LITERAL, NOT_KNOWN, TEXT


@dataclass(frozen=True, slots=True)
class Value:
    """What is known about a value.

    Attributes:
        never_null: whether it is proven to be never NULL.
        reason: why, or why not, in words.
        origin: the table and column that it is read from unchanged.
        type: its type's OID, or 0.
        null_free: whether it is an array without NULL elements.
        from_caller: whether it can only be a value from the caller, or NULL.
        bound_to: that value, or a constant, where only plain equalities count.
        null_if_unmatched: the keys of outer-joined relations; it is NULL where any has no row.
        only_null_if_unmatched: the key of such a relation if nothing else makes it NULL, or 0.
        parameters: the parameters whose unchanged value it may be, each with whether it is one item
            of that value.
        always_null: whether it is the constant NULL.
    """

    never_null: bool
    reason: str
    origin: tuple[str, str] | None = None
    type: int = NOT_KNOWN
    null_free: bool = False
    from_caller: bool = False
    bound_to: str = ""
    null_if_unmatched: frozenset[int] = frozenset()
    only_null_if_unmatched: int = 0
    parameters: frozenset[tuple[str, bool]] = frozenset()
    always_null: bool = False

    def derived(self, type_: int = NOT_KNOWN, *, null_free: bool = False) -> "Value":
        """Another value that is never NULL if this one is never NULL."""
        return Value(self.never_null, self.reason, type=type_, null_free=null_free)


Items = list[tuple[str, Value]]
"""A query's columns in order, each with its name, or `""` if PostgreSQL chooses it."""


def never_null(reason: str, type_: int = NOT_KNOWN, *, null_free: bool = False) -> Value:
    """A value that is never NULL."""
    return Value(True, reason, type=type_, null_free=null_free)


def unproven(reason: str, type_: int = NOT_KNOWN, *, null_free: bool = False) -> Value:
    """A value that may be NULL."""
    return Value(False, reason, type=type_, null_free=null_free)


def not_analysed(node: exp.Expr) -> Value:
    """The value of an expression that is not analysed."""
    return unproven(f"{short(node)} is not analysed")


def short(node: exp.Expr) -> str:
    """An expression's text, shortened to fit into a reason."""
    text = " ".join(node.sql("postgres", comments=False, normalize_functions="lower").split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def together(node: exp.Expr, parts: Sequence[Value], type_: int = NOT_KNOWN) -> Value:
    """A value that is never NULL if no part is."""
    nullable = [part for part in parts if not part.never_null]
    if nullable:
        keys = {part.only_null_if_unmatched for part in nullable}
        only_key = keys.pop() if len(keys) == 1 else 0
        return replace(unproven(nullable[0].reason, type_), only_null_if_unmatched=only_key)
    return never_null(f"no operand of {short(node)} is ever NULL", type_)


def one_of(values: Sequence[Value]) -> Value:
    """A value that may be any of several, as in the arms of a UNION."""
    chosen = next((value for value in values if not value.never_null), values[0])
    origins = {value.origin for value in values}
    keys = {value.only_null_if_unmatched for value in values}
    bound = {value.bound_to for value in values}
    return replace(
        chosen,
        origin=origins.pop() if len(origins) == 1 else None,
        type=common_type(values),
        null_free=all(value.null_free for value in values),
        from_caller=all(value.from_caller for value in values) and len(bound) == 1,
        bound_to=bound.pop() if len(bound) == 1 else "",
        null_if_unmatched=frozenset.intersection(*(value.null_if_unmatched for value in values)),
        only_null_if_unmatched=keys.pop() if len(keys) == 1 else 0,
        parameters=frozenset().union(*(value.parameters for value in values)),
        always_null=all(value.always_null for value in values),
    )


def as_text(value: Value) -> Value:
    """A value that a subselect returns, where literals have become texts."""
    return replace(value, type=TEXT) if value.type == LITERAL else value


def common_type(values: Sequence[Value]) -> int:
    """The type that all values have, or 0."""
    types = {value.type for value in values if value.type != LITERAL}
    return types.pop() if len(types) == 1 else NOT_KNOWN
