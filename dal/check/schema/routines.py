"""The functions, operators and casts of a database, and which of them a call may choose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dal.check.schema.builtins import CHECKED, DECIDING, MAY_BE_NULL, UNCHECKED_PREFIXES
from dal.check.schema.types import (
    ANY,
    ANYARRAY,
    ANYCOMPATIBLE,
    ANYCOMPATIBLEARRAY,
    ANYELEMENT,
    LITERAL,
    NOT_KNOWN,
    Types,
)

ALL_ARGUMENTS = 100  # more arguments than a function takes
_ELEMENTS = {ANYARRAY: ANYELEMENT, ANYCOMPATIBLEARRAY: ANYCOMPATIBLE}


@dataclass(frozen=True, slots=True)
class Routine:
    """A function, or the function of an operator or a cast.

    Attributes:
        schema: the schema of it or of its operator.
        visible: whether that schema is on the search path.
        kind: pg_proc.prokind.
        builtin: whether it is PostgreSQL's own.
        strict: whether it returns NULL for a NULL.
        argument_types, result_type: the types of its arguments and its result.
        source: pg_proc.prosrc of an internal function, the name of one in SQL, else empty.
    """

    schema: str
    visible: bool
    kind: str
    builtin: bool
    strict: bool
    set_returning: bool
    argument_types: tuple[int, ...]
    result_type: int
    defaults: int
    variadic: bool
    source: str

    @property
    def deciding(self) -> int | None:
        """How many leading arguments must be non-NULL for a non-NULL result; None if unknown."""
        if not self.builtin or not self.source or self.set_returning:
            return None
        if self.source in DECIDING:
            return DECIDING[self.source]
        if not self.strict or self.source in MAY_BE_NULL:
            return None
        is_unknown = self.source.startswith(UNCHECKED_PREFIXES) and self.source not in CHECKED
        return None if is_unknown else ALL_ARGUMENTS

    def formal(self, types: Types, count: int) -> tuple[int, ...] | None:
        """The types of its parameters in a call with `count` arguments, or None."""
        formal = self.argument_types
        if self.variadic and count >= len(formal) - 1:
            last = formal[-1]
            element = types.element(last) or _ELEMENTS.get(last, ANY)
            formal = (*formal[:-1], *[element] * (count - len(formal) + 1))
        return formal if len(formal) - self.defaults <= count <= len(formal) else None


class Routines:
    """The functions, operators and casts of a database.

    Parameters:
        functions, operators: the functions, by the name of the function or operator.
        casts: the function of each cast, by source and target type; None if it needs none.
        types: the types.
    """

    def __init__(
        self,
        functions: Mapping[str, Sequence[Routine]] | None = None,
        operators: Mapping[str, Sequence[Routine]] | None = None,
        casts: Mapping[tuple[int, int], Routine | None] | None = None,
        types: Types | None = None,
    ) -> None:
        self._functions, self._operators = functions or {}, operators or {}
        self._casts, self.types = casts or {}, types or Types({}, ())

    def functions(self, schema: str, name: str) -> list[Routine]:
        """All functions of a name."""
        return [
            routine for routine in self._functions.get(name, ()) if _matches_schema(routine, schema)
        ]

    def calls(self, schema: str, name: str, actual: list[int]) -> list[Routine]:
        """The functions that a call with arguments of these types may choose."""
        return self._resolve(self.functions(schema, name), actual)

    def operators(self, name: str, actual: list[int]) -> list[Routine]:
        """The functions that an operator between operands of these types may choose."""
        schema, _, symbol = name.rpartition(".")
        if LITERAL in actual and len(actual) == 2:  # a literal first takes the other operand's type
            operand_type = self.types.base(actual[actual[0] == LITERAL])
            resolved = self._resolve(
                self._operators_called(schema, symbol), [operand_type, operand_type]
            )
            if operand_type not in (NOT_KNOWN, LITERAL) and self._exact(
                resolved, [operand_type, operand_type]
            ):
                return resolved
        return self._resolve(self._operators_called(schema, symbol), actual)

    def casts(self, source: int, target: int) -> list[Routine] | None:
        """The functions that a cast may call, or None if they are not known."""
        source, target = self.types.base(source), self.types.base(target)
        if target == NOT_KNOWN:
            return None
        if source == NOT_KNOWN:
            return [routine for (_, to), routine in self._casts.items() if to == target and routine]
        elements = self.types.element(source), self.types.element(target)
        if (source, target) not in self._casts and all(elements):
            source, target = elements
        routine = self._casts.get((source, target))
        return [routine] if routine else []

    def result(self, candidates: Iterable[Routine], actual: Sequence[int]) -> int:
        """The type that functions return for arguments of these types, or 0 if not unique."""
        types = {
            self.types.result(routine.result_type, [*routine.argument_types], [*actual])
            for routine in candidates
        }
        return types.pop() if len(types) == 1 else NOT_KNOWN

    def _operators_called(self, schema: str, symbol: str) -> list[Routine]:
        return [
            routine
            for routine in self._operators.get(symbol, ())
            if _matches_schema(routine, schema)
        ]

    def _resolve(self, candidates: Iterable[Routine], actual: list[int]) -> list[Routine]:
        """The candidates that PostgreSQL may choose, by the rules of its manual's chapter 10."""
        types = self.types
        actual = [types.base(type_) for type_ in actual]
        fitting = [
            (routine, formal)
            for routine in candidates
            if (formal := routine.formal(types, len(actual))) is not None
            and all(map(types.fits, actual, formal))
        ]
        if NOT_KNOWN in actual:
            return [routine for routine, _ in fitting]
        if LITERAL not in actual and (exact := [fit for fit in fitting if [*fit[1]] == actual]):
            return [routine for routine, _ in exact]
        known = [place for place, type_ in enumerate(actual) if type_ != LITERAL]
        for matches in (types.same, types.preferred):
            scores = [sum(matches(actual[n], formal[n]) for n in known) for _, formal in fitting]
            best = max(scores, default=0)
            fitting = [fit for fit, score in zip(fitting, scores, strict=True) if score == best]
        for place in set(range(len(actual))) - set(known):
            texts = [fit for fit in fitting if types.text(fit[1][place])]
            fitting = texts or fitting
        return [routine for routine, _ in fitting]

    def _exact(self, candidates: list[Routine], actual: list[int]) -> bool:
        return all(list(routine.argument_types) == actual for routine in candidates) and bool(
            candidates
        )


def _matches_schema(routine: Routine, schema: str) -> bool:
    return routine.schema == schema if schema else routine.visible
