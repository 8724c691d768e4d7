"""Several processes at once, as a service has workers, each with a pool of its own."""

import asyncio
import json
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import asdict

import uvloop

from tests.benchmarks import load
from tests.benchmarks.contenders import ours, raw
from tests.benchmarks.data import Scratch
from tests.benchmarks.load import CHATS, Load, Turns, begin, turns
from tests.benchmarks.steps import Each

WORKERS, CONNECTIONS, TASKS = 4, 100, 1000
POOLS = {"dal": ours.pool, "asyncpg, Pool.fetch": raw.pool}
_INTRODUCTION = f"""\
## In several processes

Chat turns by {WORKERS} processes on uvloop, with {CONNECTIONS} connections and {TASKS:,} tasks
between them. They share one core with each other, and the server has another one.

| | turns a second | CPU a turn, µs | p50, ms | p95, ms | p99, ms | errors |
|---|--:|--:|--:|--:|--:|--:|
"""


def measure(
    url: str,
    *,
    rounds: int = 2,
    seconds: float = 3,
    connections: int = CONNECTIONS,
    each: Each[tuple[int, str]] = iter,
) -> dict[str, list[Load]]:
    """Take turns for so long, on so many connections in all."""
    results: dict[str, list[Load]] = {name: [] for name in POOLS}
    for _, name in each([(number, name) for number in range(rounds) for name in POOLS]):
        command = [sys.executable, "-m", "tests.benchmarks.workers", url, name]
        command += [str(seconds), str(connections // WORKERS)]
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                    )
                )
                for _ in range(WORKERS)
            ]
            for process in processes:
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
            for process in processes:
                assert process.stdin
                process.stdin.write("go\n")
                process.stdin.flush()
            answers = [process.communicate()[0] for process in processes]
        results[name].append(Load.of([Turns(**json.loads(answer)) for answer in answers]))
    return results


async def work(url: str, name: str, seconds: float, connections: int) -> None:
    """One of the processes: connects, waits for the others, and takes turns."""
    with closing(Scratch(url)) as scratch:
        chats = scratch.conversations(CHATS // WORKERS)
        async with POOLS[name](url, connections) as contender:
            await begin(contender, chats)
            print("ready", flush=True)
            sys.stdin.readline()
            print(json.dumps(asdict(await turns(contender, chats, TASKS // WORKERS, seconds))))


def page(results: dict[str, list[Load]]) -> str:
    """Its section of the page."""
    lines = [f"| {name} | {load.figures(rounds)}" for name, rounds in results.items()]
    return _INTRODUCTION + "".join(lines)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        url, name, seconds, connections = sys.argv[1:]
        runner.run(work(url, name, float(seconds), int(connections)))
