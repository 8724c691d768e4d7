"""Writes an import's bad lines to a new file, synced before the import commits."""

import base64
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from dal.cli.streams import err, naming
from dal.errors import ConnectionLostError, DalError, InvalidInputError
from dal.jsonl import LINE_BYTES


class Rejects:
    """One JSON object for each bad line: its number, the reason, and the line itself.

    A line that is too long to be read as a whole is `cut`. Only the user can read the file: it
    holds what people wrote. It has a temporary name beside its path until the import has ended; it
    is kept only if a line was bad and the good lines were stored, or may have been.

    Raises:
        InvalidInputError: something has the name already, or nothing can be written there.
    """

    def __init__(self, path: Path) -> None:
        if os.path.lexists(path):
            raise InvalidInputError(
                f"{path} is there already; move it away, or choose another file with --rejects"
            )
        self._path, self._lines, self._synced = path, 0, 0
        try:
            descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        except OSError as error:
            raise InvalidInputError(f"{path}: {error.strerror}") from None
        self._written = Path(name)
        self._file = open(descriptor, "w", encoding="utf-8")  # noqa: PTH123, SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk fails once more for what is not written yet
            self._file.close()
        undone = isinstance(error, DalError | OSError) and not isinstance(
            error, ConnectionLostError
        )
        if undone or not self._lines:
            self._written.unlink()
        else:
            bad = "1 bad line is" if self._lines == 1 else f"{self._lines:,} bad lines are"
            err.print(f"{bad} in {self._named()}")

    def add(self, number: int, line: bytes, reason: str) -> None:
        """Write a line."""
        rejected: dict[str, object] = {"line": number, "reason": reason}
        if len(line) > LINE_BYTES:
            rejected["cut"] = True
        try:
            rejected["text"] = line.decode()
        except UnicodeDecodeError:
            rejected["base64"] = base64.b64encode(line).decode()
        with naming(str(self._path)):
            self._file.write(json.dumps(rejected, ensure_ascii=False) + "\n")
        self._lines += 1

    def sync(self) -> None:
        """Return when all lines so far are on the disk."""
        if self._synced == self._lines:
            return
        with naming(str(self._path)):
            self._file.flush()
            os.fsync(self._file.fileno())
            if not self._synced:
                self._sync_name()
        self._synced = self._lines

    def _sync_name(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            with suppress(OSError):  # not every file system can
                os.fsync(folder)
        finally:
            os.close(folder)

    def _named(self) -> Path:
        """Give the file its name, or keep the temporary one if that is taken by now; returns it."""
        try:
            os.link(self._written, self._path)  # unlike a rename, it replaces nothing
        except OSError:  # or a file system without links
            return self._written
        self._written.unlink()
        return self._path
