"""Memory stays bounded, however much is read or written."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

MB = 2**20

CHILD = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
import dal
from dal.jsonl import export_everyone, export_lines, import_lines, read_lines

def kilobytes(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(name + ":")[2].split()[0])

async def main(way, url, name):
    async with dal.connect(url, min_size=1) as db:
        await db.ping()
        messages = dal.messages.stream(db, user_id="talker", conversation_id=UUID(int=1))
        with open(name, "rb" if way == "import" else "wb") as file:
            idle = kilobytes("VmRSS")
            match way:
                case "import":
                    await import_lines(db, read_lines(file))
                case "export":
                    async for line in export_everyone(db):
                        file.write(line)
                case "export one user":
                    async for line in export_lines(db, user_id="talker"):
                        file.write(line)
                case "stream":
                    async for message in messages:
                        file.write(message.content.split()[0].encode() + b" ")
                case "list":
                    kept = [message async for message in messages]
            print(kilobytes("VmHWM") - idle)

asyncio.run(main(*sys.argv[1:]))
"""

TALK = """
    INSERT INTO users (id) VALUES ('talker');

    INSERT INTO conversations (id, user_id)
    VALUES ('00000000-0000-0000-0000-000000000001', 'talker');

    INSERT INTO messages (id, user_id, conversation_id, role, content, created_at)
    SELECT gen_random_uuid(), 'talker', '00000000-0000-0000-0000-000000000001', 'assistant',
        rpad(n || ' Buy milk', {length}, '.'), timestamptz '2025-01-01 00:00Z' + n * interval '1 s'
    FROM generate_series(1, {count}) AS n;
"""


def grown(way: str, url: str, file: Path) -> int:
    """Bytes above idle at the peak."""
    command = [sys.executable, "-c", CHILD, way, url, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024


@pytest.mark.parametrize("size", [24 * MB, pytest.param(200 * MB, marks=pytest.mark.slow)])
def test_memory_is_bounded(url: str, tmp_path: Path, size: int) -> None:
    file, back = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    with file.open("w") as lines:
        number = 0
        while lines.tell() < size:
            # Short conversations of many users, and among them long ones of large messages.
            number += 1
            count, length = (2000, 900) if number % 500 == 0 else (20, 200)
            messages = [{"role": "user", "content": "x" * length} for _ in range(count)]
            line = {"user_id": f"user {number % 50}", "id": str(UUID(int=number))}
            lines.write(json.dumps(line | {"messages": messages}) + "\n")
    assert grown("import", url, file) < 64 * MB
    assert grown("export", url, back) < 64 * MB
    assert back.stat().st_size > size
    assert grown("import", url, back) < 64 * MB


# Every day fewer and longer ones: what must not be held in memory is as much.
@pytest.mark.parametrize(
    ("count", "length"), [(25_000, 1900), pytest.param(300_000, 200, marks=pytest.mark.slow)]
)
def test_one_long_conversation_is_never_held(
    url: str, tmp_path: Path, count: int, length: int
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TALK.format(count=count, length=length).encode())
    streamed, everyone, talker = (tmp_path / name for name in ("streamed", "everyone", "talker"))
    peaks = {
        "stream": grown("stream", url, streamed),
        "export": grown("export", url, everyone),
        "export one user": grown("export one user", url, talker),
    }
    assert {way: peak for way, peak in peaks.items() if peak >= 32 * MB} == {}
    everything = list(range(1, count + 1))
    assert [int(number) for number in streamed.read_text().split()] == everything
    lines = [json.loads(line) for line in everyone.read_bytes().splitlines()]
    contents = [message["content"] for line in lines for message in line["messages"]]
    assert [int(content.split()[0]) for content in contents] == everything
    assert talker.read_bytes() == everyone.read_bytes()
    # What is measured is memory: the same messages kept are far beyond the bound.
    assert grown("list", url, tmp_path / "kept") > 48 * MB
