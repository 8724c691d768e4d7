"""Decides whether an annotation fits a PostgreSQL type."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from dal.binding import Columns, Fields, JsonColumn
from dal.binding.shapes import fields_of
from dal.check.types.annotations import alternatives
from dal.check.types.members import Member, Use, members
from dal.check.types.pgtypes import Kind, PgType

# The types that asyncpg sends and reads as text; so are all types of extensions.
_AS_TEXT = frozenset(
    {"json", "jsonb", "jsonpath", "xml", "money", "macaddr", "macaddr8", "tsvector", "tsquery"}
    | {"regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper"}
    | {"regoperator", "regproc", "regprocedure", "regrole", "regtype"}
)


_JSON: Any = JsonColumn  # Any, because type checkers take it for an alias
_, _MARK = get_args(_JSON[Any])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an annotation fits a type.

    Attributes:
        fits: whether it fits, or None if that is not known.
        would: the types that would fit.
        part: the part of the annotation that does not fit, or is not known.
        labels: the labels that only one of two enums has.
    """

    fits: bool | None
    would: tuple[str, ...] = ()
    part: Any = None
    labels: tuple[str, ...] = ()


def fit(annotation: Any, type_: PgType, use: Use) -> Verdict:
    """Whether a column's values fit a field, or an argument's values fit a parameter."""
    name = _type_name(type_)
    all_members = list(members(annotation, use))
    fitting = [member for member in all_members if member.fits(name)]
    unknown = [member for member in all_members if not member.known]
    wrong = [member for member in all_members if member.known and member not in fitting]
    # All alternatives of an argument must fit, but only one of a field's.
    mismatch = bool(wrong or unknown) if use.sent else not fitting
    if mismatch:
        if type_.on_wire.kind in (Kind.COMPOSITE, Kind.PSEUDO):  # asyncpg reads its own records
            unknown, wrong = all_members, []
        if unknown and not (use.sent and wrong):
            return Verdict(None, part=unknown[0].annotation)
        would = dict.fromkeys(name for member in wrong for name in member.names)
        return Verdict(False, tuple(would), (wrong or all_members)[0].annotation)
    return Verdict(True, labels=_differing_labels(fitting, type_, use))


def _type_name(type_: PgType) -> str:
    """A type's name in `Member.names`."""
    on_wire = type_.on_wire
    if on_wire.element:
        item = _type_name(on_wire.element)
        return item if item.endswith("[]") else f"{item}[]"
    if on_wire.kind in (Kind.ENUM, Kind.RANGE, Kind.COMPOSITE):
        return on_wire.kind.name.lower()
    return "text" if on_wire.kind is Kind.EXTENSION or on_wire.name in _AS_TEXT else on_wire.name


def _differing_labels(members: Sequence[Member], type_: PgType, use: Use) -> tuple[str, ...]:
    """The labels that an argument has and the enum lacks, or the reverse for a field."""
    while type_.on_wire.element:
        type_ = type_.on_wire.element
    enum_labels = type_.on_wire.labels
    if type_.on_wire.kind is not Kind.ENUM:
        return ()
    named = [member.labels for member in members if member.labels is not None]
    accepted = frozenset[str]().union(*named)
    if use.sent:
        return tuple(sorted(accepted.difference(enum_labels)))
    return (
        tuple(label for label in enum_labels if label not in accepted)
        if len(named) == len(members)
        else ()
    )


def optional(annotation: Any) -> bool:
    """Whether an annotation takes None."""
    members = list(alternatives(annotation))
    for member in members:
        if _MARK in get_args(member):  # NULL is read as the annotation in brackets
            members += alternatives(get_args(member)[0])
    return not {Any, object, types.NoneType, JsonColumn}.isdisjoint(members)


def labels_of(annotation: Any) -> frozenset[str] | None:
    """The only texts that an annotation takes, or None if it takes others."""
    labels = [member.labels for member in members(annotation, Use())]
    known = [label_set for label_set in labels if label_set is not None]
    return frozenset().union(*known) if known and len(known) == len(labels) else None


def parameters(name: str, hint: Any) -> dict[str, Any]:
    """The annotations of the statement's parameters that an argument provides."""
    for mark in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(mark, Fields | Columns):
            hints = get_type_hints(mark.type, include_extras=True)
            annotations = {name: hints[name] for name in fields_of(mark.type)}
            if isinstance(mark, Columns):
                return {
                    f"{name}_{field}": list[annotation]  # type: ignore[valid-type]
                    for field, annotation in annotations.items()
                }
            may_be_none = optional(get_args(hint)[0])  # then each of them is NULL
            return {
                f"{name}_{field}": Union[annotation, None] if may_be_none else annotation  # noqa: UP007
                for field, annotation in annotations.items()
            }
    return {name: hint}
