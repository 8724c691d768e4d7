"""A statement with lines that may be absent: each subset of them is a text of its own."""

import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from dal.binding import filters
from dal.binding.arguments import Arguments
from dal.binding.binding import Binding
from dal.binding.shapes import Shape
from dal.binding.statement import BindingError, Statement, parsed
from dal.binding.stub import Signature, plain_signature
from dal.database.executor import Executor


class FilteredBinding(Binding):
    """A stub and a statement with `-- if` lines.

    Parameters:
        lines: those of the statement.
        binding: as for `Binding`.
    """

    def __init__(
        self,
        lines: Sequence[filters.Line],
        stub: Callable[..., Any],
        statement: Statement,
        signature: Signature,
        arguments: Arguments,
        *binding: Any,
    ) -> None:
        super().__init__(stub, statement, signature, arguments, *binding)
        self._names = tuple(dict.fromkeys(line.parameter for line in lines))
        self._flags = {*self._names}.difference(statement.parameters)
        self._by_names: dict[tuple[str, ...], Binding] = {}
        for names in filters.subsets(self._names):
            absent = [name for name in self._names if name not in names]
            sql = filters.without(statement.sql, lines, absent)
            variant = parsed(statement.path, statement.name, sql, names)
            self._by_names[names] = Binding(
                stub, variant, signature, arguments.of(variant), *binding
            )
        self._check()

    @property
    def variants(self) -> Sequence[Binding]:
        """One for each subset of the lines."""
        return list(self._by_names.values())

    def function(self) -> Callable[..., Any]:
        """The function that takes the stub's place."""

        async def stream(db: Executor, **given: Any) -> AsyncIterator[Any]:
            checked = self._checked(given)
            async for record in self._chosen(checked)._stream(db, checked):
                yield record

        async def call(db: Executor, **given: Any) -> Any:
            checked = self._checked(given)
            return await self._chosen(checked)._answer(db, checked)

        own = stream if self.shape is Shape.PAGES else call
        function = functools.wraps(self.stub)(own)
        function.__signature__ = plain_signature(self.stub)  # type: ignore[attr-defined]
        return function

    def _chosen(self, checked: Mapping[str, Any]) -> Binding:
        there = (
            name
            for name in self._names
            if (checked[name] if name in self._flags else checked[name] is not None)
        )
        return self._by_names[tuple(there)]

    def _check(self) -> None:
        """See that the stub fits the lines.

        Raises:
            BindingError: it does not.
        """
        least = self._by_names[()].statement.parameters
        for name in self._names:
            problem = ""
            if name not in self.hints:
                problem = f"`-- if :{name}` is in the file, but not in the stub"
            elif name not in self.defaults or self.defaults[name] is not None:
                problem = f"{name} needs the default None, with which its lines are absent"
            elif name in least:
                problem = f":{name} stands outside of its `-- if` lines, too"
            elif name in self._flags and not _is_flag(self.hints[name]):
                problem = f"no line has :{name}; only a bool needs none"
            if problem:
                raise BindingError(f"{self.statement.path}: {problem}")


def _is_flag(hint: Any) -> bool:
    return hint in (bool, bool | None)
