"""A stub and its statement, as the function that runs it."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from dal.binding.arguments import Arguments
from dal.binding.rows import Records
from dal.binding.shapes import Shape
from dal.binding.statement import BindingError, Statement
from dal.binding.stub import Signature, plain_signature
from dal.database.calls import Call, watched, watchers
from dal.database.executor import Executor, is_alone
from dal.database.failures import (
    DIVISION_BY_ZERO,
    FOREIGN_KEY_VIOLATION,
    SERIALIZATION_FAILURE,
    explain,
)
from dal.errors import DalError, NotFoundError

_SCALARS: dict[Shape, Callable[[int], Any]] = {
    Shape.NUMBER: int,
    Shape.FLAG: bool,
    Shape.NOTHING: lambda _: None,
}


_TRIES = 100  # each time, one of those that are in each other's way succeeds
_IN_PARTS = ("CALL", "DO")  # which may commit before they fail


class Binding:
    """One stub and its statement, whose parameters fit.

    Attributes:
        stub: the function as it is written.
        statement: its SQL file.
        shape: what it returns; `records` makes that of rows.
        hints, defaults: annotations and defaults of its parameters, by name; `arguments` puts them
            into the statement's order.
        raises, again: the signals among the columns, as `Queries` describes them.
    """

    def __init__(
        self,
        stub: Callable[..., Any],
        statement: Statement,
        signature: Signature,
        arguments: Arguments,
        records: Records,
        absent: type[NotFoundError] | None,
        raises: Mapping[str, type[DalError]],
        again: str | None,
    ) -> None:
        self.stub, self.statement = stub, statement
        self.absent, self.raises, self.again = absent, raises, again
        self.shape, self.hints, self.defaults = signature.shape, signature.hints, signature.defaults
        self.arguments, self.records = arguments, records
        self._ask: Callable[[Executor, list[Any]], Awaitable[Any]]
        self._ask = self._number if self.shape in _SCALARS else self._rows
        if absent and self.shape not in (Shape.ONE, Shape.LIST):
            raise BindingError(f"{statement.path}: `absent` goes with a stub of T or list[T]")
        if (raises or again) and self.shape in _SCALARS:
            raise BindingError(f"{statement.path}: `raises` and `again` go with a stub of records")

    @property
    def variants(self) -> "Sequence[Binding]":
        """The forms in which the statement is sent."""
        return [self]

    def function(self) -> Callable[..., Any]:
        """The function that takes the stub's place."""
        stub = self.stub

        def stream(db: Executor, **given: Any) -> AsyncIterator[Any]:
            return self._stream(db, given)

        async def call(db: Executor, **given: Any) -> Any:
            return await self._answer(db, self._checked(given))

        function = functools.wraps(stub)(stream if self.shape is Shape.PAGES else call)
        function.__signature__ = plain_signature(stub)  # type: ignore[attr-defined]
        return function

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        return self.arguments.checked({**self.defaults, **given})

    async def _stream(self, db: Executor, given: dict[str, Any]) -> AsyncIterator[Any]:
        checked = self._checked(given)
        ask = self._watched if watchers else self._ask
        while rows := await ask(db, self.arguments.values(checked)):
            for record in self.records.all(rows):
                yield record
            # By rows, not by records: skipped ones are part of a page.
            if len(rows) < checked["page_size"]:
                return
            place = self.records.place(rows[-1])
            if place == checked["after"]:  # asyncpg sends the calendar's first time as -infinity
                raise DalError(
                    "a page ends where it began, so that the stream would never end",
                    query=self.statement.name,
                )
            checked["after"] = place

    async def _answer(self, db: Executor, checked: Mapping[str, Any]) -> Any:
        batch = self.arguments.batch
        nothing_to_send = batch is not None and not checked[batch]
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
        raise DalError("no row came back, but one was promised", query=self.statement.name)

    async def _watched(self, db: Executor, values: list[Any]) -> Any:
        writes = self.statement.counted
        with watched(Call(self.statement.name, db, writes)) as call:
            answer = await self._ask(db, values)
            if isinstance(answer, list):
                call.rows = len(answer)
            else:  # a number that was asked for is one row
                call.rows = answer if writes or self.shape is Shape.NOTHING else 1
        return answer

    async def _rows(self, db: Executor, values: list[Any]) -> list[Any]:
        rows: list[Any] = await self._run(db, db.fetch, values)
        while self.again and self._says(self.again, rows):
            rows = await self._run(db, db.fetch, values)
        for column, error in self.raises.items():
            if self._says(column, rows):
                raise error(query=self.statement.name)
        if self.absent and not rows:
            raise self.absent(query=self.statement.name)
        return rows

    def _says(self, column: str, rows: list[Any]) -> bool:
        try:
            return any(map(itemgetter(column), rows))
        except KeyError:
            complaint = f"the statement has no column {column}, which its stub speaks of"
        raise DalError(complaint, query=self.statement.name)

    async def _number(self, db: Executor, values: list[Any]) -> int:
        if self.statement.counted or self.shape is Shape.NOTHING:
            tag: str = await self._run(db, db.execute, values)
            return int(tag.rpartition(" ")[2]) if self.statement.counted else 0
        rows = await self._run(db, db.fetch, values)
        if len(rows) > 1:
            raise DalError("more than one row came back", query=self.statement.name)
        if rows and len(rows[0]) == 1 and isinstance(rows[0][0], int):
            return int(rows[0][0])
        raise DalError(
            "no number came back, but one was promised; cast it to bigint or boolean",
            query=self.statement.name,
        )

    async def _run(
        self, db: Executor, method: Callable[..., Awaitable[Any]], values: list[Any]
    ) -> Any:
        tries = 0
        while True:
            try:
                return await method(self.statement.text, *values)
            except Exception as error:
                failure = explain(error, self.statement.name, self.statement.parameters)
                if failure is None:
                    raise
            tries += 1
            if tries == _TRIES or not self._can_be_repeated(failure, db):
                break
        if meaning := self._meaning(failure.sqlstate):
            raise meaning(
                query=failure.query, sqlstate=failure.sqlstate, constraint=failure.constraint
            )
        raise failure

    def _can_be_repeated(self, failure: DalError, db: Executor) -> bool:
        # In a transaction of its own, a statement that conflicts has changed nothing.
        conflict = failure.sqlstate == SERIALIZATION_FAILURE
        return conflict and is_alone(db) and not self.statement.text.upper().startswith(_IN_PARTS)

    def _meaning(self, sqlstate: str | None) -> type[DalError] | None:
        if sqlstate == FOREIGN_KEY_VIOLATION:  # it found no parent
            return self.absent
        if sqlstate == DIVISION_BY_ZERO:  # on purpose, if there is something to raise
            return next(iter(self.raises.values()), None)
        return None
