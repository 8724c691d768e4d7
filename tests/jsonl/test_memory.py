"""Memory stays bounded, however long the file."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

MB = 2**20

CHILD = """
import asyncio, sys
from pathlib import Path
import dal
from dal.jsonl import export_everyone, import_lines, read_lines

def kilobytes(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(name + ":")[2].split()[0])

async def main(way, url, file):
    async with dal.connect(url, min_size=1) as db:
        await db.ping()
        idle = kilobytes("VmRSS")
        if way == "in":
            with open(file, "rb") as lines:
                await import_lines(db, read_lines(lines))
        else:
            with open(file, "wb") as lines:
                async for line in export_everyone(db):
                    lines.write(line)
        print(kilobytes("VmHWM") - idle)

asyncio.run(main(*sys.argv[1:]))
"""


def grown(way: str, url: str, file: Path) -> int:
    """Bytes above idle at the peak."""
    command = [sys.executable, "-c", CHILD, way, url, str(file)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(found.stdout) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("size", [24 * MB, pytest.param(200 * MB, marks=pytest.mark.slow)])
def test_memory_is_bounded(url: str, tmp_path: Path, size: int) -> None:
    file, back = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    with file.open("w") as lines:
        number = 0
        while lines.tell() < size:
            # Short conversations of many users, and among them long ones of large messages.
            number += 1
            said, length = (2000, 900) if number % 500 == 0 else (20, 200)
            messages = [{"role": "user", "content": "x" * length} for _ in range(said)]
            line = {"user_id": f"user {number % 50}", "id": str(UUID(int=number))}
            lines.write(json.dumps(line | {"messages": messages}) + "\n")
    assert grown("in", url, file) < 64 * MB
    assert grown("out", url, back) < 64 * MB
    assert back.stat().st_size > size
    assert grown("in", url, back) < 64 * MB
