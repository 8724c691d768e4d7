"""A bound statement as sqlglot reads it, with the places of its parts in the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp

from dal.binding.query import Binding
from dal.check.findings import Finding
from dal.check.source import Source


@dataclass(frozen=True)
class Tree:
    """A statement and its syntax tree."""

    binding: Binding

    @cached_property
    def root(self) -> exp.Expr:
        """The tree of the text that is sent.

        Raises:
            sqlglot.errors.SqlglotError: sqlglot can't read the statement.
        """
        return sqlglot.parse_one(self.binding.statement.text, read="postgres")

    @cached_property
    def source(self) -> Source:
        """The file."""
        return Source.read(self.binding.statement.path)

    @cached_property
    def sent(self) -> Source:
        """The text that is sent."""
        return Source(self.binding.statement.text)

    def place(self, node: exp.Expr) -> int | None:
        """Where in the file a part begins, as far as sqlglot says."""
        position = start(node)
        return None if position is None else self.at(position)

    def after(self, part: exp.Expr, word: str) -> int | None:
        """Where in the file a word or symbol stands next after a part; else where that begins."""
        end = max((one.meta["end"] for one in part.walk() if "end" in one.meta), default=-1)
        for one in self.sent.loud:
            if one.offset > end and one.text.upper() == word:
                return self.at(one.offset)
        return self.place(part)

    def before(self, part: exp.Expr, word: str) -> int | None:
        """Where in the file a word stands last before a part."""
        end = start(part)
        found = [
            one.offset
            for one in self.sent.loud
            if end is not None and one.offset < end and one.text.upper() == word
        ]
        return self.at(found[-1]) if found else self.place(part)

    def at(self, position: int) -> int | None:
        """Where in the file a character of the sent text stands."""
        return self.source.sent(self.binding.statement.text, position)

    def finding(self, rule: str, offset: int | None, message: str, help_: str) -> Finding:
        """A finding in this file."""
        return Finding(rule, self.binding.statement.path, offset, message, help_)


def start(node: exp.Expr) -> int | None:
    """Where in the text that is sent a part begins, as far as sqlglot says."""
    return min((one.meta["start"] for one in node.walk() if "start" in one.meta), default=None)


def folded(node: object) -> str:
    """An identifier as PostgreSQL folds it; `""` for what is none."""
    if not isinstance(node, exp.Identifier):
        return ""
    return str(node.this) if node.args.get("quoted") else str(node.this).lower()


def bare(node: exp.Expr) -> exp.Expr:
    """An expression without the brackets around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def inner(node: exp.Expr) -> exp.Expr:
    """An expression without the brackets and casts around it."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all have to hold."""
    if isinstance(condition, exp.Paren | exp.Where | exp.Having):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.this)
        yield from conjuncts(condition.expression)
    elif condition is not None:
        yield condition
