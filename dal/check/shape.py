"""Whether a statement's parameters and columns fit its stub."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from dal.binding.query import Binding
from dal.binding.rows import Shape
from dal.check import types
from dal.check.annotations import shown
from dal.check.describe import Database, Described, RefusedError
from dal.check.fields import Field, fields
from dal.check.findings import Finding
from dal.check.members import Use
from dal.check.pgtypes import Kind, PgType
from dal.check.source import Source
from dal.check.written import written

__all__ = ["SCALARS", "Field", "fields", "shape"]

SCALARS = (Shape.NUMBER, Shape.FLAG, Shape.NOTHING)
_JSON = ("json", "jsonb")
_ADVICE = {
    "timestamp without time zone": "annotate it with NaiveDatetime, or make it a timestamptz",
    "timestamp with time zone": "annotate it with AwareDatetime, or cast it",
}
_NUMBERS = ("bigint", "integer", "smallint", "boolean")


def shape(binding: Binding, database: Database) -> tuple[list[Finding], Described | None]:
    """What doesn't fit between a stub, its file and the schema; and what PostgreSQL says of it."""
    source = Source.read(binding.statement.path)
    try:
        described = database.describe(binding.statement)
    except RefusedError as error:
        offset = None
        if error.position is not None:
            offset = source.sent(binding.statement.text, error.position)
        return [_refused(binding, database, error, offset)], None
    findings = [*_parameters(binding, described), *_columns(binding, described)]
    findings += written(binding, database)
    return sorted(findings, key=lambda one: (one.offset or 0, one.message)), described


def _refused(
    binding: Binding, database: Database, error: RefusedError, offset: int | None
) -> Finding:
    help_ = error.hint or "correct the file, or migrate the database to this version"
    unknown = re.fullmatch(r'(?:column|relation) "?([\w.]+)"? does not exist', str(error))
    if unknown:
        names = [*database.columns, *{c for table in database.columns.values() for c in table}]
        near = get_close_matches(unknown[1].rpartition(".")[2], names, n=3)
        help_ = f"did you mean {' or '.join(near)}?" if near else help_
    return Finding("refused", binding.statement.path, offset, str(error), help_)


def _parameters(binding: Binding, described: Described) -> Iterator[Finding]:
    path, source = binding.statement.path, Source.read(binding.statement.path)
    expected: dict[str, Any] = {}
    for name, hint in binding.hints.items():
        expected |= types.parameters(name, hint)
    for name, type_ in zip(binding.statement.parameters, described.takes, strict=True):
        place = source.parameter(name)
        verdict = types.fit(expected[name], type_, Use(sent=True))
        if type_.bare.name in _JSON:
            yield Finding(
                "json",
                path,
                place,
                f":{name} is {type_.name}, which a connection's owner may have set a codec for",
                f"send it as text: :{name}::text::{type_.name}",
            )
        elif verdict.fits is None:
            yield Finding(
                "not-proven",
                path,
                place,
                f"whether {shown(verdict.part)}, the annotation of :{name}, fits {type_.name} is"
                " not known",
                "annotate it with a plain type, or with a SentAs whose function says what it"
                " returns",
            )
        elif not verdict.fits:
            yield Finding(
                "parameter-type",
                path,
                place,
                f":{name} is {type_.name} to PostgreSQL, but its stub gives {_listed(verdict)}",
                _one_of_many(name, expected[name], type_, source)
                or (
                    f"cast it, as in :{name}::{verdict.would[0]}, or change the stub"
                    if verdict.would
                    else "send a text that SentAs makes of it, or change the stub"
                ),
            )
        elif verdict.labels:
            yield Finding(
                "enum-labels",
                path,
                place,
                f":{name} may be {', '.join(verdict.labels)}, which {type_.name} has not",
                "let the annotation and the type have the same labels",
            )


def _one_of_many(name: str, annotation: Any, type_: PgType, source: Source) -> str | None:
    """What to write where one value is compared, and the stub gives many of them."""
    array = PgType(f"{type_.name}[]", Kind.ARRAY, element=type_)
    if not types.fit(annotation, array, Use(sent=True)).fits:
        return None
    words = [one.text.upper() for one in source.loud]
    place = words.index(f":{name.upper()}")
    excluded = words[max(place - 3, 0) : place] == ["NOT", "IN", "("]
    return f"write {'<> ALL' if excluded else '= ANY'} (:{name})"


def _columns(binding: Binding, described: Described) -> Iterator[Finding]:
    path, source = binding.statement.path, Source.read(binding.statement.path)

    def finding(rule: str, column: str, message: str, help_: str) -> Finding:
        return Finding(rule, path, source.column(column), message, help_)

    names = [name for name, _ in described.columns]
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield finding("duplicate-column", name, f"two columns are called {name}", "rename one")
    if binding.shape in SCALARS:
        yield from _scalar(binding, described)
        return
    if not names:
        yield finding(
            "fetch-mode",
            "",
            f"no rows come back, but the stub returns {binding.shape.value}",
            "add RETURNING, or return int, bool or None",
        )
        return
    # A join's rows are put together where they make one record.
    wanted = fields(binding.records.record, joined=binding.shape in (Shape.ONE, Shape.OPTIONAL))
    signals = {*binding.raises, *([binding.again] if binding.again else [])}
    for name, type_ in described.gives:
        if name not in wanted and name not in signals:
            near = get_close_matches(name, [*wanted, *signals], n=2)
            offers = near or sorted({*wanted, *signals} - set(names)) or sorted(wanted)
            yield finding(
                "extra-column",
                name,
                f"{_record(binding)} has no field {name}",
                f"leave it out, or call it {' or '.join(offers)}",
            )
        elif type_.bare.name in _JSON:
            yield finding(
                "json",
                name,
                f"{name} is {type_.name}, which a connection's owner may have set a codec for",
                f"read it as text: {name}::text AS {name}",
            )
        elif name not in signals:
            for rule, message, help_ in _misfits(name, type_, wanted[name]):
                yield finding(rule, name, message, help_)
        elif type_.bare.name != "boolean":
            message = f"{name} is {type_.name}, but {_record(binding)}.{name} takes boolean"
            yield finding("column-type", name, message, "make it a condition")
    for field in dict.fromkeys(wanted.values()):
        columns = [name for name in wanted if wanted[name] is field]
        if field.required and not set(columns) & {*names, *signals}:
            yield _missing(binding, columns[0], names)
    for name in signals - {*names}:
        yield _missing(binding, name, names)


def _misfits(name: str, type_: PgType, field: Field) -> Iterator[tuple[str, str, str]]:
    """How a column does not fit its field: the rule, a message, and what to do."""
    verdict = types.fit(field.annotation, type_, field.use)
    whose = f"{field.record.__name__}.{field.name}"
    if verdict.fits is None:
        yield (
            "not-proven",
            f"whether {shown(verdict.part)}, the annotation of {whose}, takes {type_.name} is not"
            " known",
            "annotate it with a plain type, and convert that in a property",
        )
    elif not verdict.fits:
        parsed = not verdict.would and type_.bare.name in ("text", "bytea")
        yield (
            "column-type",
            f"{name} is {type_.name}, but {whose} takes {_listed(verdict)}",
            f"let Pydantic parse it: Json[{shown(verdict.part)}]"
            if parsed
            else _ADVICE.get(type_.bare.name, "cast it, or change the field"),
        )
    elif verdict.labels:
        yield (
            "enum-labels",
            f"{type_.name} has {', '.join(verdict.labels)}, which {whose} does not take",
            "let the annotation and the type have the same labels",
        )


def _missing(binding: Binding, name: str, names: Sequence[str]) -> Finding:
    source = Source.read(binding.statement.path)
    return Finding(
        "missing-column",
        binding.statement.path,
        source.loud[0].offset,
        f"no column {name}, which {_record(binding)} needs; there are {', '.join(names)}",
        f"select {name}, or give the field a default",
    )


def _scalar(binding: Binding, described: Described) -> Iterator[Finding]:
    path, source = binding.statement.path, Source.read(binding.statement.path)
    if binding.statement.counted or binding.shape is Shape.NOTHING:
        if described.columns:
            yield Finding(
                "fetch-mode",
                path,
                source.column(described.columns[0][0]),
                f"rows come back, but the stub returns {binding.shape.value}",
                "leave RETURNING out, or return a record",
            )
    elif len(described.columns) != 1 or described.gives[0][1].bare.name not in _NUMBERS:
        yield Finding(
            "fetch-mode",
            path,
            source.loud[0].offset,
            f"the stub returns {binding.shape.value}, so the statement must give one number or"
            " boolean",
            "select one column, cast to bigint or boolean",
        )


def _record(binding: Binding) -> str:
    return str(binding.records.record.__name__)


def _listed(verdict: types.Verdict) -> str:
    return " or ".join(verdict.would) or shown(verdict.part)
