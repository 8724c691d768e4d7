"""JSON lines between files and a database, for the command line."""

import asyncio
import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from rich.console import Console
from rich.progress import wrap_file

import dal
from dal.errors import InvalidInputError
from dal.jsonl import LINE_BYTES, Summary, export_everyone, export_lines, import_lines, read_lines


def import_file(
    url: str, file: Path, *, user_id: str | None, rejects: Path | None, console: Console
) -> Summary:
    """Import a file, or standard input where its name is `-`.

    Parameters:
        url: the database.
        file: the JSON lines.
        user_id: the owner of lines that name none.
        rejects: where bad lines go; None stops at the first one.
        console: where progress is shown, if it is a terminal.

    Raises:
        InvalidInputError: the file can't be read, or a line is bad and there are no `rejects`.
    """

    async def run(lines: Iterator[bytes], bad: "_Rejects | None") -> Summary:
        async with dal.connect(url, min_size=1, application_name="dal import") as db:
            reject = bad.add if bad else None
            return await import_lines(db, lines, user_id=user_id, reject=reject)

    if rejects and rejects.resolve() == file.resolve():
        raise InvalidInputError(f"{rejects}: the rejects need a file of their own")
    with _opened(file, console) as opened:
        if rejects is None:
            return asyncio.run(run(read_lines(opened), None))
        with _Rejects(rejects) as bad:
            return asyncio.run(run(read_lines(opened), bad))


def export_to(url: str, file: BinaryIO, *, user_id: str | None) -> None:
    """Write all that is a user's, or everybody's, to an open file."""

    async def run() -> None:
        async with dal.connect(url, min_size=1, application_name="dal export") as db:
            # Asked for by leaving the option out, not by an empty variable: '' is refused.
            lines = export_everyone(db) if user_id is None else export_lines(db, user_id=user_id)
            async for line in lines:
                file.write(line)
        file.flush()

    asyncio.run(run())


@contextmanager
def _opened(file: Path, console: Console) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise InvalidInputError(f"{file}: {error.strerror}") from None
    with opened:
        if not console.is_terminal:
            yield opened
            return
        size = file.stat().st_size
        with wrap_file(opened, size, description="importing", console=console) as shown:
            yield shown


class _Rejects:
    """The bad lines, one JSON object each: their number, the reason, and the line itself.

    A line that is too long to be read whole is `cut`. The file is there only if a line was bad.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        path.unlink(missing_ok=True)  # an earlier run's

    def __enter__(self) -> "_Rejects":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, number: int, line: bytes, reason: str) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8")
        rejected: dict[str, object] = {"line": number, "reason": reason}
        if len(line) > LINE_BYTES:
            rejected["cut"] = True
        try:
            rejected["text"] = line.decode()
        except UnicodeDecodeError:
            rejected["base64"] = base64.b64encode(line).decode()
        self._file.write(json.dumps(rejected, ensure_ascii=False) + "\n")
