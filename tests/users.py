"""Tests as a user who is not allowed everything."""

import concurrent.futures.thread  # noqa: F401  # what is imported late may not be readable then
import encodings.idna  # noqa: F401
import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Run the block as an ordinary user: as nobody where root runs the tests."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
