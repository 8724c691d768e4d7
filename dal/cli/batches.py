"""Runs the work of dal.maintenance batch by batch, until it ends or is asked to stop."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, TypeVar

import typer

import dal
from dal.cli.address import database_url
from dal.cli.current_projects import require_dal
from dal.cli.progress import progress
from dal.cli.statuses import ExitStatus
from dal.cli.streams import notes, out, print_json
from dal.maintenance import Progress
from dal.maintenance.batches import Pace

Result = TypeVar("Result")

HOUR, DAY = 3_600.0, 86_400.0


def with_database(
    name: str,
    act: Callable[[dal.Database], Coroutine[Any, Any, Result]],
    *,
    statement_seconds: float = HOUR,
) -> Result:
    """Run a coroutine with the database of DATABASE_URL, and return its result.

    Parameters:
        name: the command's.
        act: makes the coroutine.
        statement_seconds: how long a statement may take, whatever DAL_COMMAND_TIMEOUT is: that is
            for a service's calls, and a batch may have a great many messages to delete.
    """

    require_dal(name)

    async def run() -> Result:
        async with dal.connect(
            database_url(),
            min_size=1,
            max_size=2,
            command_timeout=statement_seconds,
            application_name=f"dal {name}",
        ) as db:
            return await act(db)

    return asyncio.run(run())


def run_batches(
    name: str,
    done: str,
    start: Callable[[dal.Database], AsyncGenerator[Progress, None]],
    *,
    pause: float,
    max_seconds: float | None,
    as_json: bool,
) -> None:
    """Show a run's progress until its end, or until SIGTERM asks for it.

    The pauses are made here and not in the run, so that SIGTERM can end one.

    Parameters:
        name: the command's.
        done: the verb for a conversation, such as "archived".
        start: begins the run.
        pause: seconds between two batches.
        max_seconds: seconds after which no further batch begins; None for no end.
        as_json: whether the result is for machines.
    """

    async def watch(db: dal.Database) -> Progress:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        pace, state = Pace(pause, max_seconds, stop), Progress()
        with progress(name) as shown:
            async with aclosing(start(db)) as run:
                async for state in run:
                    shown.report(_sentence(state, done))
                    if state.finished or not await pace.may_continue():
                        break
        return state

    state = with_database(name, watch)
    if as_json:
        print_json(asdict(state))
    else:
        out.print(f"{_sentence(state, done)}{'' if state.finished else '; more remains'}")
    for blocked in state.blocked:
        notes.print(f"conversation {blocked} stays: another table refers to it")
    if not state.finished:
        raise typer.Exit(ExitStatus.MORE)


def _sentence(state: Progress, done: str) -> str:
    parts = [f"{done} {state.conversations:,} conversations"]
    if state.tasks:
        parts.append(f"{state.tasks:,} tasks")
    if state.passed_over:
        parts.append(f"passed over {state.passed_over:,} in use")
    if state.blocked:
        parts.append(f"{len(state.blocked):,} are referred to and stay")
    return ", ".join(parts)
