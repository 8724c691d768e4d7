"""Whether an annotation fits a type of PostgreSQL's."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from dal.binding import Columns, Fields, JsonColumn
from dal.binding.shapes import fields_of
from dal.check.types.annotations import alternatives
from dal.check.types.members import Member, Use, members
from dal.check.types.pgtypes import Kind, PgType

# What asyncpg takes and gives as text, too; types of extensions are all like that.

_AS_TEXT = frozenset(
    {"json", "jsonb", "jsonpath", "xml", "money", "macaddr", "macaddr8", "tsvector", "tsquery"}
    | {"regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper"}
    | {"regoperator", "regproc", "regprocedure", "regrole", "regtype"}
)


_JSON: Any = JsonColumn  # which type checkers take for an alias
_, _MARK = get_args(_JSON[Any])


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an annotation fits a type.

    Attributes:
        fits: None where that is not known.
        would: the types that would fit.
        part: the part of the annotation that does not fit, or of which nothing is known.
        labels: those of an enum that one of the two lacks, though both are enums.
    """

    fits: bool | None
    would: tuple[str, ...] = ()
    part: Any = None
    labels: tuple[str, ...] = ()


def fit(annotation: Any, type_: PgType, use: Use) -> Verdict:
    """Whether what a column gives fits a field, or what an argument gives fits a parameter."""
    name = _called(type_)
    every = list(members(annotation, use))
    fitting = [member for member in every if member.fits(name)]
    unknown = [member for member in every if not member.known]
    wrong = [member for member in every if member.known and member not in fitting]
    if (wrong or unknown) if use.sent else not fitting:
        if type_.bare.kind in (Kind.COMPOSITE, Kind.PSEUDO):  # asyncpg's own kind of record
            unknown, wrong = every, []
        if unknown and not (use.sent and wrong):
            return Verdict(None, part=unknown[0].annotation)
        would = dict.fromkeys(name for member in wrong for name in member.names)
        return Verdict(False, tuple(would), (wrong or every)[0].annotation)
    return Verdict(True, labels=_at_odds(fitting, type_, use))


def _called(type_: PgType) -> str:
    """The name of a type as `Member.names` has it."""
    bare = type_.bare
    if bare.element:
        item = _called(bare.element)
        return item if item.endswith("[]") else f"{item}[]"
    if bare.kind in (Kind.ENUM, Kind.RANGE, Kind.COMPOSITE):
        return bare.kind.name.lower()
    return "text" if bare.kind is Kind.EXTENSION or bare.name in _AS_TEXT else bare.name


def _at_odds(members: Sequence[Member], type_: PgType, use: Use) -> tuple[str, ...]:
    """The labels that an argument has and the enum lacks, or the other way round."""
    while type_.bare.element:
        type_ = type_.bare.element
    theirs = type_.bare.labels
    if type_.bare.kind is not Kind.ENUM:
        return ()
    named = [member.labels for member in members if member.labels is not None]
    ours = frozenset[str]().union(*named)
    if use.sent:
        return tuple(sorted(ours.difference(theirs)))
    return (
        tuple(label for label in theirs if label not in ours) if len(named) == len(members) else ()
    )


def optional(annotation: Any) -> bool:
    """Whether None fits."""
    members = list(alternatives(annotation))
    for member in members:
        if _MARK in get_args(member):  # NULL is read as what is in the brackets
            members += alternatives(get_args(member)[0])
    return not {Any, object, types.NoneType, JsonColumn}.isdisjoint(members)


def labels_of(annotation: Any) -> frozenset[str] | None:
    """The only texts that an annotation takes, or None where it takes others as well."""
    labels = [member.labels for member in members(annotation, Use())]
    known = [each for each in labels if each is not None]
    return frozenset().union(*known) if known and len(known) == len(labels) else None


def parameters(name: str, hint: Any) -> dict[str, Any]:
    """The annotation of each of the statement's parameters that an argument gives."""
    for mark in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(mark, Fields | Columns):
            hints = get_type_hints(mark.type, include_extras=True)
            each = {name: hints[name] for name in fields_of(mark.type)}
            if isinstance(mark, Columns):
                return {f"{name}_{field}": list[given] for field, given in each.items()}  # type: ignore[valid-type]
            nothing = optional(get_args(hint)[0])  # then each of them is NULL
            return {
                f"{name}_{field}": Union[given, None] if nothing else given  # noqa: UP007
                for field, given in each.items()
            }
    return {name: hint}
