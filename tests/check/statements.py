"""Random statements over the tables of `two_users`, most of them a user's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.check.expressions import Columns, Relation
from tests.check.queries import OWNED, Queries


@dataclass(frozen=True)
class Query:
    """A statement, or a part of one.

    Attributes:
        sql: its text.
        columns: what it gives.
        exact: for the same rows it gives the same.
    """

    sql: str
    columns: Columns
    exact: bool


class Generator(Queries):
    """Makes one statement; the same seed makes the same."""

    def statement(self) -> Query:
        """A statement whose columns are called c0, c1 and so on."""
        ctes = [self._cte() for _ in range(self._pick([0, 0, 0, 1, 1, 2]))]
        make = self._pick([self._select, self._select, self._select, self._set_operation])
        if self._chance(0.35):
            make = self._pick([self._insert, self._update, self._delete])
        body, columns = make(self._pick([0, 1, 1, 2]), [])
        with_ = f"WITH {', '.join(ctes)} " if ctes else ""
        return Query(with_ + body, columns, self._exact)

    def _cte(self) -> str:
        make = self._pick([self._select, self._select, self._set_operation, self._update])
        body, columns = make(1, [])
        quoted = self._chance(0.2)
        name = self._pick(["mine", "tasks", "Plans", "r"]) + self._pick(["", str(len(self._ctes))])
        if not columns or name in [cte.text.strip('"') for cte in self._ctes]:
            name, columns = f"w{len(self._ctes)}", columns or {}
        written = f'"{name}"' if quoted else name
        self._ctes.append(Relation(written, written, columns))
        return f"{written} AS ({body})"

    def _returning(self, relations: Sequence[Relation]) -> tuple[str, Columns]:
        if self._chance(0.2):
            return "", {}
        kinds = [self._pick(["int", "text", "bool"]) for _ in range(self._random.randint(1, 3))]
        items = [
            f"{self._value(kind, relations, 0)} AS c{number}" for number, kind in enumerate(kinds)
        ]
        return f" RETURNING {', '.join(items)}", {
            f"c{number}": kind for number, kind in enumerate(kinds)
        }

    def _insert(self, depth: int, outer: Sequence[Relation]) -> tuple[str, Columns]:
        table, target = self._target()
        names = [name for name in OWNED[table] if name != "pinned"]
        self._random.shuffle(names)
        if self._chance(0.5):
            text, relations = self._from(depth - 1, [])
            values = [self._stored(table, name, relations) for name in names]
            source = f"SELECT {', '.join(values)} FROM {text}{self._where(relations, 0, [])}"
        else:
            lines = [
                f"({', '.join(self._stored(table, name, []) for name in names)})"
                for _ in range(self._pick([1, 1, 2]))
            ]
            source = f"VALUES {', '.join(lines)}"
        conflict = self._conflict(table, target) if self._chance(0.45) else ""
        returning, columns = self._returning([target])
        into = f"{target.text} ({', '.join(map(self._spelled, names))})"
        return f"INSERT INTO {into} {source}{conflict}{returning}", columns

    def _stored(self, table: str, name: str, relations: Sequence[Relation]) -> str:
        if name == "user_id":
            owners = [
                self._written(relation, name) for relation in relations if name in relation.columns
            ]
            if owners and self._chance(0.5):
                return str(self._pick(owners))
            return ":user_id" if self._chance(self._care) else "'ada'"
        if name == "id":
            return str(self._random.randint(1, 9))
        if name == "conversation_id":
            return str(self._random.randint(1, 3))
        if name == "code":
            return str(self._pick(["NULL", "10", "11", "77", ":n"]))
        value = self._value(OWNED[table][name], relations, 0)
        return f"coalesce({value}, 'x')" if name in ("title", "body") else value

    def _conflict(self, table: str, target: Relation) -> str:
        keys = ["user_id, id", "id, user_id"]
        key = self._pick([*keys, "code"] if table == "tasks" else keys)
        words = ", ".join(map(self._spelled, key.split(", ")))
        if self._chance(0.4):
            if key == "code":
                self._exact = False  # whether there is such a code shows, and must
            return f" ON CONFLICT ({words}) DO NOTHING"
        excluded = Relation("", "excluded", OWNED[table])
        name = "title" if "title" in OWNED[table] else "note"
        value = self._value("text", [excluded, target], 0)
        if name == "title" and table == "conversations":
            value = f"coalesce({value}, 'x')"
        where = f" WHERE {self._owner(target)}" if self._chance(0.3) else ""
        return f" ON CONFLICT ({words}) DO UPDATE SET {name} = {value}{where}"

    def _update(self, depth: int, outer: Sequence[Relation]) -> tuple[str, Columns]:
        table, target = self._target()
        relations, from_ = [target], ""
        if self._chance(0.5):
            text, further = self._from(depth - 1, [])
            from_, relations = f" FROM {text}", [target, *further]
            self._exact = False  # which of several rows that match is taken is open
        name = self._pick(
            [column for column in OWNED[table] if column not in ("id", "conversation_id")]
        )
        value = self._stored(table, name, relations)
        where = self._where(relations, depth - 1, [])
        returning, columns = self._returning(relations)
        return (
            f"UPDATE {target.text} SET {self._spelled(name)} = {value}{from_}{where}{returning}",
            (columns),
        )

    def _delete(self, depth: int, outer: Sequence[Relation]) -> tuple[str, Columns]:
        _, target = self._target()
        relations, using = [target], ""
        if self._chance(0.5):
            text, further = self._from(depth - 1, [])
            using, relations = f" USING {text}", [target, *further]
            self._exact = False
        where = self._where(relations, depth - 1, [])
        returning, columns = self._returning(relations)
        return f"DELETE FROM {target.text}{using}{where}{returning}", columns
