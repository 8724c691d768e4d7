"""Runs commands on a terminal of 80 columns, or in pipes."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import dal

CHECKOUT = Path(dal.__file__).parents[1]
_SEQUENCE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


class Ended(NamedTuple):
    """How a command ended, and what it wrote; `screen` is what the terminal got."""

    status: int
    screen: str
    out: str


def plain(text: str) -> str:
    """Without colours and movements."""
    return _SEQUENCE.sub("", text).replace("\r\n", "\n")


def on_terminal(
    *arguments: str | Path,
    environment: dict[str, str] | None = None,
    keys: str = "",
    piped_out: bool = False,
) -> Ended:
    """Run `dal` on a terminal.

    Parameters:
        environment: beside that of the tests.
        keys: what is typed once the command asks.
        piped_out: whether standard output is a pipe, and only the rest the terminal.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    surroundings = {
        name: value
        for name, value in os.environ.items()
        if name not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "DATABASE_URL")
    }
    surroundings |= {"TERM": "xterm-256color", "PYTHONPATH": str(CHECKOUT)} | (environment or {})
    written = b""

    def read() -> None:
        nonlocal written
        typed = not keys
        with suppress(OSError):  # its end
            while more := os.read(master, 10_000):
                written += more
                if not typed and b"[y/N]" in written:
                    # Python drops an interrupt that meets it in a clean-up of its own.
                    time.sleep(0.5)
                    os.write(master, keys.encode())
                    typed = True

    def prepare() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # for Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a run in the background ignores

    reading = threading.Thread(target=read)
    reading.start()
    with subprocess.Popen(
        [sys.executable, "-m", "dal", *map(str, arguments)],
        stdin=slave,
        stdout=subprocess.PIPE if piped_out else slave,
        stderr=slave,
        env=surroundings,
        start_new_session=True,
        preexec_fn=prepare,
    ) as child:
        os.close(slave)
        try:
            out, _ = child.communicate(timeout=120)
        finally:
            child.kill()
    reading.join(timeout=10)
    os.close(master)
    return Ended(child.returncode, written.decode(), (out or b"").decode())


def in_pipes(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `dal` with pipes, as a script or a log has them."""
    surroundings = os.environ | {"PYTHONPATH": str(CHECKOUT)} | (environment or {})
    command = [sys.executable, "-m", "dal", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=surroundings, timeout=120)
