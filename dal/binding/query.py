"""A SQL file and a typed stub become one async function."""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

from dal.binding.arguments import Arguments
from dal.binding.rows import Records, Shape, shape_of
from dal.binding.statement import BindingError, Statement, read_statement
from dal.database.executor import Executor
from dal.database.failures import FOREIGN_KEY_VIOLATION, translated
from dal.errors import ConflictError, DalError, NotFoundError

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
    ) -> Callable[[Stub], Stub]:
        """Bind a stub to a file.

        Parameters:
            file: path below the folder; `messages/history.sql` is the query `messages.history`.
            absent: raised where no row comes back, or a foreign key finds no parent.
            raises: a boolean column beside the record's, and the error to raise where it is true.

        Raises:
            BindingError: the stub and the file do not fit.
        """
        statement = read_statement(self._folder, file)

        def bind(stub: Stub) -> Stub:
            return cast(Stub, _Binding(statement, stub, absent, raises or {}).function(stub))

        return bind


class _Binding:
    """One stub and its statement, proven to fit."""

    def __init__(
        self,
        statement: Statement,
        stub: Callable[..., Any],
        absent: type[NotFoundError] | None,
        raises: Mapping[str, type[DalError]],
    ) -> None:
        def refuse(complaint: str) -> BindingError:
            return BindingError(f"{statement.path}: {complaint}")

        executor, *others = inspect.signature(stub).parameters.values()
        if executor.kind is not executor.POSITIONAL_OR_KEYWORD:
            raise refuse("the stub's first parameter is where to run")
        for parameter in others:
            if parameter.kind is not parameter.KEYWORD_ONLY:
                raise refuse(f"the stub's {parameter.name} must be keyword-only, after a `*`")
        hints = get_type_hints(stub, include_extras=True)
        for name in [parameter.name for parameter in others] + ["return"]:
            if name not in hints:
                raise refuse(f"the stub's {name} has no annotation")
        shape, record = shape_of(hints["return"], statement)
        if absent and shape not in (Shape.ONE, Shape.LIST):
            raise refuse("`absent` goes with a stub that returns T or list[T]")
        if inspect.iscoroutinefunction(stub) is (shape is Shape.PAGES):
            raise refuse("a stub is an `async def`; for AsyncIterator it is a plain `def`")
        self.defaults = {
            parameter.name: parameter.default
            for parameter in others
            if parameter.default is not parameter.empty
        }
        if shape is Shape.PAGES and not {"after", "page_size"} <= self.defaults.keys():
            raise refuse("an AsyncIterator needs `after` and `page_size`, with defaults")
        self.arguments = Arguments(statement, {one.name: hints[one.name] for one in others})
        self.records = Records(statement, record)
        self.statement, self.shape, self.absent, self.raises = statement, shape, absent, raises

    def function(self, stub: Callable[..., Any]) -> Callable[..., Any]:
        """The function that takes the stub's place."""
        if self.shape is Shape.PAGES:

            @functools.wraps(stub)
            def stream(db: Executor, **given: Any) -> AsyncIterator[Any]:
                return self.stream(db, {**self.defaults, **given})

            return stream

        @functools.wraps(stub)
        async def call(db: Executor, **given: Any) -> Any:
            return await self.call(db, {**self.defaults, **given})

        return call

    async def stream(self, db: Executor, given: Mapping[str, Any]) -> AsyncIterator[Any]:
        after = given["after"]
        while True:
            page = await self.call(db, {**given, "after": after})
            for record in page:
                yield record
            if len(page) < given["page_size"]:
                return
            after = page[-1].cursor

    async def call(self, db: Executor, given: Mapping[str, Any]) -> Any:
        values = self.arguments.values(given)
        if values is None:  # an empty batch
            return []
        if self.shape in _SCALARS:
            return _SCALARS[self.shape](await self.number(db, values))
        rows = await self.rows(db, values)
        if self.absent and not rows:
            raise self.absent(query=self.statement.name)
        if self.shape in (Shape.LIST, Shape.PAGES):
            return self.records.all(rows)
        if rows:
            return self.records.one(rows)
        if self.shape is Shape.OPTIONAL:
            return None
        raise DalError("no row came back, but one was promised", query=self.statement.name)

    async def number(self, db: Executor, values: list[Any]) -> int:
        if self.statement.counted:
            tag: str = await self.run(db.execute(self.statement.text, *values))
            return int(tag.rpartition(" ")[2])
        rows = await self.rows(db, values)
        return int(rows[0][0])

    async def rows(self, db: Executor, values: list[Any]) -> list[Any]:
        rows: list[Any] = await self.run(db.fetch(self.statement.text, *values))
        for column, error in self.raises.items():
            if any(row[column] for row in rows):
                raise error(query=self.statement.name)
        return rows

    async def run(self, work: Awaitable[Any]) -> Any:
        try:
            return await translated(work, self.statement.name)
        except ConflictError as failure:
            if self.absent is None or failure.sqlstate != FOREIGN_KEY_VIOLATION:
                raise
            absent = self.absent(
                query=failure.query, sqlstate=failure.sqlstate, constraint=failure.constraint
            )
        raise absent
