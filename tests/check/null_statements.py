"""Random statements over the tables of `nullable_rows`, which are NULL wherever they can be.

They are about types, functions, joins and groups; whose rows they read is no matter here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

T = TypeVar("T")
Columns = Mapping[str, str]
TABLES: Mapping[str, Columns] = {
    "a": {
        "id": "int", "n": "int", "x": "int", "s": "text", "t": "text", "flag": "bool",
        "at": "time", "doc": "json", "tags": "list", "words": "list", "span": "range",
        "price": "num",
    },
    "b": {"id": "int", "a_id": "int", "y": "int", "n": "int"},
    "v": {"id": "int", "n": "int", "x": "int"},
    "outer_v": {"id": "int", "b_id": "int"},
    "nested": {"id": "int", "x": "int", "c": "int"},
    "apart.a": {"id": "int", "n": "int"},
    "apart.alone": {"id": "int", "x": "int"},
    "hidden": {"id": "int"},
    "parent": {"x": "int", "y": "int", "tags": "list"},
    "part": {"id": "int", "kind": "int"},
    "of_domain": {"id": "int", "f": "int", "w": "text"},
    "before": {"id": "int", "later": "int"},
}  # fmt: skip
KINDS = ("int", "int", "text", "bool", "time", "json", "list", "num")
_LITERALS = {
    "int": ("0", "1", "3", "NULL::int", "$1::int"),
    "text": ("''", "'a'", "'a,b'", "NULL", "$2::text"),
    "bool": ("true", "false", "NULL::bool"),
    "time": ("now()", "'infinity'::timestamptz", "NULL::timestamptz"),
    "json": ("'{}'::jsonb", "'null'::jsonb", "'[1, null]'::jsonb", "NULL::jsonb"),
    "list": ("'{}'::text[]", "'{a,NULL}'::text[]", "'{b}'::text[]", "NULL::text[]"),
    "range": ("'empty'::int4range", "'[1,)'::int4range", "NULL::int4range"),
    "num": ("1.5", "'NaN'::numeric", "NULL::numeric"),
}
_FORMS = {
    "int": (
        "{int} + {int}", "{int} * {int}", "-{int}", "abs({int})", "length({text})",
        "cardinality({list})", "array_length({list}, 1)", "array_position({list}, {text})",
        "position({text} IN {text})", "nullif({int}, {int})", "greatest({int}, {int})",
        "jsonb_array_length({json})", "lower({range})", "num_nulls({int}, {text})",
        "extract(epoch FROM {time})::int", "extract(day FROM {time})::int", "{num}::int",
        "({json} ->> 'k')::int", "ascii({text})", "(ARRAY[{int}, {int}])[{int}]",
        "round({num})::int", "scale({num})", "({bool})::int", "strpos({text}, {text})",
    ),
    "text": (
        "upper({text})", "lower({text})", "{text} || {text}", "{text} || {int}", "trim({text})",
        "substring({text} FROM 1 FOR 2)", "substring({text} FROM 'a')", "concat({text}, {int})",
        "concat_ws({text}, {text})", "format('%s', {text})", "split_part({text}, ',', 1)",
        "to_char({int}, '99')", "to_char({time}, 'YYYY')", "{json} ->> 'k'", "({list})[1]",
        "replace({text}, 'a', 'b')", "md5({text})", "array_to_string({list}, ',')",
        "{int}::text", "{json}::text", "quote_nullable({text})", "nullif({text}, {text})",
        "jsonb_typeof({json})", "left({text}, {int})", "coalesce({text}, {text})",
    ),
    "bool": (
        "{int} = {int}", "{text} = {text}", "{int} IS NULL", "{text} IS NOT NULL",
        "NOT ({bool})", "({bool}) AND ({bool})", "({bool}) OR ({bool})", "{text} LIKE {text}",
        "{int} IN ({int}, {int})", "{int} = ANY (ARRAY[{int}, {int}])", "{text} = ANY ({list})",
        "{text} <> ALL ({list})", "{int} BETWEEN {int} AND {int}", "{json} @> {json}",
        "{list} && {list}", "{list} @> {list}", "({bool}) IS TRUE", "({bool}) IS NOT FALSE",
        "({int}, {text}) = ({int}, {text})", "({int}, {int}) < ({int}, {int})",
        "{int} IS DISTINCT FROM {int}", "{time} > {time}", "{range} @> {int}", "{json} ? 'k'",
        "lower({text}) <> 'q'", "{int} + {int} > 0", "({int}, {text}) IS NOT NULL",
        "{int} NOT IN ({int}, 1)", "({int}, {int}) IN (({int}, 1), (2, {int}))",
        "ROW ({int}, {text}) IS NULL",
    ),
    "time": (
        "{time} + interval '1 day'", "date_trunc('day', {time})", "greatest({time}, {time})",
        "coalesce({time}, now())", "{time} - {int} * interval '1 hour'", "to_timestamp({int})",
    ),
    "json": (
        "{json} -> 'k'", "to_jsonb({text})", "jsonb_build_object('k', {int})",
        "{json} || {json}", "jsonb_build_array({text}, {int})", "{json} #> '{{k}}'",
        "coalesce({json}, '{{}}')", "jsonb_set({json}, '{{k}}', {json})", "to_jsonb({int})",
    ),
    "list": (
        "ARRAY[{text}, {text}]", "{list} || {list}", "{list} || {text}", "({list})[1:{int}]",
        "array_remove({list}, NULL)", "array_remove({list}, {text})",
        "array_append({list}, {text})",
        "string_to_array({text}, ',')", "coalesce({list}, '{{}}')", "array_cat({list}, {list})",
        "string_to_array({text}, ',', 'a')", "array_replace({list}, 'a', {text})",
    ),
    "range": ("int4range({int}, NULL)", "{range} * {range}", "coalesce({range}, 'empty')"),
    "num": ("{num} + {num}", "round({num}, 1)", "{int}::numeric", "to_number({text}, '9')",
            "coalesce({num}, 0)", "sign({num})"),
}  # fmt: skip
_AGGREGATES = {
    "int": ("count({int})", "count(*)", "sum({int})::int", "max({int})", "min({int})",
            "bit_or({int})", "sum({int} + {int})::int", "count(DISTINCT {text})"),
    "text": ("string_agg({text}, ',')", "max({text})", "string_agg({int}::text, {text})",
             "min({text})"),
    "bool": ("bool_and({bool})", "bool_or({bool})", "every({bool})"),
    "time": ("max({time})", "min({time})"),
    "json": ("jsonb_agg({int})", "jsonb_agg({text})", "jsonb_object_agg('k', {int})"),
    "list": ("array_agg({text})", "array_agg({int}::text)", "max({list})"),
    "num": ("avg({int})", "sum({num})", "stddev({int})", "avg({num})",
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY {int})::numeric"),
    "range": ("max({range})",),
}  # fmt: skip
_WINDOWS = {
    "int": ("row_number()", "rank()", "lag({int})", "lag({int}, 1, {int})", "first_value({int})",
            "last_value({int})", "nth_value({int}, 2)", "sum({int})", "count(*)", "max({int})",
            "lead({int}, 2)", "ntile(2)"),
    "text": ("lag({text}, 1, {text})", "first_value({text})", "max({text})",
             "string_agg({text}, ',')"),
}  # fmt: skip
_FRAMES = (
    "", "", "ORDER BY {int}", "PARTITION BY {int}", "ORDER BY {int} ROWS 1 PRECEDING",
    "ORDER BY {int} ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
    "ORDER BY {int} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ORDER BY {int} ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE CURRENT ROW",
    "ORDER BY {int} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
)  # fmt: skip
_SETS = (
    ("generate_series(1, {int}) AS {alias} (i)", {"i": "int"}),
    ("unnest({list}) AS {alias} (w)", {"w": "text"}),
    ("unnest(ARRAY[{int}, 1]) WITH ORDINALITY AS {alias} (i, place)", {"i": "int", "place": "int"}),
    ("jsonb_each({json}) AS {alias}", {"key": "text", "value": "json"}),
    ("regexp_split_to_table({text}, ',') AS {alias} (w)", {"w": "text"}),
)


@dataclass(frozen=True)
class Relation:
    """What stands in FROM: its name there, and its columns' types."""

    name: str
    columns: Columns


class Maker:
    """Makes one statement; the same seed makes the same."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._number = 0
        self._ctes: dict[str, Columns] = {}

    def statement(self) -> str:
        """A statement whose columns are called c0, c1 and so on."""
        ctes = [self._cte() for _ in range(self._pick([0, 0, 0, 1, 1, 2]))]
        with_ = f"WITH RECURSIVE {', '.join(ctes)} " if ctes else ""
        if self._chance(0.2):
            return with_ + self._write()
        return with_ + self._query(2)[0]

    def _pick(self, options: Sequence[T]) -> T:
        return self._random.choice(options)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _alias(self) -> str:
        self._number += 1
        return f"t{self._number}"

    def _kinds(self) -> list[str]:
        return [self._pick(KINDS) for _ in range(self._random.randint(1, 3))]

    # Expressions.

    def _value(self, kind: str, visible: Sequence[Relation], depth: int) -> str:
        columns = [
            f"{relation.name}.{name}"
            for relation in visible
            for name, type_ in relation.columns.items()
            if type_ == kind
        ]
        dice = self._random.random()
        if columns and (depth <= 0 or dice < 0.4):
            return self._pick(columns)
        if depth <= 0 or dice < 0.47:
            return self._pick(_LITERALS[kind])
        if dice < 0.55:
            inner = self._select([kind], 0, visible)[0]
            if kind == "bool" and self._chance(0.5):
                return f"EXISTS ({inner})"
            return f"(SELECT i.c0 FROM ({inner}) AS i LIMIT 1)"
        if dice < 0.58 and kind == "list":
            return f"ARRAY({self._select(['text'], 0, visible)[0]})"
        if dice < 0.6 and kind == "bool":
            test = self._pick(["IN", "NOT IN", "= ANY", "<> ALL", "> ALL"])
            left = self._value("int", visible, 0)
            return f"({left} {test} ({self._select(['int'], 0, visible)[0]}))"
        if dice < 0.68:
            return f"coalesce({self._fill('{' + kind + '}, {' + kind + '}', visible, depth - 1)})"
        if dice < 0.78:
            default = " ELSE {" + kind + "}" if self._chance(0.7) else ""
            second = " WHEN {bool} THEN {" + kind + "}" if self._chance(0.3) else ""
            form = "CASE WHEN {bool} THEN {" + kind + "}" + second + default + " END"
            return f"({self._fill(form, visible, depth - 1)})"
        return f"({self._fill(self._pick(_FORMS[kind]), visible, depth - 1)})"

    def _fill(self, form: str, visible: Sequence[Relation], depth: int) -> str:
        made = _Values(self, visible, depth)
        return form.format_map(made)

    def _item(self, kind: str, visible: Sequence[Relation], depth: int) -> str:
        if kind in _WINDOWS and self._chance(0.15):
            over = self._fill(self._pick(_FRAMES), visible, 0)
            function = self._fill(self._pick(_WINDOWS[kind]), visible, 0)
            return f"{function} OVER ({over})"
        return self._value(kind, visible, depth)

    def _aggregate(self, kind: str, visible: Sequence[Relation]) -> str:
        made = self._fill(self._pick(_AGGREGATES[kind]), visible, self._pick([0, 0, 1]))
        if self._chance(0.25) and "WITHIN" not in made and "::" not in made[-9:]:
            made += f" FILTER (WHERE {self._value('bool', visible, 1)})"
        return f"coalesce({made}, {self._pick(_LITERALS[kind])})" if self._chance(0.15) else made

    # Queries.

    def _source(self, outer: Sequence[Relation], depth: int) -> tuple[str, Relation]:
        alias, dice = self._alias(), self._random.random()
        if self._ctes and dice < 0.3:
            name = self._pick(sorted(self._ctes))
            return f"{name} AS {alias}", Relation(alias, self._ctes[name])
        if depth > 0 and dice < 0.45:
            lateral = "LATERAL " if outer and self._chance(0.6) else ""
            body, columns = self._query(depth - 1, outer if lateral else [])
            return f"{lateral}({body}) AS {alias}", Relation(alias, columns)
        if dice < 0.53:
            form, columns = self._pick(_SETS)
            made = form.replace("{alias}", alias)
            return f"{self._fill(made, outer, 0)}", Relation(alias, columns)
        if dice < 0.56:
            rows = ", ".join(
                f"({self._value('int', [], 0)}, {self._value('text', [], 0)})" for _ in range(2)
            )
            return f"(VALUES {rows}) AS {alias} (i, w)", Relation(alias, {"i": "int", "w": "text"})
        name = self._pick(["a", "a", "a", "b", "b", *TABLES])
        return f"{name} AS {alias}", Relation(alias, TABLES[name])

    def _from(self, outer: Sequence[Relation], depth: int) -> tuple[str, list[Relation]]:
        text, first = self._source(outer, depth)
        relations = [first]
        for _ in range(self._pick([0, 0, 1, 1, 2])):
            side = self._pick(["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            lateral = relations if side in ("JOIN", "LEFT JOIN") else []
            more, new = self._source([*lateral, *outer], depth)
            shared = [
                name
                for name in new.columns
                if [name in relation.columns for relation in relations] == [True]
            ]
            if shared and self._chance(0.2):
                text = f"{text} {side} {more} USING ({self._pick(shared)})"
            else:
                pairs = [
                    f"{relation.name}.{left} = {new.name}.{right}"
                    for relation in relations
                    for left, type_ in relation.columns.items()
                    for right, other in new.columns.items()
                    if type_ == other == "int"
                ]
                on = self._pick(pairs) if pairs else "true"
                if side != "FULL JOIN" and self._chance(0.3):
                    on = self._value("bool", [*relations, new], 1)
                text = f"{text} {side} {more} ON {on}"
            relations.append(new)
        return text, relations

    def _query(self, depth: int, outer: Sequence[Relation] = ()) -> tuple[str, Columns]:
        kinds = self._kinds()
        if self._chance(0.15):
            query, columns = self._select(kinds, depth - 1, outer)
            other, _ = self._select(kinds, depth - 1, outer)
            operation = self._pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
            return f"({query}) {operation} ({other})", columns
        return self._select(kinds, depth, outer)

    def _select(
        self, kinds: Sequence[str], depth: int, outer: Sequence[Relation] = ()
    ) -> tuple[str, Columns]:
        text, relations = self._from(outer, depth)
        visible = [*relations, *outer]
        where = f" WHERE {self._value('bool', visible, 2)}" if self._chance(0.5) else ""
        if where and self._chance(0.4):
            where += f" AND {self._value('bool', visible, 1)}"
        group = ""
        if self._chance(0.3):
            keys = [
                f"{relation.name}.{name}"
                for relation in relations
                for name in relation.columns
                if name != "doc"
            ]
            chosen = self._random.sample(keys, min(len(keys), self._pick([0, 1, 1, 2])))
            values = []
            for kind in kinds:
                alike = [key for key in chosen if self._kind(key, relations) == kind]
                direct = alike and self._chance(0.4)
                values.append(self._pick(alike) if direct else self._aggregate(kind, relations))
            if chosen:
                form = self._pick(["{}", "{}", "{}", "ROLLUP ({})", "GROUPING SETS (({}), ())"])
                group = f" GROUP BY {form.format(', '.join(chosen))}"
            if self._chance(0.2):
                group += f" HAVING count(*) > {self._pick('01')}"
        else:
            values = [self._item(kind, visible, 2) for kind in kinds]
        items = ", ".join(f"{value} AS c{n}" for n, value in enumerate(values))
        limit = self._pick(["", "", "", "", "", " LIMIT 1", " OFFSET 1", " LIMIT 0"])
        columns = {f"c{n}": kind for n, kind in enumerate(kinds)}
        return f"SELECT {items} FROM {text}{where}{group}{limit}", columns

    def _kind(self, column: str, relations: Sequence[Relation]) -> str:
        alias, _, name = column.partition(".")
        return next(relation.columns[name] for relation in relations if relation.name == alias)

    def _cte(self) -> str:
        name = f"w{len(self._ctes)}"
        if self._chance(0.4):
            first = [self._value("int", [], 0), self._value("text", [], 0)]
            row = Relation(name, {"i": "int", "c0": "int", "c1": "text"})
            text, more = f"{name}", [row]
            if self._chance(0.4):
                extra, new = self._source([], 0)
                side = self._pick(["JOIN", "LEFT JOIN"])
                text, more = f"{name} {side} {extra} ON true", [row, new]
            step = [self._value("int", more, 1), self._value("text", more, 1)]
            if " w" in "".join(step) or f"({name}" in "".join(step):
                step = [self._value("int", more, 0), self._value("text", more, 0)]
            self._ctes[name] = row.columns
            return (
                f"{name} (i, c0, c1) AS (SELECT 1, {first[0]}, {first[1]}::text UNION ALL"
                f" SELECT {name}.i + 1, {step[0]}, {step[1]} FROM {text} WHERE {name}.i < 3)"
            )
        body, columns = self._query(1) if self._chance(0.8) else (self._write(), {})
        columns = columns or self._returned
        self._ctes[name] = columns
        return f"{name} AS ({body})"

    _returned: Columns = {"c0": "int"}  # noqa: RUF012 - replaced, never changed

    def _write(self) -> str:
        table = self._pick(["b", "b", "parent", "apart.alone", "part"])
        alias = self._alias()
        target = Relation(alias, TABLES[table])
        visible, more = [target], ""
        kind = self._pick(["insert", "update", "delete"])
        if kind != "insert" and self._chance(0.5):
            text, relations = self._from([], 0)
            visible, more = (
                [target, *relations],
                f" {'FROM' if kind == 'update' else 'USING'} {text}",
            )
        where = f" WHERE {self._value('bool', visible, 2)}" if self._chance(0.6) else ""
        names = [name for name, type_ in target.columns.items() if type_ == "int" and name != "id"]
        if kind == "update":
            name = self._pick(names)
            body = f"UPDATE {table} AS {alias} SET {name} = {self._value('int', visible, 1)}"
            body += more + where
        elif kind == "delete":
            body = f"DELETE FROM {table} AS {alias}{more}{where}"
        else:
            key = ["id"] if "id" in target.columns else []
            values = [*(str(self._random.randint(3, 9)) for _ in key)]
            values += [self._value("int", [], 1) for _ in names]
            body = f"INSERT INTO {table} AS {alias} ({', '.join(key + names)})"
            body += f" SELECT {', '.join(values)}"
            if table == "b" and self._chance(0.5):
                body += " ON CONFLICT (id) DO " + self._pick(
                    [
                        "NOTHING",
                        "UPDATE SET y = excluded.y",
                        f"UPDATE SET n = coalesce({alias}.y, 1)",
                    ]
                )
        kinds = self._kinds()
        self._returned = {f"c{n}": kind for n, kind in enumerate(kinds)}
        sources = visible if kind != "insert" else [target]
        items = [f"{self._value(kind, sources, 2)} AS c{n}" for n, kind in enumerate(kinds)]
        return f"{body} RETURNING {', '.join(items)}"


class _Values(dict[str, str]):
    """A value of its kind for each name that a form has, another one each time."""

    def __init__(self, maker: Maker, visible: Sequence[Relation], depth: int) -> None:
        super().__init__()
        self._maker, self._visible, self._depth = maker, visible, depth

    def __missing__(self, kind: str) -> str:
        return self._maker._value(kind, self._visible, self._depth)
