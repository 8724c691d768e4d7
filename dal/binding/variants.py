"""Statements with `-- if` lines, which may be absent: each subset of the lines is a variant."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dal.binding.arguments import Arguments
from dal.binding.binding import Binding
from dal.binding.errors import BindingError
from dal.binding.statement import Statement
from dal.binding.stub import Signature


class FilteredBinding(Binding):
    """A stub and a statement with `-- if` lines."""

    def __init__(
        self,
        stub: Callable[..., Any],
        statement: Statement,
        signature: Signature,
        arguments: Arguments,
        *others: Any,
    ) -> None:
        super().__init__(stub, statement, signature, arguments, *others)
        self._switches, self._flags = statement.switches, statement.flags
        self._variants = {
            names: Binding(stub, variant, signature, arguments.of(variant), *others)
            for names, variant in statement.variants().items()
        }
        for name in self._switches:
            if problem := self._problem(name):
                raise BindingError(statement.path, problem)

    @property
    def variants(self) -> Sequence[Binding]:
        """A binding for each subset of the lines."""
        return list(self._variants.values())

    def _variant(self, checked: Mapping[str, Any]) -> Binding:
        names = (
            name
            for name in self._switches
            if (checked[name] if name in self._flags else checked[name] is not None)
        )
        return self._variants[tuple(names)]

    def _problem(self, name: str) -> str | None:
        """What is wrong between a parameter of the stub and its `-- if` lines."""
        if name not in self.hints:
            return f"`-- if :{name}` is in the file, but not in the stub"
        is_flag, hint, default = name in self._flags, self.hints[name], self.defaults.get(name, ...)
        if is_flag and hint not in (bool, bool | None):
            return f"{name} is in no condition, only in `-- if`, so it must be bool or bool | None"
        fitting = [None] if not is_flag else [False] if hint is bool else [False, None]
        if not any(default is value for value in fitting):
            return f"{name} needs the default {fitting[0]}, which leaves its lines out"
        if name in self._variants[()].statement.parameters:
            return f":{name} is also used outside of its `-- if` lines"
        return None
