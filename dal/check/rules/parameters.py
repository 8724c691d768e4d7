"""Parameters whose types do not fit the stub's annotations."""

from collections.abc import Iterator
from typing import Any

from dal.check.findings import Finding
from dal.check.server.catalog import Catalog
from dal.check.statement import BoundStatement
from dal.check.types import Kind, PgType, Use, Verdict, fit, shown

JSON = ("json", "jsonb")


def parameters(statement: BoundStatement, catalog: Catalog) -> Iterator[Finding]:
    """Parameters whose type in PostgreSQL does not take what their annotation gives."""
    names = statement.binding.statement.parameters
    for name, type_ in zip(names, statement.description.parameters, strict=True):
        yield from _misfits(statement, name, statement.annotations[name], type_)


def _misfits(
    statement: BoundStatement, name: str, annotation: Any, type_: PgType
) -> Iterator[Finding]:
    verdict = fit(annotation, type_, Use(sent=True))
    place = statement.source.parameter(name)
    if type_.on_wire.name in JSON:
        yield statement.finding(
            "json",
            place,
            f":{name} is {type_.name}, whose encoding depends on the codecs set on the connection",
            f"send it as text: :{name}::text::{type_.name}",
            f":{name}",
        )
    elif verdict.fits is None:
        yield statement.finding(
            "not-proven",
            place,
            f"whether {shown(verdict.part)}, the annotation of :{name}, fits {type_.name} is"
            " not known",
            "annotate it with a plain type, or with a SentAs whose function says what it returns",
            f":{name}",
        )
    elif not verdict.fits:
        yield statement.finding(
            "parameter-type",
            place,
            f":{name} is {type_.name} to PostgreSQL, but its stub gives {listed(verdict)}",
            _array_advice(statement, name, annotation, type_) or _advice(name, verdict),
            f":{name}",
        )
    elif verdict.labels:
        yield statement.finding(
            "enum-labels",
            place,
            f":{name} may be {', '.join(verdict.labels)}, which {type_.name} lacks",
            "give the annotation and the type the same labels",
            f":{name}",
        )


def _advice(name: str, verdict: Verdict) -> str:
    if verdict.would:
        return f"cast it, as in :{name}::{verdict.would[0]}, or change the stub"
    return "send a text that SentAs makes of it, or change the stub"


def _array_advice(
    statement: BoundStatement, name: str, annotation: Any, type_: PgType
) -> str | None:
    """Advice if the statement compares with one value, but the stub gives a list of them."""
    array = PgType(f"{type_.name}[]", Kind.ARRAY, element=type_)
    if not fit(annotation, array, Use(sent=True)).fits:
        return None
    words = [token.text.upper() for token in statement.source.significant]
    place = words.index(f":{name.upper()}")
    is_negated = words[max(place - 3, 0) : place] == ["NOT", "IN", "("]
    return f"write {'<> ALL' if is_negated else '= ANY'} (:{name})"


def listed(verdict: Verdict) -> str:
    """The types that would fit, or the annotation if none does."""
    return " or ".join(verdict.would) or shown(verdict.part)
