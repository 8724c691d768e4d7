"""Where a turn's time goes: one process under Python's profiler, which takes turns by few tasks."""

import argparse
import asyncio
import cProfile
import json
import pstats
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from importlib import import_module

from tests.benchmarks import turns
from tests.benchmarks.data import Scratch
from tests.benchmarks.load import FEW, NAMES
from tests.benchmarks.steps import Each
from tests.benchmarks.turns import LOOPS

_LOOP = "the event loop, and asyncpg's reading of answers"
_ARGUMENTS = "arguments: their checks and their order"
_RECORDS = "dictionaries to records: Pydantic"
# The first that is part of a function's file or name says where its time belongs.
_ROOMS = [
    ("benchmarks/", "the benchmark"),
    ("rows.py _read", "rows to dictionaries"),
    ("rows.py <listcomp>", "rows to dictionaries"),
    ("record.Record", "rows to dictionaries"),
    ("binding/rows.py", _RECORDS),
    ("json_columns.py", _RECORDS),
    *((part, _ARGUMENTS) for part in ("arguments.py", "inputs.py", "metadata.py", "enum.py")),
    ("dal/messages.py", _ARGUMENTS),
    ("uuid.py", "ids"),
    ("dal/binding/", "the call: signals and the shape of its answer"),
    ("dal/database/executor.py", "the call: signals and the shape of its answer"),
    ("dal/", "dal's pool"),
    ("asyncpg/pool.py", "asyncpg's pool, without the statements that reset"),
    ("asyncpg", "asyncpg's sending of statements"),
]
_INTRODUCTION = f"""\
## Where a turn's time goes

A chat turn by {FEW} tasks at once, under Python's profiler, which makes Python's calls dearer than
those in C: shares of the process's CPU time in per cent, of what takes 2% or more somewhere. What
Pydantic does for arguments and records, and what asyncpg does for statements and answers, is the
floor of a typed call. `Pool.fetch` sends and reads a reset after each call as well.
"""


def measure(url: str, *, seconds: float = 3, each: Each[tuple[str, str]] = iter) -> "Profiles":
    """Profile dal and `Pool.fetch` on both loops."""
    profiles: Profiles = {}
    for loop, contender in each([(loop, name) for loop in LOOPS for name in ("ours", "raw")]):
        command = [sys.executable, "-m", "tests.benchmarks.profile", url, contender]
        command += [f"--loop={loop}", f"--seconds={seconds}"]
        answer = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        profiles[contender, loop] = json.loads(answer)
    return profiles


Profiles = dict[tuple[str, str], dict[str, float]]
"""By contender and loop: the share of each room, and `calls`, the number of calls a turn."""


def page(profiles: Profiles) -> str:
    """Its section of the page."""
    columns = [*profiles]
    rooms = dict.fromkeys(
        room for shares in profiles.values() for room in shares if room != "calls"
    )
    shown = [room for room in rooms if any(p.get(room, 0) >= 2 for p in profiles.values())]
    shown.sort(key=lambda room: -profiles[columns[0]].get(room, 0))
    lines = [
        f"| {room} |" + "".join(f" {profiles[key].get(room, 0):.0f} |" for key in columns) + "\n"
        for room in shown
    ]
    calls = "".join(f" {profiles[key]['calls']:.0f} |" for key in columns)
    return (
        _INTRODUCTION
        + "\n| % |"
        + "".join(f" {NAMES[contender]}, {loop} |" for contender, loop in columns)
        + "\n|---|"
        + "--:|" * len(columns)
        + "\n"
        + "".join(lines)
        + f"| calls of functions a turn, in Python and C |{calls}\n"
    )


def _shares(profile: cProfile.Profile, taken: turns.Turns) -> dict[str, float]:
    own: defaultdict[str, float] = defaultdict(float)
    calls = 0
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for function, (_, count, seconds, _, callers) in functions.items():
        calls += count
        if "validate_python" in function[2]:  # of arguments, or of records
            for caller, (_, _, part, _) in callers.items():
                own[_room(caller)] += part
        else:
            own[_room(function)] += seconds
    own[_LOOP] += max(0, taken.cpu - sum(own.values()))  # what a loop in C does by itself
    total = sum(own.values())
    shares = {room: seconds * 100 / total for room, seconds in own.items()}
    return {**shares, "calls": calls / len(taken.milliseconds)}


def _room(function: tuple[str, int, str]) -> str:
    place = f"{function[0]} {function[2]}"
    return next((room for part, room in _ROOMS if part in place), _LOOP)


async def _work(arguments: argparse.Namespace) -> None:
    pool = import_module(f"tests.benchmarks.contenders.{arguments.contender}").pool
    with closing(Scratch(arguments.url)) as scratch:
        chats = scratch.conversations(turns.CHATS)
        async with pool(arguments.url) as contender:
            await turns.begin(contender, chats)
            with cProfile.Profile(time.process_time) as profile:
                taken = await turns.take(contender, chats, FEW, arguments.seconds)
    print(json.dumps(_shares(profile, taken)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The profiled process.")
    parser.add_argument("url")
    parser.add_argument("contender")
    parser.add_argument("--loop", choices=LOOPS)
    parser.add_argument("--seconds", type=float)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=LOOPS[options.loop]) as runner:
        runner.run(_work(options))
