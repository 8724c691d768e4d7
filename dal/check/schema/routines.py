"""The functions, operators and casts of a database, and which ones a call may mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dal.check.schema.builtins import DECIDING, LOOKED_AT, MAY_BE_NULL, NOT_LOOKED_AT
from dal.check.schema.types import LITERAL, NOT_KNOWN, Types

MANY = 100  # more than a function takes


@dataclass(frozen=True, slots=True)
class Routine:
    """A function, or what an operator or a cast calls.

    Attributes:
        schema: where it, or its operator, is.
        visible: the search path has that schema.
        kind: as in pg_proc.
        own: it is PostgreSQL's.
        strict: it gives NULL for a NULL.
        takes, gives: types.
        source: what PostgreSQL's own ones call.
    """

    schema: str
    visible: bool
    kind: str
    own: bool
    strict: bool
    set_returning: bool
    takes: tuple[int, ...]
    gives: int
    defaults: int
    variadic: bool
    source: str

    @property
    def deciding(self) -> int | None:
        """How many of the first arguments must not be NULL for it not to be; None: who knows."""
        if not self.own or not self.source or self.set_returning:
            return None
        if self.source in DECIDING:
            return DECIDING[self.source]
        if not self.strict or self.source in MAY_BE_NULL:
            return None
        unseen = self.source.startswith(NOT_LOOKED_AT) and self.source not in LOOKED_AT
        return None if unseen else MANY

    def formal(self, types: Types, count: int) -> tuple[int, ...] | None:
        """The types that it takes if it is called with so many arguments, or None."""
        formal = self.takes
        if self.variadic and count >= len(formal) - 1:
            last = formal[-1]
            element = types.element(last) or {2277: 2283, 5078: 5077}.get(last, 2276)
            formal = (*formal[:-1], *[element] * (count - len(formal) + 1))
        return formal if len(formal) - self.defaults <= count <= len(formal) else None


class Routines:
    """The functions, operators and casts of a database.

    Parameters:
        functions, operators: all of them, by name.
        casts: the function of each, by the types from and to; None for one that needs none.
        types: all of them.
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
        """All functions that a name may mean."""
        return [routine for routine in self._functions.get(name, ()) if _found(routine, schema)]

    def calls(self, schema: str, name: str, given: list[int]) -> list[Routine]:
        """The functions that a call with arguments of these types may mean."""
        return self._meant(self.functions(schema, name), given)

    def operators(self, name: str, given: list[int]) -> list[Routine]:
        """The functions that an operator between such operands may mean."""
        schema, _, symbol = name.rpartition(".")
        if LITERAL in given and len(given) == 2:  # it is first taken for the other's type
            other = self.types.base(given[given[0] == LITERAL])
            alike = self._meant(self._of(schema, symbol), [other, other])
            if other not in (NOT_KNOWN, LITERAL) and self._exact(alike, [other, other]):
                return alike
        return self._meant(self._of(schema, symbol), given)

    def casts(self, source: int, target: int) -> list[Routine] | None:
        """The functions that a cast may call, or None where it is not known."""
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

    def result(self, meant: Iterable[Routine], given: Sequence[int]) -> int:
        """The type that functions give for arguments of these types, or 0 if it may be several."""
        types = {self.types.result(routine.gives, [*routine.takes], [*given]) for routine in meant}
        return types.pop() if len(types) == 1 else NOT_KNOWN

    def _of(self, schema: str, symbol: str) -> list[Routine]:
        return [routine for routine in self._operators.get(symbol, ()) if _found(routine, schema)]

    def _meant(self, candidates: Iterable[Routine], given: list[int]) -> list[Routine]:
        """Those that PostgreSQL may choose, by the rules that its manual has in chapter 10."""
        types = self.types
        given = [types.base(type_) for type_ in given]
        fitting = [
            (routine, formal)
            for routine in candidates
            if (formal := routine.formal(types, len(given))) is not None
            and all(map(types.fits, given, formal))
        ]
        if NOT_KNOWN in given:
            return [routine for routine, _ in fitting]
        if LITERAL not in given and (exact := [fit for fit in fitting if [*fit[1]] == given]):
            return [routine for routine, _ in exact]
        known = [place for place, type_ in enumerate(given) if type_ != LITERAL]
        for fair in (types.same, types.preferred):
            scores = [sum(fair(given[n], formal[n]) for n in known) for _, formal in fitting]
            best = max(scores, default=0)
            fitting = [fit for fit, score in zip(fitting, scores, strict=True) if score == best]
        for place in set(range(len(given))) - set(known):
            texts = [fit for fit in fitting if types.text(fit[1][place])]
            fitting = texts or fitting
        return [routine for routine, _ in fitting]

    def _exact(self, candidates: list[Routine], given: list[int]) -> bool:
        return all(list(routine.takes) == given for routine in candidates) and bool(candidates)


def _found(routine: Routine, schema: str) -> bool:
    return routine.schema == schema if schema else routine.visible
