"""pgbench with prepared statements: the server and the way there, without any client's work.

It sends the statements of dal's own files, whose parameters it takes for its own variables.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from uuid import UUID

from dal.paths import SQL
from tests.benchmarks.contender import Place
from tests.benchmarks.data import LONG, SHORT, USER
from tests.benchmarks.works import APPEND, DEEP, HISTORY, HISTORY_LONG, LIST, READ_100, Work

NAME = "pgbench, prepared"

_LATENCY = re.compile(r"latency average = ([0-9.]+) ms")
_FILES = {
    APPEND: "messages/create.sql",
    HISTORY: "messages/history.sql",
    HISTORY_LONG: "messages/history.sql",
    DEEP: "messages/history.sql",
    LIST: "conversations/list_for_user.sql",
    READ_100: "messages/history.sql",
}
WORKS = list(_FILES)
# It has no NULL and no new UUID: the sentinels are what NULL means, and an id is made of a number.
_FIRST = {"before_time": "infinity", "before_id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}
_NEW_ID = "\\set id random(1, 9000000000000000000)\n"


def microseconds(program: Path, url: str, work: Work, to: UUID, place: Place, calls: int) -> float:
    """The mean time of one call.

    Parameters:
        program: pgbench.
        url: the server's.
        work: one of WORKS.
        to: the conversation to write to.
        place: deep in the long one.
        calls: one after another.
    """
    sql = (SQL / _FILES[work]).read_text()
    if work is APPEND:
        sql = _NEW_ID + sql.replace(":id::uuid", "md5((:id)::text)::uuid")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"{sql};\n")
        script.flush()
        options: list[str] = ["--no-vacuum", "--protocol=prepared", f"--transactions={calls}"]
        options += [f"--define={name}={value}" for name, value in _values(work, to, place).items()]
        command = [str(program), *options, f"--file={script.name}", url]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    latency = _LATENCY.search(answer.stdout)
    assert latency, answer.stderr
    return float(latency[1]) * 1000


def _values(work: Work, to: UUID, place: Place) -> dict[str, object]:
    values: dict[str, object] = {"user_id": USER, "conversation_id": SHORT, "limit": 20, **_FIRST}
    if work is APPEND:
        values |= {
            "conversation_id": to,
            "role": "assistant",
            "content": "1 Put milk and bread on the list, please.",
        }
        values |= {"metadata": "{}"}
    if work in (HISTORY_LONG, DEEP):
        values |= {"conversation_id": LONG}
    if work is DEEP:
        values |= {"before_time": place.time.isoformat(), "before_id": place.id}
    if work in (LIST, READ_100):
        values |= {"limit": 50 if work is LIST else 100}
    return values
