"""Makes a stub and its statement into the function that runs the statement."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from dal.binding.arguments import Arguments
from dal.binding.errors import BindingError
from dal.binding.rows import RowReader
from dal.binding.shapes import Shape
from dal.binding.statement import Statement
from dal.binding.stub import Signature, plain_signature
from dal.database.calls import Call, watched, watchers
from dal.database.executor import Executor, run
from dal.database.failures import explain
from dal.database.sqlstates import DIVISION_BY_ZERO, FOREIGN_KEY_VIOLATION
from dal.errors import DalError, NotFoundError

NO_ROW = "the statement returned no row, but its stub returns exactly one"
NULL = "the statement returned NULL, but its stub returns a number or a flag"
_NO_NUMBER = "the statement must return one integer or boolean; cast it to bigint or boolean"
_SCALARS: dict[Shape, Any] = {Shape.NUMBER: int, Shape.FLAG: bool, Shape.NOTHING: lambda _: None}


@dataclass(frozen=True, slots=True)
class Signals:
    """What a statement signals besides its records; `Queries` describes each."""

    not_found: type[NotFoundError] | None
    raise_if: Mapping[str, type[DalError]]
    retry_if: str | None

    @property
    def columns(self) -> list[str]:
        """The names of the boolean columns."""
        return [*self.raise_if, *([self.retry_if] if self.retry_if else [])]


class Binding:
    """A stub and its statement, checked against each other.

    Attributes:
        stub: the function as it is written.
        statement: its SQL file.
        shape: what it returns; `records` builds it from rows.
        hints, defaults: annotations and defaults of its parameters, by name; `arguments` puts them
            into the statement's order.
    """

    def __init__(
        self,
        stub: Callable[..., Any],
        statement: Statement,
        signature: Signature,
        arguments: Arguments,
        records: RowReader,
        signals: Signals,
    ) -> None:
        self.stub, self.statement, self.signals = stub, statement, signals
        self.shape, self.hints, self.defaults = signature.shape, signature.hints, signature.defaults
        self.arguments, self.records = arguments, records
        self._ask: Callable[[Executor, list[Any]], Awaitable[Any]]
        self._ask = self._number if self.shape in _SCALARS else self._rows
        if signals.not_found and self.shape not in (Shape.ONE, Shape.LIST):
            raise BindingError(statement.path, "`not_found` needs a stub that returns T or list[T]")
        if signals.columns and self.shape in _SCALARS:
            rule = "`raise_if` and `retry_if` need a stub that returns rows"
            raise BindingError(statement.path, rule)

    @property
    def variants(self) -> "Sequence[Binding]":
        """The forms in which the statement is sent."""
        return [self]

    def function(self) -> Callable[..., Any]:
        """The function that takes the stub's place."""

        def stream(db: Executor, **arguments: Any) -> AsyncIterator[Any]:
            checked = self._checked(arguments)
            return self._variant(checked)._pages(db, checked)

        async def call(db: Executor, **arguments: Any) -> Any:
            checked = self._checked(arguments)
            return await self._variant(checked)._answer(db, checked)

        own = stream if self.shape is Shape.PAGES else call
        function = functools.wraps(self.stub)(own)
        function.__signature__ = plain_signature(self.stub)  # type: ignore[attr-defined]
        return function

    def _checked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.arguments.checked({**self.defaults, **arguments})

    def _variant(self, checked: Mapping[str, Any]) -> "Binding":  # noqa: ARG002
        """The form of the statement for these arguments."""
        return self

    async def _pages(self, db: Executor, checked: dict[str, Any]) -> AsyncIterator[Any]:
        ask = self._watched if watchers else self._ask
        while rows := await ask(db, self.arguments.values(checked)):
            for record in self.records.all(rows):
                yield record
            # Counted in rows, not in records: a skipped row is part of the page.
            if len(rows) < checked["page_size"]:
                return
            place = self.records.cursor_of(rows[-1])
            if place == checked["after"]:  # asyncpg sends the calendar's first time as -infinity
                raise DalError(
                    "a page ends where it began, so that the stream would never end",
                    query=self.statement.name,
                )
            checked["after"] = place

    async def _answer(self, db: Executor, checked: Mapping[str, Any]) -> Any:
        batches = self.arguments.batches
        nothing_to_send = batches and not any(checked[name] for name in batches)
        values = self.arguments.values(checked)
        ask = self._watched if watchers else self._ask
        if self.shape in _SCALARS:
            return _SCALARS[self.shape](0 if nothing_to_send else await ask(db, values))
        if self.shape is Shape.LIST:
            return [] if nothing_to_send else self.records.all(await ask(db, values))
        if rows := await ask(db, values):
            return self.records.one(rows)
        if self.shape is Shape.OPTIONAL:
            return None
        raise DalError(NO_ROW, query=self.statement.name)

    async def _watched(self, db: Executor, values: list[Any]) -> Any:
        writes = self.statement.returns_count
        with watched(Call(self.statement.name, db, writes)) as call:
            answer = await self._ask(db, values)
            if isinstance(answer, list):
                call.rows = len(answer)
            else:  # a number that was selected is one row
                call.rows = answer if writes or self.shape is Shape.NOTHING else 1
        return answer

    async def _rows(self, db: Executor, values: list[Any]) -> list[Any]:
        signals, text = self.signals, self.statement.text
        rows: list[Any] = await run(db, db.fetch, text, values, self._explain)
        while signals.retry_if and self._is_true(signals.retry_if, rows):
            rows = await run(db, db.fetch, text, values, self._explain, again=True)
        for column, error in signals.raise_if.items():
            if self._is_true(column, rows):
                raise error(query=self.statement.name)
        if signals.not_found and not rows:
            raise signals.not_found(query=self.statement.name)
        return rows

    def _is_true(self, column: str, rows: list[Any]) -> bool:
        try:
            return any(map(itemgetter(column), rows))
        except KeyError:
            message = f"the statement has no column {column}, which its stub names"
        raise DalError(message, query=self.statement.name)

    async def _number(self, db: Executor, values: list[Any]) -> int:
        text = self.statement.text
        if self.statement.returns_count or self.shape is Shape.NOTHING:
            tag: str = await run(db, db.execute, text, values, self._explain)
            return int(tag.rpartition(" ")[2]) if self.statement.returns_count else 0
        rows = await run(db, db.fetch, text, values, self._explain)
        if len(rows) > 1:
            raise DalError("more than one row came back", query=self.statement.name)
        if rows and len(rows[0]) == 1 and isinstance(rows[0][0], int):
            return int(rows[0][0])
        is_null = rows and len(rows[0]) == 1 and rows[0][0] is None
        problem = NO_ROW if not rows else NULL if is_null else _NO_NUMBER
        raise DalError(problem, query=self.statement.name)

    def _explain(self, error: Exception) -> DalError | None:
        failure = explain(error, self.statement.name, self.statement.parameters)
        if failure and (meaning := self._meaning(failure.sqlstate)):
            return meaning(
                query=failure.query, sqlstate=failure.sqlstate, constraint=failure.constraint
            )
        return failure

    def _meaning(self, sqlstate: str | None) -> type[DalError] | None:
        if sqlstate == FOREIGN_KEY_VIOLATION:  # the parent is absent
            return self.signals.not_found
        if sqlstate == DIVISION_BY_ZERO:  # on purpose, if there is something to raise
            return next(iter(self.signals.raise_if.values()), None)
        return None
