"""Random expressions over relations, by type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Columns: TypeAlias = Mapping[str, str]
"""Names, and each one's type: int, text or bool."""

_PARAMETERS = {"int": ":n::int", "text": ":text::text", "bool": ":flag::boolean"}
_LITERALS = {"int": "012", "text": ("'a'", "'ada'", "''"), "bool": ("true", "false")}


@dataclass(frozen=True)
class Relation:
    """What stands in FROM: its text, how its columns are written, and each one's type."""

    text: str
    name: str
    columns: Columns


class Expressions:
    """Makes expressions; the same seed makes the same."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._exact = True  # for the same rows a statement gives the same

    def _select_of(
        self, kinds: Sequence[str], depth: int, outer: Sequence[Relation]
    ) -> tuple[str, Columns]:
        raise NotImplementedError

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, options: Sequence):  # type: ignore[type-arg,no-untyped-def]
        return self._random.choice(options)

    def _spelled(self, name: str) -> str:
        """A name as someone may write it; in quotes it stays as it is."""
        if '"' in name or not self._chance(0.3):
            return name
        return ".".join(
            self._pick([part.upper(), part.title(), f'"{part.lower()}"'])
            for part in name.split(".")
        )

    def _written(self, relation: Relation, column: str) -> str:
        return f"{self._spelled(relation.name)}.{self._spelled(column)}"

    def _column(self, kind: str, relations: Sequence[Relation]) -> str | None:
        columns = [
            self._written(relation, name)
            for relation in relations
            for name, type_ in relation.columns.items()
            if type_ == kind
        ]
        return self._pick(columns) if columns else None

    def _value(self, kind: str, visible: Sequence[Relation], depth: int) -> str:
        column = self._column(kind, visible)
        dice = self._random.random()
        if column and dice < 0.5:
            return column
        if dice < 0.58:
            return _PARAMETERS[kind] if self._chance(0.4) else str(self._pick(_LITERALS[kind]))
        if depth > 0 and dice < 0.68:
            return self._subselect(kind, visible, depth)

        def part(kind: str) -> str:
            return (
                self._value(kind, visible, depth - 2) if depth > -1 else self._leaf(kind, visible)
            )

        if dice < 0.76:
            return f"coalesce({part(kind)}, {part(kind)})"
        if dice < 0.82:
            default = f" ELSE {part(kind)}" if self._chance(0.6) else ""
            return f"CASE WHEN {part('bool')} THEN {part(kind)}{default} END"
        if kind == "int":
            forms = ["({a} + {b})", "length({t})", "nullif({a}, {b})", "greatest({a}, {b})"]
            form = self._pick([*forms, "abs({a})", "cardinality(ARRAY[{a}, {b}])", "{b}::int"])
        elif kind == "text":
            forms = ["({t} || {u})", "upper({t})", "lower({t})", "{a}::text", "concat({t}, {u})"]
            form = self._pick([*forms, "substr({t}, 1, 2)", "nullif({t}, {u})", "trim({t})"])
        else:
            forms = ["{a} = {b}", "{t} = {u}", "{a} < {b}", "({a} IS NULL)", "({t} IS NOT NULL)"]
            forms += ["NOT ({a} = {b})", "{a} IN ({b}, 1)", "({a} = {b} OR {t} = {u})"]
            forms += ["({a} = {b} AND {t} IS NOT NULL)", "{t} LIKE {u}", "{a} BETWEEN {b} AND 3"]
            form = self._pick([*forms, "{a} = ANY (:ids)", "({a} IS DISTINCT FROM {b})"])
            form = f"({form})"
        return str(form).format(a=part("int"), b=part("int"), t=part("text"), u=part("text"))

    def _leaf(self, kind: str, visible: Sequence[Relation]) -> str:
        return self._column(kind, visible) or str(self._pick(_LITERALS[kind]))

    def _subselect(self, kind: str, visible: Sequence[Relation], depth: int) -> str:
        if kind == "bool":
            inner, _ = self._select_of(["int"], depth - 1, visible)
            if self._chance(0.5):
                return f"EXISTS ({inner})"
            return f"({self._leaf('int', visible)} {self._pick(['IN', 'NOT IN'])} ({inner}))"
        inner, _ = self._select_of([kind], depth - 1, visible)
        if " LIMIT " in inner:
            return f"(SELECT max(s.c0) FROM ({inner}) AS s)"
        return f"({inner} ORDER BY 1 LIMIT 1)" if "GROUP BY" not in inner else f"({inner} LIMIT 1)"

    def _aggregate(self, kind: str, relations: Sequence[Relation]) -> str:
        value = self._value(kind, relations, 0)
        filter_ = ""
        if self._chance(0.15):
            filter_ = f" FILTER (WHERE {self._value('bool', relations, 0)})"
        if kind == "int":
            forms = [f"count({value})", "count(*)", f"sum({value})", f"min({value})"]
            return str(self._pick([*forms, f"max({value})"])) + filter_
        if kind == "text":
            return (
                str(self._pick([f"string_agg({value}, ',' ORDER BY {value})", f"max({value})"]))
                + filter_
            )
        return str(self._pick([f"bool_and({value})", f"bool_or({value})"])) + filter_

    def _item(self, kind: str, visible: Sequence[Relation], depth: int) -> str:
        if not self._chance(0.12):
            return self._value(kind, visible, depth)
        partition, order = self._column("text", visible), self._column("int", visible)
        over = " ".join(
            [
                *([f"PARTITION BY {partition}"] if partition and self._chance(0.5) else []),
                *([f"ORDER BY {order}"] if order and self._chance(0.6) else []),
            ]
        )
        if kind == "int" and self._chance(0.3):
            return f"{self._pick(['rank', 'dense_rank'])}() OVER ({over})"
        if self._chance(0.3):
            self._exact = False
            frame = self._pick(["", " ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING"])
            value = self._value(kind, visible, 0)
            function = self._pick(["lag", "lead", "first_value", "last_value"])
            return f"{function}({value}) OVER ({over}{frame})"
        aggregate = self._aggregate(kind, visible)
        if "string_agg" in aggregate:
            return self._value(kind, visible, depth)
        return f"{aggregate} OVER ({over})"
