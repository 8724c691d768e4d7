"""Standard input, output and error."""

import errno
import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from rich.console import Console


class Output(Console):
    """Prints text as it is."""

    def __init__(self, **options: Any) -> None:
        plain: dict[str, Any] = {
            "markup": False,
            "emoji": False,
            "highlight": False,
            "soft_wrap": True,
        }
        super().__init__(**plain | options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Write the objects at once.

        Raises:
            OSError: they can't be written; BrokenPipeError where the reader has gone.
        """
        with naming("standard error" if self.stderr else "standard output"):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Leave the exit status to the caller."""
        raise BrokenPipeError


out = Output()
"""For results."""
notes = Output(stderr=True)
"""For remarks to a person."""
err = Output(stderr=True)
"""For errors."""


def silence(quiet: bool) -> None:
    """Switch `out` and `notes` off, or on again."""
    out.quiet = notes.quiet = quiet


def print_json(value: object) -> None:
    """Write JSON, even with --quiet."""
    Output().print(json.dumps(value, indent=2, default=str))


def is_regular(file: BinaryIO) -> bool:
    """Whether a file is on a disk, so that reading and writing it does not wait."""
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # it has no descriptor
        return False


def complain(error: Exception) -> None:
    """Write the error with which a command fails."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        if error.errno == errno.EBADF and error.filename:
            text = f"{error.filename} is closed"
    err.print(f"error: {text}", style="red")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Add a file's name to an error of reading or writing it."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, name) from None


class _Lenient(io.TextIOWrapper):
    """Standard error; a message that can't be written is dropped, and the exit status remains."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def prepare() -> None:
    """Prepare the standard streams."""
    # Where one is closed, the next file or connection would get its number, and C libraries would
    # write to that. So open /dev/null in the opposite mode, so that any use fails.
    for name, mode, wrong in (
        ("stdin", "rb", os.O_WRONLY),
        ("stdout", "wb", os.O_RDONLY),
        ("stderr", "wb", os.O_RDONLY),
    ):
        if getattr(sys, name) is None:
            opened = os.fdopen(os.open(os.devnull, wrong), mode)
            setattr(sys, name, io.TextIOWrapper(opened, encoding="utf-8"))
    # A character that the encoding lacks is written as an escape, as in an ASCII terminal.
    output, error = cast(io.TextIOWrapper, sys.stdout), cast(io.TextIOWrapper, sys.stderr)
    output.reconfigure(errors="backslashreplace")
    encoding = error.encoding
    sys.stderr = _Lenient(
        error.detach(), encoding=encoding, errors="backslashreplace", line_buffering=True
    )


def flush() -> None:
    """Write what is still in standard output's buffer.

    Raises:
        OSError: it can't be written; Python is kept from trying again at its end.
    """
    try:
        with naming("standard output"):
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
