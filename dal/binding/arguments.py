"""From a call's keyword arguments to the values of `$1`, `$2`, ..."""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from operator import attrgetter, itemgetter
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from dal.binding.errors import BindingError
from dal.binding.shapes import fields_of
from dal.binding.statement import Statement
from dal.errors import InvalidInputError, Problem
from dal.pydantic_errors import WORDS, path_of

_CALLS = {"missing": "needs the argument", "extra_forbidden": "has no argument"}
_NAIVE = "Input should have timezone info"  # as Pydantic says it of an AwareDatetime


@dataclasses.dataclass(frozen=True)
class Fields:
    """Marks an argument that is a dataclass or a model.

    `before` gives `:before_time` and `:before_id`; None gives NULL for each.
    """

    type: type


@dataclasses.dataclass(frozen=True)
class Columns:
    """Marks an argument that is a sequence of dataclasses or models.

    Of `tasks`, `:tasks_title` is an array of titles.

    Where all such sequences of a call are empty, it is answered without a round trip if the answer
    is plain: an empty list, 0, False or None.
    """

    type: type


@dataclasses.dataclass(frozen=True)
class SentAs:
    """Marks an argument, or a field of a `Columns` row, that is encoded after its check.

    The check itself leaves the value as it is, so that a checked value can be checked again.
    """

    encode: Callable[[Any], Any]


class Arguments:
    """Checks the arguments of one stub and puts them into its statement's order.

    Attributes:
        batches: names of the arguments that are sequences of rows.
    """

    def __init__(self, statement: Statement, hints: Mapping[str, Any]) -> None:
        self._name = statement.name
        self._hints = dict(hints)
        self.batches = [
            name for name in hints for mark in _marks(hints[name]) if isinstance(mark, Columns)
        ]
        self._offered: dict[str, Callable[[Any], Any]] = {}
        for name, hint in hints.items():
            self._offered |= self._getters(name, hint)
        wanted, offered = {*statement.parameters}, self._offered.keys() - statement.flags
        rules = [f":{name} is in the file, but not in the stub" for name in wanted - offered]
        rules += [f"{name} is in the stub, but not in the file" for name in offered - wanted]
        if rules:
            raise BindingError(statement.path, "; ".join(sorted(rules)))
        self._getters_in_order = [self._offered[name] for name in statement.parameters]

    def of(self, variant: Statement) -> Self:
        """These arguments for a variant of the statement, which has fewer parameters."""
        arguments = copy.copy(self)
        arguments._getters_in_order = [self._offered[name] for name in variant.parameters]
        return arguments

    def checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the statement takes them.

        Raises:
            InvalidInputError: an argument breaks a rule.
            TypeError: an argument is missing or unknown.
        """
        try:
            return self._check(arguments)
        except ValidationError as error:
            failure = _failure(self._name, error)
        raise failure

    def values(self, checked: Mapping[str, Any]) -> list[Any]:
        """The values of `$1`, `$2`, ..."""
        return [get(checked) for get in self._getters_in_order]

    def default_values(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters' values, by name, if these arguments keep their defaults."""
        values: dict[str, Any] = {}
        for name, default in defaults.items():
            hint = self._hints[name]
            checked = {name: TypeAdapter(hint).validate_python(default)}
            values |= {name: get(checked) for name, get in self._getters(name, hint).items()}
        return values

    @cached_property
    def _check(self) -> Callable[[Any], dict[str, Any]]:
        # Built on the first call, to keep the import fast.
        shape = TypedDict("shape", self._hints)  # type: ignore[misc]
        shape.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
        return TypeAdapter(shape).validator.validate_python

    def _getters(self, name: str, hint: Any) -> dict[str, Callable[[Any], Any]]:
        get = itemgetter(name)
        for mark in _marks(hint):
            if isinstance(mark, Fields | Columns):
                read = _field if isinstance(mark, Fields) else _column
                return {
                    f"{name}_{field}": self._zoned(read(get, field, each), each, name, field)
                    for field, each in _hints(mark.type).items()
                }
        return {name: self._zoned(_encoded(get, hint), hint, name)}

    def _zoned(self, get: Callable[[Any], Any], hint: Any, name: str, *field: str) -> Any:
        """A getter that refuses a time without a zone, for which PostgreSQL would guess one."""
        if not _holds_time(hint):
            return get

        def value(checked: Any) -> Any:
            value = get(checked)
            several = isinstance(value, list | tuple)
            for number, each in enumerate(value) if several else [(None, value)]:
                if isinstance(each, datetime) and each.utcoffset() is None:
                    place = tuple(step for step in (name, number, *field) if step is not None)
                    naive = Problem(loc=place, type="timezone_aware", msg=_NAIVE)
                    raise _refusal(InvalidInputError, self._name, [naive])
            return value

        return value


def _holds_time(hint: Any) -> bool:
    return hint is datetime or any(map(_holds_time, get_args(hint)))


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _hints(type: type) -> dict[str, Any]:
    """The annotations of a dataclass or a model, by the names of its fields."""
    hints = get_type_hints(type, include_extras=True)
    return {name: hints[name] for name in fields_of(type)}


def _field(get: Callable[[Any], Any], field: str, hint: Any) -> Callable[[Any], Any]:
    return _encoded(lambda checked: getattr(get(checked), field, None), hint)


def _column(get: Callable[[Any], Any], field: str, hint: Any) -> Callable[[Any], Any]:
    of = _encoded(attrgetter(field), hint)
    return lambda checked: [of(item) for item in get(checked)]


def _encoded(get: Callable[[Any], Any], hint: Any) -> Callable[[Any], Any]:
    for mark in _marks(hint):
        if isinstance(mark, SentAs):
            encode = mark.encode
            return lambda checked: encode(get(checked))
    if _is_model(hint):
        return lambda checked: _as_json(get(checked))
    return get


def _is_model(hint: Any) -> bool:
    """Whether an argument is a model, or a model or None, which is sent as JSON text."""
    parts = get_args(hint) if get_origin(hint) in (Annotated, UnionType, Union) else (hint,)
    return any(isinstance(part, type) and issubclass(part, BaseModel) for part in parts)


def _as_json(model: BaseModel | None) -> str | None:
    return None if model is None else model.model_dump_json()


def _failure(name: str, error: ValidationError) -> Exception:
    kind: type[InvalidInputError] = InvalidInputError
    problems: list[Problem] = []
    for problem in error.errors(include_url=False, include_input=False):
        location, rule = problem["loc"], problem["type"]
        if rule in _CALLS and len(location) == 1:  # deeper, it is the caller's data
            return TypeError(f"{name}() {_CALLS[rule]} {path_of(location)}")
        kind = problem.get("ctx", {}).get("raises", kind)
        problems.append(Problem(loc=location, type=rule, msg=WORDS.get(rule, problem["msg"])))
    return _refusal(kind, name, problems)


def _refusal(kind: type[InvalidInputError], name: str, problems: list[Problem]) -> Exception:
    text = "; ".join(f"{path_of(problem['loc'])}: {problem['msg']}" for problem in problems)
    return kind(text, query=name, errors=problems)
