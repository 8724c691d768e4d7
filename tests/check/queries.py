"""Random queries over the tables of `two_users`, most of them a user's own."""

from collections.abc import Mapping, Sequence

from tests.check.expressions import Columns, Expressions, Relation

OWNED: Mapping[str, Columns] = {
    "conversations": {"id": "int", "user_id": "text", "title": "text", "pinned": "bool"},
    "messages": {
        "id": "int",
        "user_id": "text",
        "conversation_id": "int",
        "body": "text",
        "note": "text",
        "rank": "int",
    },
    "tasks": {"id": "int", "user_id": "text", "title": "text", "code": "int"},
}
_OTHERS: Mapping[str, Columns] = {
    "plans": {"name": "text", "price": "int"},
    '"Messages"': {"id": "int", "body": "text"},
    "owned": {"user_id": "text", "body": "text"},
    "apart.secrets": {"user_id": "text", "body": "text"},
    "apart.messages": {"id": "int", "user_id": "text", "body": "text"},
}
_USER = {"user_id": "text"}


class Queries(Expressions):
    """Makes queries; a subclass makes the rest."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        # How often a table's owner is compared: some statements should be wrong.
        self._care = self._random.choice([0.6, 0.97, 0.97, 1, 1, 1])
        self._number = 0
        self._ctes: list[Relation] = []  # what WITH defines

    def _alias(self) -> str:
        self._number += 1
        return f"{self._pick(['t', 't', 'T', 'Users', 'messages_'])}{self._number}"

    def _relation(self, depth: int, outer: Sequence[Relation]) -> Relation:
        kind = self._random.random()
        alias = self._alias()
        ctes = [cte for cte in self._ctes if cte.columns]
        if ctes and kind < 0.3:
            cte = self._pick(ctes)
            return self._named(cte.text, alias, cte.columns)
        if depth > 0 and kind < 0.4:
            lateral = self._chance(0.3)
            body, columns = self._pick([self._select, self._set_operation])(
                depth - 1, outer if lateral else []
            )
            return self._named(f"({body})", alias, columns)
        if kind < 0.44:
            second = self._pick([":user_id", "'ada'"])
            rows = f"(VALUES (1, :user_id::text), (2, {second}))"
            return Relation(f"{rows} AS {alias} (id, user_id)", alias, {"id": "int"} | _USER)
        if kind < 0.47:
            return Relation(f"(SELECT :user_id::text AS user_id) AS {alias}", alias, _USER)
        if kind < 0.54:
            name = self._pick(sorted(_OTHERS))
            return self._named(self._spelled(name), alias, _OTHERS[name])
        name = self._pick(sorted(OWNED))
        return self._named(self._spelled(name), alias, OWNED[name])

    def _named(self, text: str, alias: str, columns: Columns) -> Relation:
        quoted = f'"{alias}"' if self._chance(0.15) else alias
        if self._chance(0.05) and columns:
            names = self._random.sample(sorted(columns), len(columns))
            renamed = dict(zip(names, columns.values(), strict=True))
            return Relation(f"{text} AS {quoted} ({', '.join(names)})", quoted, renamed)
        return Relation(f"{text} AS {quoted}", quoted, columns)

    def _from(self, depth: int, outer: Sequence[Relation]) -> tuple[str, list[Relation]]:
        """A FROM list and the relations that it makes visible."""
        relations = [self._relation(depth, outer)]
        text = relations[0].text
        for _ in range(self._pick([0, 0, 1, 1, 2])):
            new = self._relation(depth, outer)
            if self._chance(0.12):
                inner = self._relation(0, [])
                condition = self._joined(inner, [new])
                side = self._pick(["JOIN", "LEFT JOIN", "RIGHT JOIN"])
                joined = f"({new.text} {side} {inner.text} ON {condition})"
                text = self._join(text, relations, joined, new, using=False)
                relations += [new, inner]
                continue
            text = self._join(text, relations, new.text, new)
            relations.append(new)
        return text, relations

    def _join(
        self,
        text: str,
        before: list[Relation],
        written: str,
        new: Relation,
        *,
        using: bool = True,
    ) -> str:
        kind = self._random.random()
        if kind < 0.12:
            return f"{text}, {written}"
        if kind < 0.18:
            return f"{text} CROSS JOIN {written}"
        side = self._pick(["JOIN", "JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        shared = [
            name
            for name in new.columns
            if [relation.columns.get(name) for relation in before].count(new.columns[name]) == 1
        ]
        if using and shared and kind < 0.42:
            names = self._random.sample(shared, self._random.randint(1, len(shared)))
            if "user_id" in shared and "user_id" not in names and self._chance(self._care):
                names.append("user_id")
            return f"{text} {side} {written} USING ({', '.join(map(self._spelled, names))})"
        if side == "FULL JOIN":
            other = self._pick(before)
            pairs = [name for name, kind in new.columns.items() if other.columns.get(name) == kind]
            if not pairs:
                return f"{text}, {written}"
            name = "user_id" if "user_id" in pairs else self._pick(pairs)
            return f"{text} FULL JOIN {written} ON {new.name}.{name} = {other.name}.{name}"
        return f"{text} {side} {written} ON {self._joined(new, before)}"

    def _joined(self, new: Relation, before: list[Relation]) -> str:
        owned = [relation for relation in before if "user_id" in relation.columns]
        parts = []
        if "user_id" in new.columns and owned and self._chance(self._care):
            sides = [self._written(new, "user_id"), self._written(self._pick(owned), "user_id")]
            self._random.shuffle(sides)
            parts.append(" = ".join(sides))
        if not parts or self._chance(0.5):
            parts.append(self._value("bool", [new, *before], 0))
        if "user_id" in new.columns and self._chance(0.6):
            parts.append(self._owner(self._pick([new, new, *owned])))
        return " AND ".join(parts)

    def _owner(self, relation: Relation) -> str:
        column = self._written(relation, "user_id")
        if self._chance(1 - self._care):
            wrong = [":user_id::varchar(3)", "'ada'", ":text"]
            return f"{column} = {self._pick(wrong)}"
        forms = ["{} = :user_id", "{} = :user_id", ":user_id = {}", "{} = (SELECT :user_id)"]
        forms += ["{} = ANY (ARRAY[:user_id])", "{} = :user_id::text", "{} IN (:user_id)"]
        return str(self._pick(forms)).format(column)

    def _where(self, relations: Sequence[Relation], depth: int, outer: Sequence[Relation]) -> str:
        # Where WHERE says little, ON has to do, which of an outer join it can't for both sides.
        share = self._care * self._pick([0.95, 0.95, 0.95, 0.3])
        parts = [
            self._owner(relation)
            for relation in relations
            if "user_id" in relation.columns and self._chance(share)
        ]
        if self._chance(0.4):
            parts.append(self._value("bool", [*relations, *outer], depth))
        self._random.shuffle(parts)
        if self._chance(1 - self._care) and len(parts) > 1:
            return " WHERE " + " OR ".join(parts)
        return " WHERE " + " AND ".join(parts) if parts else ""

    def _select(self, depth: int, outer: Sequence[Relation]) -> tuple[str, Columns]:
        kinds = [self._pick(["int", "text", "bool"]) for _ in range(self._random.randint(1, 4))]
        return self._select_of(kinds, depth, outer)

    def _select_of(
        self,
        kinds: Sequence[str],
        depth: int,
        outer: Sequence[Relation],
        *,
        ordered: bool = True,
    ) -> tuple[str, Columns]:
        if self._chance(0.1):
            text, relations, where = self._joined_once()
        else:
            text, relations = self._from(depth, outer)
            where = self._where(relations, depth - 1, outer)
        visible = [*relations, *outer]
        grouping = having = ""
        if self._chance(0.25):
            values, grouping = self._grouped(kinds, relations)
            if self._chance(0.2):
                having = f" HAVING count(*) > {self._pick('01')}"
        else:
            values = [self._item(kind, visible, depth) for kind in kinds]
        items = [f"{value} AS {self._spelled(f'c{n}')}" for n, value in enumerate(values)]
        distinct = "DISTINCT " if self._chance(0.08) else ""
        order = ""
        if ordered and self._chance(0.15):
            order = f" ORDER BY {', '.join(str(n + 1) for n in range(len(kinds)))}"
            order += f" LIMIT {self._pick(['1', '2', ':n', '(SELECT :n::bigint)'])}"
        columns = {f"c{n}": kind for n, kind in enumerate(kinds)}
        select = f"SELECT {distinct}{', '.join(items)} FROM {text}{where}{grouping}{having}{order}"
        return select, columns

    def _joined_once(self) -> tuple[str, list[Relation], str]:
        """Two tables whose owner is named once: that it is enough depends on the kind of join."""
        left, right = self._target()[1], self._target()[1]
        side = self._pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        owner = f"{self._pick([left, right]).name}.user_id = :user_id"
        if self._chance(0.3):
            return (
                f"{left.text} {side} {right.text} USING (user_id)",
                [left, right],
                f" WHERE {owner}",
            )
        on = f"{left.name}.user_id = {right.name}.user_id"
        if side == "FULL JOIN" or self._chance(0.4):
            return f"{left.text} {side} {right.text} ON {on}", [left, right], f" WHERE {owner}"
        return f"{left.text} {side} {right.text} ON {on} AND {owner}", [left, right], ""

    def _grouped(
        self, kinds: Sequence[str], relations: Sequence[Relation]
    ) -> tuple[list[str], str]:
        names = [self._column(kind, relations) for kind in set(kinds) if self._chance(0.6)]
        keys = dict.fromkeys(name for name in names if name)
        by_kind = {kind: self._column(kind, relations) for kind in kinds}
        values = []
        for kind in kinds:
            column = by_kind[kind]
            if column and self._chance(0.4):
                keys[column] = None
                values.append(column)
            else:
                values.append(self._aggregate(kind, relations))
        if not keys:
            return [
                v if not k else self._aggregate(kind, relations)
                for v, k, kind in zip(values, [False] * len(values), kinds, strict=True)
            ], ""
        listed = ", ".join(keys)
        form = self._pick(["{}", "{}", "{}", "ROLLUP ({})", "GROUPING SETS (({}), ())"])
        return values, " GROUP BY " + str(form).format(listed)

    def _set_operation(self, depth: int, outer: Sequence[Relation]) -> tuple[str, Columns]:
        kinds = [self._pick(["int", "text", "bool"]) for _ in range(self._random.randint(1, 3))]
        query, columns = self._select_of(kinds, depth - 1, outer, ordered=False)
        other, _ = self._select_of(kinds, depth - 1, outer)
        operation = self._pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"])
        return f"{query} {operation} ({other})", columns

    def _target(self) -> tuple[str, Relation]:
        table = self._pick(sorted(OWNED))
        return table, self._named_plainly(self._spelled(table), OWNED[table])

    def _named_plainly(self, text: str, columns: Columns) -> Relation:
        alias = self._alias()
        return Relation(f"{text} AS {alias}", alias, columns)
