"""A statement with its stub, and everything that is known about it, read on demand."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dal.binding.binding import Binding
from dal.check.analysis import Analysis, analyse
from dal.check.dialect import parsed
from dal.check.findings import Finding
from dal.check.server.describe import Described
from dal.check.server.explain import Plan, custom_plan, generic_plan
from dal.check.server.samples import any_value
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
        binding: the statement with its stub.
        path: the file.
        project: the project that it belongs to.
        name: its name, such as `messages.history`.
        text: the text that is sent.
    """

    def __init__(self, binding: Binding, catalog: "Catalog") -> None:
        self._catalog = catalog
        self.binding, self.path = binding, binding.statement.path
        self.project = catalog.project_of_file(self.path)
        self.name, self.text = binding.statement.name, binding.statement.text

    @cached_property
    def source(self) -> Source:
        """The file's text; a variant has blanks for the lines that it lacks."""
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
        """PostgreSQL's description of the prepared statement.

        Raises:
            RefusedError: it does not fit the schema.
        """
        return self._catalog.describe(self.binding.statement)

    @cached_property
    def annotations(self) -> dict[str, Any]:
        """The annotation of each parameter of the statement, by name."""
        hints = self.binding.hints.items()
        return {
            name: annotation for hint in hints for name, annotation in parameters(*hint).items()
        }

    @cached_property
    def tree(self) -> exp.Expr:
        """The syntax tree of the text that is sent.

        Raises:
            NotAnalysedError: sqlglot can't read it.
        """
        return parsed(self.text)

    @cached_property
    def analysis(self) -> Analysis:
        """What is proven about it from its tree.

        Raises:
            RefusedError: it does not fit the schema.
            NotAnalysedError: sqlglot can't read it.
        """
        return self._analysed(plain=False)

    @cached_property
    def plain_analysis(self) -> Analysis:
        """The same, where a table is its owner's by a plain equality alone.

        Raises:
            RefusedError: it does not fit the schema.
            NotAnalysedError: sqlglot can't read it.
        """
        return self._analysed(plain=True)

    def _analysed(self, *, plain: bool) -> Analysis:
        names = [name for name, _ in self.description.columns]
        catalog = self._catalog
        return analyse(self.tree, names, catalog.schema, catalog.owner, plain=plain)

    @cached_property
    def missing(self) -> str | None:
        """What a `-- Needs` line asks for and this server lacks.

        A PostgreSQL version or a relation; None if nothing is missing.
        """
        version = self.header.needs_version
        if self._catalog.connection.info.server_version // 10_000 < version:
            return f"PostgreSQL {version}"
        words = {token.text.lower() for token in self.source.significant}
        # A missing relation matters only if the statement names it.
        missing = (name for name in self.header.needs if name in words)
        return next((name for name in missing if name not in self._catalog.schema.visible), None)

    @cached_property
    def has_plan(self) -> bool:
        """Whether the planner plans statements of its kind."""
        return self.source.significant[0].text.upper() in _PLANNED

    @cached_property
    def plan(self) -> Plan:
        """The generic plan; over distributed tables, which have none, one for some values.

        Raises:
            psycopg.Error: it can't be planned, though it could be prepared.
        """
        connection, statement = self._catalog.connection, self.binding.statement
        if not self._catalog.is_distributed:
            return generic_plan(connection, statement)
        values = [any_value(type_.name) for type_ in self.description.parameters]
        return custom_plan(connection, statement, values)

    # Places in the file.

    @property
    def beginning(self) -> int:
        """Where the statement begins, after the header comment."""
        return self.source.significant[0].offset

    def offset_of(self, node: exp.Expr) -> int | None:
        """The offset of a node, or None if sqlglot does not know it."""
        if node is self.tree:
            return self.beginning
        position = start(node)
        return None if position is None else self.at(position)

    def after(self, part: exp.Expr, word: str) -> int | None:
        """The offset of the next word or symbol after a node, else the node's."""
        end = max((node.meta["end"] for node in part.walk() if "end" in node.meta), default=-1)
        for token in self.sent.significant:
            if token.offset > end and token.text.upper() == word:
                return self.at(token.offset)
        return self.offset_of(part)

    def before(self, part: exp.Expr, word: str) -> int | None:
        """The offset of the last such word before a node, else the node's."""
        end = start(part)
        offsets = [
            token.offset
            for token in self.sent.significant
            if end is not None and token.offset < end and token.text.upper() == word
        ]
        return self.at(offsets[-1]) if offsets else self.offset_of(part)

    def at(self, position: int) -> int | None:
        """The offset in the file of a position in the sent text."""
        return self.source.sent(self.text, position)

    def finding(
        self, rule: str, offset: int | None, message: str, help_: str, about: str | None = None
    ) -> Finding:
        """A finding in this file; `about` is the table or column that a waiver names."""
        return Finding(rule, self.path, offset, message, help_, about)
