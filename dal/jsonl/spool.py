"""Keeps lines in a temporary file, so that no transaction waits for their writer or reader."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from dal.errors import DalError
from dal.jsonl.values import LINE_BYTES

_IN_MEMORY = 2**20
_LENGTH = 8  # bytes before each line, which may hold a line end, or have none


class Spool:
    """Lines in a temporary file that nobody else can open; a few of them stay in memory.

    Once all are added, they can be read any number of times. Use it with `contextlib.closing`.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115

    def close(self) -> None:
        """Remove the file."""
        with suppress(OSError):  # a full disk fails once more for what it has not taken
            self._file.close()

    def add(self, line: bytes) -> None:
        """Add a line.

        Raises:
            DalError: the folder for temporary files is absent or full.
        """
        with _explained():
            self._file.write(len(line).to_bytes(_LENGTH, "big") + line)

    def clear(self) -> None:
        """Remove all lines."""
        with _explained():
            self._file.seek(0)
            self._file.truncate()

    def __iter__(self) -> Iterator[bytes]:
        with _explained():
            self._file.seek(0)
        while length := self._file.read(_LENGTH):
            yield self._file.read(int.from_bytes(length, "big"))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror
    else:
        return
    raise DalError(
        f"the lines can't be kept in a temporary file ({reason}); set TMPDIR to a folder with room"
        " for all of them"
    )


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file.

    A line longer than LINE_BYTES is never in memory as a whole: it is cut off one byte after the
    limit, and `import_lines` refuses it for its length.
    """
    while line := file.readline(LINE_BYTES + 1):
        piece = line
        while len(piece) > LINE_BYTES and not piece.endswith(b"\n"):
            piece = file.readline(LINE_BYTES + 1)
        yield line
