"""Several processes at once, as a service has workers, each with a pool of its own."""

from tests.benchmarks import load, turns
from tests.benchmarks.steps import Each
from tests.benchmarks.turns import Load

WORKERS, CONNECTIONS, TASKS = 4, 100, 1000
_INTRODUCTION = f"""\
## In several processes

Chat turns by {WORKERS} processes on uvloop, with {CONNECTIONS} connections and {TASKS:,} tasks
between them. They share one core with each other, and the server has another one.

| | turns a second | CPU a turn, µs | of it the collector | p50, ms | p95, ms | p99, ms | errors |
|---|--:|--:|--:|--:|--:|--:|--:|
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
    results: dict[str, list[Load]] = {"ours": [], "raw": []}
    for _, contender in each([(number, name) for number in range(rounds) for name in results]):
        results[contender].append(
            turns.measure(
                url,
                contender,
                loop="uvloop",
                tasks=TASKS,
                seconds=seconds,
                processes=WORKERS,
                connections=connections,
            )
        )
    return results


def page(results: dict[str, list[Load]]) -> str:
    """Its section of the page."""
    lines = [f"| {load.NAMES[name]} | {load.figures(rounds)}" for name, rounds in results.items()]
    return _INTRODUCTION + "".join(lines)
