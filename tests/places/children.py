"""Runs commands in forked children, in odd surroundings: a new Python for each is too slow.

`python -m tests.places.children` reads a line of JSON for each run and answers with another.
"""

import concurrent.futures.thread  # noqa: F401
import difflib  # noqa: F401
import encodings.idna  # noqa: F401
import gc
import importlib
import io
import json
import os
import pkgutil
import resource
import shlex  # noqa: F401
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dal
from dal.cli import run

STREAMS = ("stdin", "stdout", "stderr")


def connect(number: int, descriptor: int) -> None:
    os.dup2(descriptor, number)
    os.close(descriptor)


def to_full(number: int) -> None:
    connect(number, os.open("/dev/full", os.O_WRONLY))


def to_nobody(number: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    connect(number, writing)


def without_a_folder() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)


def with_an_env_file(text: bytes) -> None:
    os.chdir(tempfile.mkdtemp(dir=os.environ["FOLDER"]))
    Path(".env").write_bytes(text)


def without_a_name() -> None:
    user = 4_242_424
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    else:
        os.geteuid = lambda: user


def variables(**values: str) -> Callable[[], None]:
    return lambda: os.environ.update(values)


SURROUNDINGS: dict[str, Callable[[], object]] = {
    "ordinary": variables(),
    "stdin closed": lambda: os.close(0),
    "stdout closed": lambda: os.close(1),
    "stderr closed": lambda: os.close(2),
    "all closed": lambda: os.closerange(0, 3),
    "stdout full": lambda: to_full(1),
    "stderr full": lambda: to_full(2),
    "reader gone": lambda: to_nobody(1),
    "hearer gone": lambda: to_nobody(2),
    "ASCII": variables(PYTHONIOENCODING="ascii"),
    "odd terminal": variables(COLUMNS="x", LINES="0", TERM="nonsense", TZ="No/1", LANG="xx_YY"),
    "one column": variables(COLUMNS="1"),
    "TMPDIR missing": variables(TMPDIR="/nowhere"),
    "TMPDIR read-only": variables(TMPDIR="/proc"),
    "HOME missing": variables(HOME="/nowhere"),
    "HOME empty": variables(HOME=""),
    "no file can be written": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    "folder gone": without_a_folder,
    "env file is not UTF-8": lambda: with_an_env_file(b"A=\xff\n"),
    "user without a name": without_a_name,
}


def begin() -> None:
    """Open the standard streams as Python does at its start."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for number, name in enumerate(STREAMS):
        errors = "backslashreplace" if name == "stderr" else "strict"
        try:
            os.fstat(number)
        except OSError:
            setattr(sys, name, None)
        else:
            opened = os.fdopen(number, "wb" if number else "rb", closefd=False)
            stream = io.TextIOWrapper(opened, encoding, errors, line_buffering=number == 2)
            setattr(sys, name, stream)


def end(status: int) -> int:
    """Flush them as Python does at its end; the exit status."""
    for stream in sys.stdout, sys.stderr:
        try:
            if stream:
                stream.flush()
        except OSError:
            return 120
    return status


def answer(command: list[str], surroundings: str, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command in its surroundings: its exit status, and what it writes."""
    pipes = [os.pipe() for _ in range(2)]
    child = os.fork()
    if child == 0:
        connect(0, os.open(os.devnull, os.O_RDONLY))
        for number, (reading, writing) in enumerate(pipes, start=1):
            connect(number, writing)
            os.close(reading)
        sys.argv = ["dal", *command]
        os.environ.update(environment)
        status = 1
        try:
            SURROUNDINGS[surroundings]()
            begin()
            status = end(run())
        except BaseException as error:
            traceback.print_exception(error)
            raise
        finally:
            os._exit(status)
    texts = []
    for reading, writing in pipes:
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8", errors="replace") as pipe:
            texts.append(pipe.read())
    _, ended = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(ended), "out": texts[0], "err": texts[1]}


def main() -> None:
    # What is imported late can't be by a user who may not read it.
    for module in pkgutil.walk_packages(dal.__path__, "dal."):
        if module.name != "dal.__main__":
            importlib.import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
