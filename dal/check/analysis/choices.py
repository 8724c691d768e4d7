"""Expressions that choose between values: CASE, NULLIF, COALESCE, GREATEST and LEAST."""

from typing import TYPE_CHECKING

from sqlglot import exp

from dal.check.analysis.values import (
    Value,
    common_type,
    never_null,
    short,
    unproven,
)

if TYPE_CHECKING:
    from dal.check.analysis.scope import Scope


def case(node: exp.Case, scope: "Scope") -> Value:
    """NULL if the chosen arm is, or if there is no arm to choose."""
    arms = _arms(node, scope)
    made = next((arm for arm in arms if not arm.never_null), None)
    made = made or never_null("no arm of CASE is ever NULL")
    return made.derived(common_type(arms), null_free=all(arm.null_free for arm in arms))


def _arms(node: exp.Case, scope: "Scope") -> list[Value]:
    arms, remaining = [], scope
    for branch in node.args["ifs"]:
        arm = branch.args["true"]
        selected = remaining if node.this else remaining.where(branch.this)
        arms.append(_arm(arm, scope, selected))
        if not node.this and isinstance(branch.this, exp.Is):  # it is true or false
            remaining = remaining.where(exp.Not(this=branch.this.copy()))
    default = node.args.get("default")
    arms.append(_arm(default, scope, remaining) if default else unproven("CASE without ELSE"))
    return arms


def _arm(arm: exp.Expr, everywhere: "Scope", selected: "Scope") -> Value:
    """An arm's value; a window function also sees rows that choose another arm."""
    return (everywhere if arm.find(exp.Window) else selected).value(arm)


def nullif(node: exp.Nullif, scope: "Scope") -> Value:
    """NULL if the arguments are equal or the first is NULL."""
    first = scope.value(node.this)
    return unproven(
        f"{short(node)} is NULL where the two are equal",
        first.type,
        null_free=first.null_free,
    )


def choice(node: exp.Expr, scope: "Scope") -> Value:
    """NULL if and only if all arguments are: COALESCE, GREATEST, LEAST."""
    arguments = [scope.value(part) for part in node.iter_expressions()]
    made = unproven(f"all arguments of {short(node)} may be NULL")
    if any(argument.never_null for argument in arguments):
        made = never_null(f"{short(node)} has an argument that is never NULL")
    return made.derived(
        common_type(arguments),
        null_free=all(argument.null_free for argument in arguments),
    )
