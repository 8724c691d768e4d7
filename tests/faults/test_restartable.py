"""The server that these tests stop leaves nothing behind, however it or its owner ends."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from dal.testing.server import Postgres
from tests.faults.activity import eventually
from tests.faults.restartable import End, Restartable

CHECKOUT = Path(__file__).parents[2]


def shared_memory(directory: Path) -> str:
    """The number of the server's segment."""
    return (directory / "data/postmaster.pid").read_text().splitlines()[6].split()[1]


def left(directory: Path, segment: str) -> list[str]:
    segments = [line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
    return [str(directory)] * directory.exists() + [segment] * (segment in segments)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("end", [None, *get_args(End)])
def test_nothing_is_left_of_a_closed_server(dal_server: Postgres, end: End | None) -> None:
    with Restartable.like(dal_server) as server:
        traces = server.directory, shared_memory(server.directory)
        assert len(left(*traces)) == 2
        if end:
            server.stop(end)
    assert left(*traces) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_nothing_is_left_when_its_owner_is_killed() -> None:
    code = """
import signal
from tests.faults.restartable import Restartable
server = Restartable()
print(server.directory, flush=True)
signal.pause()
"""
    with subprocess.Popen(  # noqa: ASYNC220 it ends at once
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        directory = Path(owner.stdout.readline().strip())
        segment = shared_memory(directory)
        owner.kill()

    async def traces() -> list[str]:
        return left(directory, segment)

    await eventually(traces, [])
