"""Reads a typed stub: its parameters and what it returns."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from dal.binding.errors import BindingError
from dal.binding.shapes import Shape, shape_of
from dal.binding.statement import Statement


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters and the result of a stub.

    Attributes:
        hints: annotations of the parameters after the first, by name.
        defaults: the values of those that have one.
        shape: how rows are returned.
        record: what a row is read as, or None for a number, a flag or nothing.
    """

    hints: Mapping[str, Any]
    defaults: Mapping[str, Any]
    shape: Shape
    record: Any


def read_stub(stub: Callable[..., Any], statement: Statement) -> Signature:
    """Read a stub.

    Raises:
        BindingError: it is not a stub as `Queries` describes them.
    """

    def demand(kept: bool, rule: str) -> None:
        if not kept:
            raise BindingError(statement.path, rule)

    parameters = list(inspect.signature(stub).parameters.values())
    demand(
        bool(parameters)
        and parameters[0].name == "db"
        and parameters[0].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD,
        "the stub's first parameter must be called `db` and accept a positional argument",
    )
    try:
        hints = get_type_hints(stub, include_extras=True)
    except NameError as error:
        rule = f"the stub's annotations need {error.name} at run time"
        raise BindingError(statement.path, rule) from None
    for parameter in parameters[1:]:
        name, kind = parameter.name, parameter.kind
        named = kind is inspect.Parameter.KEYWORD_ONLY
        demand(named, f"the stub's {name} must be keyword-only, after a `*`")
        demand(name in hints, f"the stub's {name} has no annotation")
    demand("return" in hints, "the stub's return has no annotation")
    own = {parameter.name: parameter.default for parameter in parameters[1:]}
    defaults = {name: value for name, value in own.items() if value is not inspect.Parameter.empty}

    shape, record = shape_of(hints["return"], statement)
    demand(
        inspect.iscoroutinefunction(stub) is (shape is not Shape.PAGES),
        "a stub is an `async def`; for AsyncIterator it is a plain `def`",
    )
    demand(
        shape is not Shape.PAGES
        or (hasattr(record, "cursor") and {"after", "page_size"} <= defaults.keys()),
        "an AsyncIterator needs `after` and `page_size`, with defaults, and records that have a"
        " `cursor`",
    )
    return Signature({name: hints[name] for name in own}, defaults, shape, record)


def plain_signature(stub: Callable[..., Any]) -> inspect.Signature:
    """A stub's signature as `help` shows it: plain types, without the rules of their values."""
    written, hints = inspect.signature(stub), get_type_hints(stub)
    parameters = [
        parameter.replace(annotation=hints.get(parameter.name, parameter.annotation))
        for parameter in written.parameters.values()
    ]
    return written.replace(parameters=parameters, return_annotation=hints["return"])
