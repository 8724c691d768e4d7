"""The SQL files below a folder, bound to typed stubs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from dal.binding.arguments import Arguments
from dal.binding.binding import Binding, Signals
from dal.binding.errors import BindingError, binding_errors
from dal.binding.rows import RowReader
from dal.binding.statement import read_statement
from dal.binding.stub import read_stub
from dal.binding.variants import FilteredBinding
from dal.errors import DalError, NotFoundError

Stub = TypeVar("Stub", bound=Callable[..., Any])


class Queries:
    """The SQL files below a folder, as a decorator for typed stubs.

        query = Queries(Path(__file__).parent / "sql")

        @query("invoices/get.sql")
        async def get(db: Executor, *, user_id: str, number: int) -> Invoice | None:
            \"""One invoice of a user.\"""
            raise NotImplementedError

    The stub's first parameter is where to run; the others are keyword-only and name the file's
    parameters. Its return annotation says how rows are read; T is a Pydantic model, a dataclass, or
    the type of the value where there is one column:

    - `T`: the only row; where there is none, the error `not_found`.
    - `T | None`, `list[T]`: the only row or None; all the rows.
    - `AsyncIterator[T]`, from a plain `def`: pages of `page_size` rows that come after `after`,
      each read when it is needed, until one is not full.
    - `int`, `bool`: how many rows an INSERT, UPDATE or DELETE without RETURNING affected, and
      whether any; of any other statement, the only value.
    - `None`: nothing.

    A line that ends with `-- if :parameter` is sent only where that argument is set: see
    `dal.source.filters`.

    A column `"customer.id"` belongs to the field `customer`, which is a record, or a list of them:
    then rows that are equal in their other columns become one record.

    Attributes:
        folder: where the files are.
        bindings: what has been bound so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bindings: list[Binding] = []

    def __call__(
        self,
        file: str,
        *,
        not_found: type[NotFoundError] | None = None,
        raise_if: Mapping[str, type[DalError]] | None = None,
        retry_if: str | None = None,
        strict: bool = False,
    ) -> Callable[[Stub], Stub]:
        """Bind a stub to a file.

        Parameters:
            file: path below the folder; `messages/history.sql` is the query `messages.history`.
            not_found: raised where no row comes back, or a foreign key's parent is absent.
            raise_if: boolean columns beside the record's, each with the error to raise where it is
                true. To roll back its own writes, a statement may divide by zero; the caller then
                gets the first error of `raise_if`.
            retry_if: a boolean column; where it is true, the statement is run again. It is for a
                statement that may be repeated, and whose snapshot was older than the lock it
                waited for.
            strict: a malformed row raises even within `skipping_malformed_rows`. Use it where a
                skipped row would be mistaken for one that does not exist.

        Raises:
            BindingError: the stub and the file do not fit.
        """

        def bind(stub: Stub) -> Stub:
            try:
                statement = read_statement(self.folder, file)
                signature = read_stub(stub, statement)
                arguments = Arguments(statement, signature.hints)
                records = RowReader(statement, signature.record, strict)
                signals = Signals(not_found, raise_if or {}, retry_if)
                kind = FilteredBinding if statement.lines else Binding
                binding = kind(stub, statement, signature, arguments, records, signals)
            except BindingError as error:
                binding_errors.collect(error)
                return stub
            self.bindings.append(binding)
            return cast(Stub, binding.function())

        return bind
