"""Whether a field may be None where its column may be NULL, and enums hold what a CHECK allows."""

import re
from collections.abc import Iterator

from dal.binding.query import Binding
from dal.check.describe import Database, Described
from dal.check.findings import Finding
from dal.check.head import Head
from dal.check.nullability import NotAnalysed, Nullability, Output, outputs
from dal.check.shape import SCALARS, Field, fields
from dal.check.source import Source
from dal.check.types import enum_of, optional

# Where the analysis can't know, the file says it: -- Never NULL (conflict, stale): the reason.
_DECLARED = re.compile(r"Never NULL \(([\w., ]+)\): \S")
_LABEL = re.compile(r"'((?:[^']|'')*)'::")


def nulls(binding: Binding, database: Database, described: Described) -> Iterator[Finding]:
    """What a record's fields take for granted, and the statement does not give."""
    path, source = binding.statement.path, Source.read(binding.statement.path)
    if binding.shape in SCALARS:
        return
    declared = {
        name.strip(): offset
        for line, offset in Head.read(path).matching(_DECLARED)
        for name in line[1].split(",")
    }
    try:
        found = outputs(binding.statement.text, database.columns, database.views)
    except NotAnalysed as error:
        yield Finding(
            "not-analysed",
            path,
            None,
            f"the statement can't be analysed: {error}",
            "write it in another way",
        )
        return
    wanted = fields(binding.records.record)
    signals = {*binding.raises, *([binding.again] if binding.again else [])}
    for (name, _), output in zip(described.columns, found, strict=True):
        place = source.column(name)
        if name in wanted or name in signals:
            field = wanted.get(name)
            needed = name in signals or (field is not None and not optional(field.annotation))
            yield from _null(binding, name, output, place, needed, name in declared, database)
            if field is not None:
                yield from _labels(binding, field, output, place, database)
        declared.pop(name, None)
    for name, offset in declared.items():
        yield Finding(
            "needless-declaration",
            path,
            offset,
            f"{name} is declared as never NULL, but there is no such column",
            "take the name out",
        )


def _null(
    binding: Binding,
    name: str,
    output: Output,
    place: int | None,
    needed: bool,
    declared: bool,
    database: Database,
) -> Iterator[Finding]:
    path = binding.statement.path
    nullability = output.nullability
    if "." in name and output.origin:
        # An item of a join: where the whole item is missing there is none to be read.
        table, column = output.origin
        if database.columns.get(table, {}).get(column):
            nullability = Nullability.NOT_NULL
    what = f"{name} {nullability.value} ({output.reason})"
    if declared and nullability is not Nullability.UNKNOWN:
        yield Finding(
            "needless-declaration",
            path,
            place,
            f"declared as never NULL, but that is proven: {what}",
            "take the name out of `-- Never NULL`",
        )
    elif needed and nullability is Nullability.NULLABLE:
        yield Finding(
            "nullable",
            path,
            place,
            f"{what}, but its field does not take None",
            "make the field Optional, or give the column a value, as coalesce() does",
        )
    elif needed and not declared and nullability is Nullability.UNKNOWN:
        yield Finding(
            "unknown-nullability",
            path,
            place,
            f"whether {name} may be NULL is unknown ({output.reason}), and its field does not take"
            " None",
            f"make the field Optional, or say `-- Never NULL ({name}): why.` in the head comment",
        )


def _labels(
    binding: Binding, field: Field, output: Output, place: int | None, database: Database
) -> Iterator[Finding]:
    """The labels of an enum against the CHECK on the column that it is read from."""
    enum = enum_of(field.annotation)
    checks = database.checks.get(output.origin, []) if output.origin and enum else []
    if enum is None or not checks:
        return
    allowed = {label.replace("''", "'") for check in checks for label in _LABEL.findall(check)}
    missing, extra = allowed - set(enum), set(enum) - allowed
    for labels, message in (
        (missing, f"the CHECK allows what {enum.__name__} has not"),
        (extra, f"{enum.__name__} has what the CHECK refuses"),
    ):
        if labels:
            yield Finding(
                "enum-labels",
                binding.statement.path,
                place,
                f"{message}: {', '.join(sorted(labels))}",
                "let the enum and the CHECK have the same labels",
            )
