"""What is known of a value: whether it may be NULL, and on which facts a proof of that rests.

A proof that something may be NULL rests on facts: this column may hold NULL, that table may be
empty. It falls as soon as a condition speaks of one of its facts, because a condition can rule
NULL out in ways that nobody enumerates; so each value carries its facts.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from sqlglot import exp

Facts = frozenset[tuple[str, object]]
NO_FACTS: Facts = frozenset()


class Nullability(Enum):
    """What is proven of a column: unknown is an answer, a guess is not."""

    NOT_NULL = "never NULL"
    NULLABLE = "may be NULL"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value.

    Attributes:
        nullability: what is proven.
        reason: why, for a person.
        origin: the table's column that it is, unchanged.
        proof: the facts that a proof of NULLABLE rests on.
        depends: all facts that the value tells something about.
    """

    nullability: Nullability
    reason: str
    origin: tuple[str, str] | None = None
    proof: Facts = NO_FACTS
    depends: Facts = NO_FACTS


Items = list[tuple[str, Value]]
"""A query's columns in their order, each with its name, or `""` where PostgreSQL chooses it."""


class Context(Protocol):
    """Where an expression stands."""

    grouped: bool
    """Whether each aggregate sees the rows of a GROUP BY's group, at least one."""
    certain: bool | None
    """Whether FROM and WHERE give at least one row: True always, False perhaps none."""
    empty: Facts
    """The facts by which they may give none."""
    itself: Facts
    """The fact that a query's aggregates and window functions are about its rows as a whole."""

    def value(self, node: exp.Expr) -> Value:
        """An expression's value."""
        ...

    def column(self, node: exp.Column) -> Value:
        """A column's value."""
        ...

    def parameter(self, node: exp.Parameter) -> Value:
        """A parameter's value."""
        ...

    def scalar(self, node: exp.Subquery) -> Value:
        """The value of a subselect that gives at most one row."""
        ...

    def mentions(self, node: exp.Expr) -> Facts:
        """All facts that an expression tells something about."""
        ...


def not_null(reason: str) -> Value:
    """A value that is never NULL."""
    return Value(Nullability.NOT_NULL, reason)


def nullable(reason: str, proof: Facts = NO_FACTS) -> Value:
    """A value that may be NULL, by these facts."""
    return Value(Nullability.NULLABLE, reason, proof=proof)


def unknown(reason: str) -> Value:
    """A value of which nothing is proven."""
    return Value(Nullability.UNKNOWN, reason)


def short(node: exp.Expr) -> str:
    """An expression's text, cut to what a reason can hold."""
    text = " ".join(node.sql("postgres", comments=False, normalize_functions="lower").split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def unanalysed(node: exp.Expr) -> Value:
    """The value of an expression whose kind is not known."""
    return unknown(f"an expression that is not analysed: {short(node)}")


def checked(one: Value, facts: Facts) -> Value:
    """A value, unless what would prove that it may be NULL is spoken of elsewhere."""
    if one.nullability is Nullability.NULLABLE and one.proof & facts:
        doubt = unknown(f"{one.reason}, but a condition speaks of it")
        return replace(doubt, origin=one.origin, depends=one.depends)
    return one


def one_of(values: list[Value], fact: tuple[str, object]) -> Value:
    """One of several, as of the arms of a UNION."""
    depends = NO_FACTS.union(*(one.depends for one in values)) | {fact}
    origins = {one.origin for one in values}
    origin = origins.pop() if len(origins) == 1 else None
    may_be = [one for one in values if one.nullability is Nullability.NULLABLE]
    if may_be:
        proof = NO_FACTS.union(*(one.proof for one in may_be))
        proof |= NO_FACTS if len(may_be) == len(values) else {fact}
        return replace(may_be[0], origin=origin, proof=proof, depends=depends)
    for one in values:
        if one.nullability is Nullability.UNKNOWN:
            return replace(one, origin=origin, depends=depends)
    return replace(values[0], origin=origin, depends=depends)
