"""Whether an expression may be NULL, given what its context knows of columns and rows."""

from collections.abc import Iterable
from itertools import combinations

from sqlglot import exp

from dal.check.nullability.aggregates import aggregate, window
from dal.check.nullability.kinds import (
    AGGREGATES,
    CHOICES,
    CONSTANT,
    FROM_JSON,
    NEVER_NULL,
    NEVER_NULL_NAMES,
    PARTIAL,
    PRESERVING,
    STRICT,
    STRICT_NAMES,
    named,
    not_json,
)
from dal.check.nullability.values import (
    NO_FACTS,
    Context,
    Nullability,
    Value,
    not_null,
    nullable,
    short,
    unanalysed,
    unknown,
)


def value(node: exp.Expr, context: Context) -> Value:
    """What is known of an expression."""
    kind = type(node)
    match node:
        case exp.Paren() | exp.Collate():
            return value(node.this, context)
        case exp.Column():
            return context.column(node)
        case exp.Parameter():
            return context.parameter(node)
        case exp.Null():
            return nullable("NULL itself")
        case exp.Subquery():
            return context.scalar(node)
        case exp.Cast() if kind is exp.Cast:
            return _cast(node, context)
        case exp.Case():
            return _case(node, context)
        case exp.Nullif():
            return _nullif(node, context)
        case exp.Is() if isinstance(node.expression, (exp.Null, exp.Boolean)):
            return not_null("IS is never NULL")
        case exp.Tuple() | exp.And() | exp.Or() | exp.In():
            return _whole(node, context)
        case exp.DPipe():
            return _joined(node, context)
        case exp.Filter():
            return aggregate(node.this, context, node.expression)
        case exp.Window():
            return window(node, context)
    if kind in CONSTANT:
        return not_null("a constant")
    if kind in NEVER_NULL or named(node, NEVER_NULL_NAMES):
        return not_null(f"{short(node)} is never NULL")
    if kind in AGGREGATES:
        return aggregate(node, context)
    if kind in CHOICES:
        return _choice(node, context)
    if kind in STRICT or named(node, STRICT_NAMES):
        return _strict(node, node.iter_expressions(), context)
    if kind in PARTIAL:
        first = value(node.this, context)
        return _plain(first) if first.nullability is Nullability.NULLABLE else unanalysed(node)
    return unanalysed(node)


def _plain(found: Value) -> Value:
    return Value(found.nullability, found.reason, proof=found.proof)


def _strict(node: exp.Expr, operands: Iterable[exp.Expr], context: Context) -> Value:
    """NULL exactly if an operand is."""
    nodes = list(operands)
    found = [value(one, context) for one in nodes]
    some = (exp.Any, exp.All, exp.Tuple)
    if not any(isinstance(one, some) or named(one, {"some", "all"}) for one in nodes):
        for one in found:
            if one.nullability is Nullability.NULLABLE and not isinstance(node, exp.Between):
                return _plain(one)
    return _together(node, found)


def _whole(node: exp.Expr, context: Context) -> Value:
    """Never NULL if no part is; otherwise it depends on the parts' values."""
    return _together(node, [value(part, context) for part in node.iter_expressions()])


def _together(node: exp.Expr, parts: list[Value]) -> Value:
    if all(part.nullability is Nullability.NOT_NULL for part in parts):
        return not_null(f"no operand of {short(node)} is ever NULL")
    return unanalysed(node)


def _joined(node: exp.DPipe, context: Context) -> Value:
    """`||`, which is strict for text and not for arrays."""
    sides = (node.this, node.expression)
    if any(
        isinstance(side, exp.Literal) and side.is_string and side.name.lstrip()[:1] not in "{["
        for side in sides
        if side.name
    ):
        return _strict(node, sides, context)
    return _whole(node, context)


def _cast(node: exp.Cast, context: Context) -> Value:
    found = _plain(value(node.this, context))
    kind = node.to.this
    if kind in FROM_JSON and found.nullability is Nullability.NOT_NULL:
        return found if not_json(node.this) else unknown(f"{short(node)} of a JSON null is NULL")
    return found if kind in PRESERVING | FROM_JSON else unanalysed(node)


def _case(node: exp.Case, context: Context) -> Value:
    branches = node.args["ifs"]
    default = node.args.get("default")
    arms = [value(branch.args["true"], context) for branch in branches]
    arms.append(value(default, context) if default else nullable("CASE without ELSE"))
    if all(arm.nullability is Nullability.NOT_NULL for arm in arms):
        return not_null("no arm of CASE is ever NULL")
    tests = [branch.this for branch in branches]
    spoken = [context.mentions(test) for test in tests]
    subject = context.mentions(node.this) if node.this else NO_FACTS
    # Tests that may exhaust all cases, or that one side decides, prove nothing.
    decided = (
        not all(subject or one for one in spoken)
        or any(one & other for one, other in combinations(spoken, 2))
        or any(isinstance(test, exp.Boolean) for test in tests)
        or any(_decided(part, context) for test in tests for part in test.walk())
    )
    for arm in arms:
        conditions = subject.union(*spoken)
        if arm.nullability is Nullability.NULLABLE and not decided and not arm.proof & conditions:
            return nullable(arm.reason, arm.proof | conditions)
    return unanalysed(node)


def _decided(test: exp.Expr, context: Context) -> bool:
    """Whether the outcome of a test may be the same for all rows."""
    if isinstance(test, exp.Is):
        return value(test.this, context).nullability is not Nullability.NULLABLE
    sides = test.args.get("this"), test.args.get("expression")
    one, other = (context.mentions(s) if isinstance(s, exp.Expr) else NO_FACTS for s in sides)
    return isinstance(test, exp.Binary) and bool(one & other)


def _nullif(node: exp.Nullif, context: Context) -> Value:
    found = value(node.this, context)
    one, other = (context.mentions(side) for side in (node.this, node.expression))
    if found.nullability is Nullability.NULLABLE:
        return nullable(found.reason, found.proof | one | other)
    if one | other and not one & other:
        return nullable(f"{short(node)} is NULL where the two are equal", one | other)
    return unanalysed(node)


def _choice(node: exp.Expr, context: Context) -> Value:
    """NULL exactly if all arguments are: COALESCE, GREATEST, LEAST."""
    found = [value(one, context) for one in node.iter_expressions()]
    for one in found:
        if one.nullability is Nullability.NOT_NULL:
            return not_null(f"{short(node)} has an argument that is never NULL")
    apart = not any(one.proof & other.proof for one, other in combinations(found, 2))
    if apart and all(one.nullability is Nullability.NULLABLE for one in found):
        proof = NO_FACTS.union(*(one.proof for one in found))
        return nullable(f"all arguments of {short(node)} may be NULL", proof)
    return unanalysed(node)
