"""Chat turns by many tasks at once, in processes of their own, as a service has workers.

What else a benchmark has imported would make the garbage collector of one process slower.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import cycle
from typing import Self
from uuid import UUID

import uvloop

from tests.benchmarks.contender import Contender
from tests.benchmarks.data import Scratch
from tests.benchmarks.works import BATCH

CHATS, WINDOW = 300, 20  # conversations, and the messages that each has at the start
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@dataclass(frozen=True)
class Turns:
    """The turns that a process took.

    Attributes:
        milliseconds: of each, its waits for connections included.
        seconds, cpu: of all of them, by the clock and of the process's time.
        collector: CPU seconds of the garbage collector.
        errors: turns that failed.
    """

    milliseconds: list[float]
    seconds: float
    cpu: float
    collector: float
    errors: int


@dataclass(frozen=True)
class Load:
    """What came of a number of tasks, each of which takes one chat turn after another.

    Attributes:
        rate: turns a second.
        cpu, collector: µs of the processes' time a turn, and of the garbage collector in it.
        percentiles: ms of a turn: p50, p95, p99.
        errors: turns that failed.
    """

    rate: float
    cpu: float
    collector: float
    percentiles: tuple[float, float, float]
    errors: int

    @classmethod
    def of(cls, processes: Sequence[Turns]) -> Self:
        """The figures of processes that took turns at the same time."""
        milliseconds = [each for process in processes for each in process.milliseconds]
        cuts = statistics.quantiles(milliseconds, n=100)
        return cls(
            len(milliseconds) / max(process.seconds for process in processes),
            sum(process.cpu for process in processes) * 1e6 / len(milliseconds),
            sum(process.collector for process in processes) * 1e6 / len(milliseconds),
            (cuts[49], cuts[94], cuts[98]),
            sum(process.errors for process in processes),
        )


def measure(
    url: str,
    contender: str,
    *,
    loop: str,
    tasks: int,
    seconds: float,
    processes: int = 1,
    connections: int | None = None,
) -> Load:
    """Take turns for so long.

    Parameters:
        url: the database.
        contender: a module of tests.benchmarks.contenders.
        tasks, connections: of all processes together; without `connections`, what the contender
            opens by itself.
    """
    command = [sys.executable, "-m", "tests.benchmarks.turns", url, contender, f"--loop={loop}"]
    command += [f"--tasks={tasks // processes}", f"--seconds={seconds}"]
    command += [f"--chats={CHATS // processes}"]
    if connections:
        command.append(f"--connections={connections // processes}")
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(processes)
        ]
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
        answers = [child.communicate()[0] for child in children]
    return Load.of([Turns(**json.loads(answer)) for answer in answers])


async def begin(contender: Contender, chats: Sequence[UUID]) -> None:
    """Fill the conversations with a window's messages, and open every connection."""
    await asyncio.gather(*(contender.append_many(chat, BATCH[:WINDOW]) for chat in chats))
    await asyncio.gather(*(contender.turn(chat, BATCH[0], BATCH[1]) for chat in chats))


async def take(contender: Contender, chats: Sequence[UUID], tasks: int, seconds: float) -> Turns:
    """Take turns for so long; one that has begun is finished."""
    milliseconds: list[float] = []
    errors = 0
    following = cycle(chats)

    async def talk() -> None:
        nonlocal errors
        end = start
        while end < start + seconds:
            before = end
            try:
                await contender.turn(next(following), BATCH[0], BATCH[1])
            except Exception:  # noqa: BLE001 - counted, whatever it is
                errors += 1
            end = time.perf_counter()
            milliseconds.append((end - before) * 1e3)

    with _collector() as collections:
        start, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(talk() for _ in range(tasks)))
        clock, cpu = time.perf_counter() - start, time.process_time() - cpu
    return Turns(milliseconds, clock, cpu, sum(collections), errors)


@contextmanager
def _collector() -> Iterator[list[float]]:
    """The CPU seconds of each run of the garbage collector."""
    runs: list[float] = []
    start = 0.0

    def watch(phase: str, _: dict[str, int]) -> None:
        nonlocal start
        if phase == "start":
            start = time.process_time()
        else:
            runs.append(time.process_time() - start)

    gc.callbacks.append(watch)
    try:
        yield runs
    finally:
        gc.callbacks.remove(watch)


async def _work(arguments: argparse.Namespace) -> None:
    pool = import_module(f"tests.benchmarks.contenders.{arguments.contender}").pool
    size = [arguments.connections] if arguments.connections else []
    with closing(Scratch(arguments.url)) as scratch:
        chats = scratch.conversations(arguments.chats)
        async with pool(arguments.url, *size) as contender:
            await begin(contender, chats)
            print("ready", flush=True)
            sys.stdin.readline()
            taken = await take(contender, chats, arguments.tasks, arguments.seconds)
            print(json.dumps(asdict(taken)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One of the processes.")
    parser.add_argument("url")
    parser.add_argument("contender")
    parser.add_argument("--loop", choices=LOOPS)
    for name in ("--tasks", "--chats", "--connections"):
        parser.add_argument(name, type=int)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=LOOPS[options.loop]) as runner:
        runner.run(_work(options))
