"""A statement with its stub, and all that is known of it, each read once."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dal.binding.binding import Binding
from dal.check.analysis import Analysis, analyse
from dal.check.dialect import parsed
from dal.check.findings import Finding
from dal.check.server.describe import Described
from dal.check.server.explain import Plan, generic_plan
from dal.check.tree import start
from dal.check.types import parameters
from dal.source.header import Header
from dal.source.text import Source

if TYPE_CHECKING:
    from dal.check.server.catalog import Catalog

_PLANNED = ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE")


class BoundStatement:
    """A statement with its stub.

    Attributes:
        binding: both of them.
        path: the file.
        project: whose it is.
        name: `messages.history`.
        text: what is sent.
    """

    def __init__(self, binding: Binding, catalog: "Catalog") -> None:
        self._catalog = catalog
        self.binding, self.path = binding, binding.statement.path
        self.project = catalog.project_of_file(self.path)
        self.name, self.text = binding.statement.name, binding.statement.text

    @cached_property
    def source(self) -> Source:
        """The file's text; in a variant, the lines that it lacks are blank."""
        return Source(self.binding.statement.sql)

    @cached_property
    def sent(self) -> Source:
        """The text that is sent."""
        return Source(self.text)

    @cached_property
    def header(self) -> Header:
        """The file's header comment."""
        return Header.of(self.source)

    @cached_property
    def description(self) -> Described:
        """What PostgreSQL says of the prepared statement.

        Raises:
            RefusedError: it does not fit the schema.
        """
        return self._catalog.describe(self.binding.statement)

    @cached_property
    def annotations(self) -> dict[str, Any]:
        """The annotation of each parameter of the statement, by name."""
        hints = self.binding.hints.items()
        return {name: each for hint in hints for name, each in parameters(*hint).items()}

    @cached_property
    def tree(self) -> exp.Expr:
        """The syntax tree of the text that is sent.

        Raises:
            NotAnalysedError: sqlglot can't read it.
        """
        return parsed(self.text)

    @cached_property
    def analysis(self) -> Analysis:
        """What its tree proves.

        Raises:
            RefusedError: it does not fit the schema.
            NotAnalysedError: sqlglot can't read it.
        """
        names = [name for name, _ in self.description.columns]
        return analyse(self.tree, names, self._catalog.schema, self._catalog.owner)

    @cached_property
    def missing(self) -> str | None:
        """What the file says it needs, and is not here: a relation, or a later PostgreSQL."""
        version = self.header.needs_version
        if self._catalog.connection.info.server_version // 10_000 < version:
            return f"PostgreSQL {version}"
        words = {token.text.lower() for token in self.source.loud}
        # What the statement does not name can't be what is in the way.
        missing = (name for name in self.header.needs if name in words)
        return next((name for name in missing if name not in self._catalog.schema.path), None)

    @cached_property
    def has_plan(self) -> bool:
        """Whether it is of a kind that the planner plans."""
        return self.source.loud[0].text.upper() in _PLANNED

    @cached_property
    def plan(self) -> Plan:
        """The plan for any values.

        Raises:
            psycopg.Error: it can't be planned, though it could be prepared.
        """
        return generic_plan(self._catalog.connection, self.binding.statement)

    # Places in the file.

    @property
    def beginning(self) -> int:
        """Where the statement begins, after the header comment."""
        return self.source.loud[0].offset

    def place(self, node: exp.Expr) -> int | None:
        """Where a part begins, as far as sqlglot says."""
        if node is self.tree:
            return self.beginning
        position = start(node)
        return None if position is None else self.at(position)

    def after(self, part: exp.Expr, word: str) -> int | None:
        """Where a word or symbol stands next after a part; else where that begins."""
        end = max((node.meta["end"] for node in part.walk() if "end" in node.meta), default=-1)
        for token in self.sent.loud:
            if token.offset > end and token.text.upper() == word:
                return self.at(token.offset)
        return self.place(part)

    def before(self, part: exp.Expr, word: str) -> int | None:
        """Where a word stands last before a part."""
        end = start(part)
        offsets = [
            token.offset
            for token in self.sent.loud
            if end is not None and token.offset < end and token.text.upper() == word
        ]
        return self.at(offsets[-1]) if offsets else self.place(part)

    def at(self, position: int) -> int | None:
        """Where a character of the sent text stands."""
        return self.source.sent(self.text, position)

    def finding(
        self, rule: str, offset: int | None, message: str, help_: str, about: str | None = None
    ) -> Finding:
        """A finding in this file; `about` is the table or column that a waiver names."""
        return Finding(rule, self.path, offset, message, help_, about)
