"""A SQL file and a typed stub become one async function."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from dal.binding.arguments import Arguments
from dal.binding.rows import Records, Shape
from dal.binding.statement import BindingError, Statement, read_statement
from dal.binding.stub import Signature, read_stub
from dal.database.executor import Executor
from dal.database.failures import DIVISION_BY_ZERO, FOREIGN_KEY_VIOLATION, translated
from dal.errors import DalError, NotFoundError

Stub = TypeVar("Stub", bound=Callable[..., Any])

_SCALARS: dict[Shape, Callable[[int], Any]] = {
    Shape.NUMBER: int,
    Shape.FLAG: bool,
    Shape.NOTHING: lambda _: None,
}


class Queries:
    """The SQL files below a folder, as a decorator for typed stubs.

        query = Queries(Path(__file__).parent / "sql")

        @query("invoices/get.sql")
        async def get(db: Executor, *, user_id: str, number: int) -> Invoice | None:
            \"""One invoice of a user.\"""
            raise NotImplementedError

    The stub's first parameter is where to run; the others are keyword-only and name the file's
    parameters. Its return annotation says how rows are read; T is a Pydantic model:

    - `T`: the only row; where there is none, the error `absent`.
    - `T | None`, `list[T]`: the only row or None; all the rows.
    - `AsyncIterator[T]`, from a plain `def`: pages of `page_size` rows that come after `after`,
      each asked for when it is needed, until one is not full.
    - `int`, `bool`: how many rows an INSERT, UPDATE or DELETE affected, and whether any; of any
      other statement, the only value.
    - `None`: nothing.

    Parameters:
        folder: where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self,
        file: str,
        *,
        absent: type[NotFoundError] | None = None,
        raises: Mapping[str, type[DalError]] | None = None,
        again: str | None = None,
    ) -> Callable[[Stub], Stub]:
        """Bind a stub to a file.

        Parameters:
            file: path below the folder; `messages/history.sql` is the query `messages.history`.
            absent: raised where no row comes back, or a foreign key finds no parent.
            raises: a boolean column beside the record's, and the error to raise where it is true.
                A statement that must undo itself divides by zero, which raises the first of them.
            again: a boolean column; where it is true, the statement is run again. It is for one
                that can be repeated, and whose snapshot was older than the lock it waited for.

        Raises:
            BindingError: the stub and the file do not fit.
        """
        statement = read_statement(self._folder, file)

        def bind(stub: Stub) -> Stub:
            binding = _Binding(statement, read_stub(stub, statement), absent, raises or {}, again)
            return cast(Stub, binding.function(stub))

        return bind


class _Binding:
    """One stub and its statement, proven to fit."""

    def __init__(
        self,
        statement: Statement,
        signature: Signature,
        absent: type[NotFoundError] | None,
        raises: Mapping[str, type[DalError]],
        again: str | None,
    ) -> None:
        self.statement, self.absent, self.raises, self.again = statement, absent, raises, again
        self.shape, self.defaults = signature.shape, signature.defaults
        self.arguments = Arguments(statement, signature.hints)
        self.records = Records(statement, signature.record)
        if absent and self.shape not in (Shape.ONE, Shape.LIST):
            raise BindingError(f"{statement.path}: `absent` goes with a stub of T or list[T]")
        if (raises or again) and self.shape in _SCALARS:
            raise BindingError(f"{statement.path}: `raises` and `again` go with a stub of records")

    def function(self, stub: Callable[..., Any]) -> Callable[..., Any]:
        """The function that takes the stub's place."""
        if self.shape is Shape.PAGES:

            @functools.wraps(stub)
            def stream(db: Executor, **given: Any) -> AsyncIterator[Any]:
                return self.stream(db, given)

            return stream

        @functools.wraps(stub)
        async def call(db: Executor, **given: Any) -> Any:
            return await self.answer(db, self.checked(given))

        return call

    def checked(self, given: dict[str, Any]) -> dict[str, Any]:
        return self.arguments.checked({**self.defaults, **given})

    async def stream(self, db: Executor, given: dict[str, Any]) -> AsyncIterator[Any]:
        checked = self.checked(given)
        while page := await self.answer(db, checked):
            for record in page:
                yield record
            if len(page) < checked["page_size"]:
                return
            checked["after"] = page[-1].cursor

    async def answer(self, db: Executor, checked: Mapping[str, Any]) -> Any:
        batch = self.arguments.batch
        nothing_to_send = batch is not None and not checked[batch]
        values = self.arguments.values(checked)
        if self.shape in _SCALARS:
            return _SCALARS[self.shape](0 if nothing_to_send else await self.number(db, values))
        if self.shape is Shape.LIST and nothing_to_send:
            return []
        rows = await self.run(db.fetch, values)
        while self.again and self.says(self.again, rows):
            rows = await self.run(db.fetch, values)
        for column, error in self.raises.items():
            if self.says(column, rows):
                raise error(query=self.statement.name)
        if self.absent and not rows:
            raise self.absent(query=self.statement.name)
        if self.shape in (Shape.LIST, Shape.PAGES):
            return self.records.all(rows)
        if rows:
            return self.records.one(rows)
        if self.shape is Shape.OPTIONAL:
            return None
        raise DalError("no row came back, but one was promised", query=self.statement.name)

    def says(self, column: str, rows: list[Any]) -> bool:
        try:
            return any(row[column] for row in rows)
        except KeyError:
            complaint = f"the statement has no column {column}, which its stub speaks of"
        raise DalError(complaint, query=self.statement.name)

    async def number(self, db: Executor, values: list[Any]) -> int:
        if self.statement.counted or self.shape is Shape.NOTHING:
            tag: str = await self.run(db.execute, values)
            return int(tag.rpartition(" ")[2]) if self.statement.counted else 0
        rows = await self.run(db.fetch, values)
        if rows and len(rows[0]) == 1 and isinstance(rows[0][0], int):
            return int(rows[0][0])
        raise DalError(
            "no number came back, but one was promised; cast it to bigint or boolean",
            query=self.statement.name,
        )

    async def run(self, method: Callable[..., Awaitable[Any]], values: list[Any]) -> Any:
        try:
            return await translated(method, self.statement.text, *values, query=self.statement.name)
        except DalError as failure:
            meaning = self.meaning(failure.sqlstate)
            if meaning is None:
                raise
            error = meaning(
                query=failure.query, sqlstate=failure.sqlstate, constraint=failure.constraint
            )
        raise error

    def meaning(self, sqlstate: str | None) -> type[DalError] | None:
        if sqlstate == FOREIGN_KEY_VIOLATION:  # it found no parent
            return self.absent
        if sqlstate == DIVISION_BY_ZERO:  # on purpose, if there is something to raise
            return next(iter(self.raises.values()), None)
        return None
