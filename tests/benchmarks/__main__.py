"""`make bench`: measures everything in one run on one server, and writes README.md and chart.svg.

`--quick` measures the same with few rounds, prints the page and writes nothing.
"""

import argparse
import asyncio
import os
import platform
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from dal import embedded, migrate
from dal.testing.server import Postgres
from tests.benchmarks import (
    bulk,
    chart,
    growth,
    imports,
    load,
    profile,
    promises,
    speed,
    storage,
    targets,
    upkeep,
    workers,
)
from tests.benchmarks.contenders import (
    agents_sdk,
    generated,
    langchain,
    ours,
    raw,
    repositories,
)
from tests.benchmarks.data import deep, fill
from tests.benchmarks.databases import vacuum
from tests.benchmarks.steps import Steps, steps
from tests.benchmarks.turns import LOOPS

Result = TypeVar("Result")

FOLDER = Path(__file__).parent
CONTENDERS = [
    ours.pool,
    ours.held,
    raw.held,
    raw.pool,
    generated.pool,
    repositories.pool,
    agents_sdk.pool,
    langchain.held,
]
LATENCIES = [0, 1]  # ms
PACKAGES = [
    "asyncpg",
    "pydantic",
    "pydantic-core",
    "sqlmodel",
    "SQLAlchemy",
    "openai-agents",
    "langchain-postgres",
    "psycopg",
]
INTRODUCTION = """\
# Benchmarks

Written by `make bench`, in one run on one server; run it to have your own machine's figures.

- {machine}; Python {python}; PostgreSQL {postgres}, embedded, on a Unix socket.
- {packages}.
- Client and server have a core each where the system lets them be bound, or else the scheduler's
  choice decides. Added latency goes by way of a relay on loopback, which has the client's core and
  takes a quarter of a millisecond by itself; pgbench's column shows it.
- Commits don't wait for a disk: `fsync` and `synchronous_commit` are off.
"""
QUICK: dict[str, dict[str, Any]] = {
    "speed": {"rounds": 3, "calls": 3},
    "load": {"rounds": 1, "seconds": 0.3, "contenders": dict.fromkeys(LOOPS, ("ours", "raw"))},
    "profile": {"seconds": 0.3},
    "workers": {"rounds": 1, "seconds": 0.3},
    "bulk": {"rounds": 2, "chats": 200},
    "imports": {"rounds": 3},
    "storage": {"count": 10_000, "rounds": 3, "batch": 20, "appends": 1000, "others": [0]},
    "upkeep": {"chats": 1000},
    "growth": {"sizes": (1000, 10_000), "rounds": 5},
}


def main() -> None:
    """Measure, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    options = defaultdict(dict, QUICK if quick else {})
    with steps(11) as run, bound_server() as server:
        postgres = Postgres("embedded", server.dsn())

        def empty() -> str:
            url = postgres.create()
            migrate.apply(url)
            return url

        def measured(part: str, measure: Callable[..., Result], *arguments: object) -> Result:
            run.begin(part)
            return measure(*arguments, each=run.each, **options[part])

        url = empty()
        tables = asyncio.run(_side_by_side(url, server.bin / "pgbench", options, run))
        loads = measured("load", load.measure, url)
        profiles = measured("profile", profile.measure, url)
        processes = measured("workers", workers.measure, url)
        bulked = measured("bulk", bulk.measure, empty())
        started = measured("imports", imports.measure, ["dal", "sqlmodel", "asyncpg", "pydantic"])
        page = "\n".join(
            [
                _introduction(postgres),
                targets.page(targets.targets(tables, loads, bulked, started)),
                speed.page(tables),
                load.page(loads),
                profile.page(profiles),
                workers.page(processes),
                bulk.page(bulked),
                imports.page(started),
                growth.page(measured("growth", growth.measure, empty())),
                storage.page(measured("storage", storage.measure, empty())),
                upkeep.page(measured("upkeep", upkeep.measure, empty())),
                promises.page(promises.measure(postgres.create()), version("sqlc")),
            ]
        )
    if quick:
        print(page)
    else:
        (FOLDER / "README.md").write_text(page, encoding="utf-8")
        (FOLDER / "chart.svg").write_text(chart.svg(tables[0]), encoding="utf-8")


@contextmanager
def bound_server() -> Iterator[embedded.Server]:
    """A server on one core and this process on another, where that can be."""
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:2])  # which a child inherits
    with embedded.Server() as server:
        if len(cores) > 1:
            os.sched_setaffinity(0, cores[:1])
        yield server


@contextmanager
def delayed(url: str, milliseconds: int) -> Iterator[str]:
    """The same server, further away."""
    if not milliseconds:
        yield url
        return
    command = [sys.executable, "-m", "tests.wire", url, f"--delay={milliseconds / 1000}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as relay:  # which ends with its standard input
        assert relay.stdout
        yield relay.stdout.readline().strip()


async def _side_by_side(
    url: str, pgbench: Path, options: Mapping[str, dict[str, Any]], run: Steps
) -> dict[int, speed.Table]:
    run.begin("rows to measure with")
    fill(url)
    place = deep(url)
    await agents_sdk.prepare(url)
    await langchain.prepare(url)
    vacuum(url)
    tables: dict[int, speed.Table] = {}
    for latency in LATENCIES:
        run.begin(f"speed, {latency} ms away")
        with delayed(url, latency) as far:
            async with AsyncExitStack() as stack:
                contenders = [await stack.enter_async_context(pool(far)) for pool in CONTENDERS]
                await speed.agree(contenders, url, place)
                tables[latency] = await speed.measure(
                    contenders, pgbench, far, url, place, each=run.each, **options["speed"]
                )
    return tables


def _introduction(postgres: Postgres) -> str:
    info = Path("/proc/cpuinfo")  # Linux has the model's name nowhere else
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    cpu = model[1] if model else platform.processor()
    return INTRODUCTION.format(
        machine=f"{platform.system()}, {os.cpu_count()} cores, {cpu or platform.machine()}",
        python=platform.python_version(),
        postgres=postgres.version(),
        packages=", ".join(f"{package} {version(package)}" for package in PACKAGES),
    )


if __name__ == "__main__":
    main()
