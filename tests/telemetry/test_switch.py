"""Switched off, a call takes the steps that it takes where OpenTelemetry is not installed."""

import json
import subprocess
import sys

import pytest

import dal
import dal.telemetry
from dal import users
from dal.database.calls import watchers
from tests.telemetry import steps as program
from tests.telemetry.exported import Exported
from tests.telemetry.steps import steps

WITHOUT = "import sys; sys.modules['opentelemetry'] = None\n"
STACK = [
    "Binding.function.<locals>.call",
    "Binding._answer",
    "Binding._rows",
    "run",
    "Driver.fetch",
]


@pytest.fixture(scope="module")
def without() -> tuple[list[str], list[str]]:
    """The steps in a process for which OpenTelemetry is not installed."""
    run = WITHOUT + f"import runpy; runpy.run_path({program.__file__!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    stack, called = json.loads(done.stdout)
    return stack, called


async def test_a_call_takes_no_step_more(
    url: str, without: tuple[list[str], list[str]], exported: Exported
) -> None:
    stack, called = without
    assert stack == STACK
    assert len(steps()[0]) > len(stack)
    dal.telemetry.uninstrument()
    assert steps() == (stack, called)
    async with dal.connect(url, min_size=1, slow_call=1):
        assert len(steps()[0]) > len(stack)
    assert steps() == (stack, called)
    assert called.count("Driver.fetch") == 1


async def test_nothing_is_recorded_any_more(db: dal.Database, exported: Exported) -> None:
    dal.telemetry.uninstrument()
    dal.telemetry.uninstrument()
    assert watchers == []
    await users.ensure(db, user_id="ada")
    assert exported.spans() == []
    assert exported.metrics() == {}


async def test_the_providers_of_the_last_call_are_the_ones(
    db: dal.Database, exported: Exported
) -> None:
    exported.instrument()
    await users.ensure(db, user_id="ada")
    assert len(exported.spans()) == 1
    dal.telemetry.instrument()  # OpenTelemetry's own, which were not set
    await users.ensure(db, user_id="ada")
    assert exported.spans() == []


def test_what_is_missing_is_named() -> None:
    run = [sys.executable, "-c", WITHOUT + "import dal; import dal.telemetry"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'dal-chat-memory[telemetry]'" in done.stderr.splitlines()[-1]
