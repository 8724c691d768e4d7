"""What each function costs in a small and in a large database: pages and time."""

import asyncio
import hashlib
import inspect
import statistics
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

import dal
from dal import Cursor
from dal.binding import query
from dal.binding.statement import Statement
from dal.check.server.explain import explained_plan
from tests.benchmarks.databases import copied, fill_skewed, undone
from tests.benchmarks.steps import Each
from tests.surface import FUNCTIONS, VALUES, Function, variants

# Measured after the others, in this order: a deletion that is undone leaves work for a vacuum.
_GROWS = {
    "messages.count": "reads the conversation's range of an index",
    "messages.stream, to its end": "reads the conversation, page by page",
    "conversations.delete": "takes the messages along",
    "users.erase": "takes all that the user has along",
    "users.delete": "takes all that the user has along",
}
_STATEMENTS = {binding.statement.text: binding.statement for binding in query.bindings}
_PAGE = """\
## Growth

What each call costs where there are {small} messages, and where there are {large}. One user has
30 % of the messages in one conversation, and one conversation for every 20 messages in the
database; the calls are about the long conversation. A list is 20 rows from its middle on; where a
filter changes the statement, the row without it is the first page. Pages are what the statement
touches of the server's buffers (EXPLAIN ANALYZE, generic plan), without what foreign keys look up
and delete. Times are medians of calls in turns, on one connection, in a transaction that is undone;
their ratio has its interquartile range beside it. The embedded server gives durability away
(`fsync`, `full_page_writes` and `synchronous_commit` are off), and no commit is measured here.

| call | pages, {small} | pages, {large} | µs, {small} | µs, {large} | ratio | grows: it |
|---|--:|--:|--:|--:|--:|---|
{rows}
"""
_WARM_UP = 6  # a connection settles on a plan after five executions


@dataclass(frozen=True)
class Cost:
    """What a call costs at each size: pages, and microseconds in each round."""

    pages: list[int]
    micros: list[list[float]]


@dataclass(frozen=True)
class Growth:
    """How many messages there are at each size, and what each call costs."""

    sizes: tuple[int, int]
    costs: dict[str, Cost]


@dataclass(frozen=True)
class _Call:
    name: str
    function: Function
    arguments: dict[str, Any]
    first: bool = False  # of a stream, no more than the first page

    async def on(self, db: Any) -> None:
        result = self.function(db, **self.arguments)
        if not isinstance(result, AsyncGenerator):
            await result
            return
        async with aclosing(result) as records:
            async for _ in records:
                if self.first:
                    break


def measure(
    url: str,
    *,
    sizes: tuple[int, int] = (10_000, 1_000_000),
    rounds: int = 50,
    few: int = 3,
    each: Each[str | None] = iter,
) -> Growth:
    """Fill a migrated, empty database, and a smaller copy of it, and measure in both.

    Parameters:
        sizes: messages in each, multiples of 1,000.
        rounds, few: how often each call is timed, and how often one whose cost is meant to grow.
    """
    with copied(url) as smaller:
        urls = [smaller, url]
        for target, messages in zip(urls, sizes, strict=True):
            fill_skewed(target, messages)
        return Growth(sizes, asyncio.run(_costs(urls, rounds, few, each)))


def page(growth: Growth) -> str:
    """The figures as a section in Markdown."""
    rows = []
    for name, cost in growth.costs.items():
        ratios = [large / small for small, large in zip(*cost.micros, strict=True)]
        low, middle, high = statistics.quantiles(ratios, method="inclusive")
        pages = " | ".join(f"{pages:,}" for pages in cost.pages)
        times = " | ".join(f"{statistics.median(micros):,.0f}" for micros in cost.micros)
        ratio = f"{middle:,.2f} ({low:,.2f} to {high:,.2f})"
        rows.append(f"| {name} | {pages} | {times} | {ratio} | {_GROWS.get(name, '')} |")
    small, large = (f"{size:,}" for size in growth.sizes)
    return _PAGE.format(small=small, large=large, rows="\n".join(rows))


def _id(text: str) -> UUID:
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def _calls() -> Iterator[_Call]:
    """Each function, with all its arguments and with those that it requires."""
    middle = Cursor(datetime(2025, 6, 30, tzinfo=UTC), UUID(int=0))
    values = VALUES | {
        "user_id": "talker",
        "conversation_id": _id("talk"),
        "message_id": _id("talk10"),
        "task_id": _id("talker10"),
        "limit": 20,
        "page_size": 500,
        "before": middle,
        "after": middle,
    }
    for name, function in FUNCTIONS.items():
        every, required = variants(function, values)
        if inspect.iscoroutinefunction(function):
            yield _Call(name, function, every)
            yield _Call(name, function, required)
        else:
            yield _Call(f"{name}, its first page", function, every, first=True)
            yield _Call(f"{name}, to its end", function, required)


async def _costs(urls: list[str], rounds: int, few: int, each: Each[str | None]) -> dict[str, Cost]:
    """What each call costs; two calls of a function that send the same statement are one."""
    async with AsyncExitStack() as stack:
        dbs = [
            await stack.enter_async_context(dal.connect(url, max_size=1, command_timeout=600))
            for url in urls
        ]
        costs: dict[str, Cost] = {}
        for growing in each((None, *_GROWS)):
            calls: dict[str, _Call] = {}
            for call in _calls():
                if (call.name if call.name in _GROWS else None) == growing:
                    sent = [await _sent(db, call) for db in dbs]
                    name = _name(call, sent[0][0][0])
                    if calls.setdefault(name, call) is call:
                        pages = [
                            _pages(url, statements)
                            for url, statements in zip(urls, sent, strict=True)
                        ]
                        costs[name] = Cost(pages, [[], []])
            for number in range(few if growing else rounds + _WARM_UP):
                for name, call in calls.items():
                    for at in (0, 1) if number % 2 else (1, 0):
                        took = await _timed(dbs[at], call)
                        if growing or number >= _WARM_UP:
                            costs[name].micros[at].append(took)
    return costs


def _name(call: _Call, statement: Statement) -> str:
    """The call's, with that of its statement where some arguments choose another one."""
    if call.name.startswith(statement.name):
        return call.name
    return f"{call.name} ({statement.path.name})"


async def _sent(db: dal.Database, call: _Call) -> list[tuple[Statement, tuple[Any, ...]]]:
    """The statements that a call sends, with their values."""
    logged: list[Any] = []
    async with undone(db) as connection:
        with connection.query_logger(logged.append):
            await call.on(connection)
    return [
        (_STATEMENTS[record.query], record.args) for record in logged if record.query in _STATEMENTS
    ]


async def _timed(db: dal.Database, call: _Call) -> float:
    async with undone(db) as connection:
        start = time.perf_counter()
        await call.on(connection)
        return (time.perf_counter() - start) * 1e6


def _pages(url: str, sent: list[tuple[Statement, tuple[Any, ...]]]) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        plans = [explained_plan(connection, *statement, generic=True).root for statement in sent]
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans)
