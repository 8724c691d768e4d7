"""Pages of the documents, with the programs in them."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parents[2]
FENCED = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a document."""

    file: str
    line: int
    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0].partition(" #")[0].strip()

    @property
    def path(self) -> str | None:
        """The file that it shows, if its first line is a comment with a path."""
        named = re.fullmatch(r"(?:#|--) ([\w./-]+\.(?:toml|sql|py))", self.text.partition("\n")[0])
        return named and named[1]

    @property
    def excerpt_of(self) -> str | None:
        """The file of the checkout that it is an excerpt of, if its first line says so."""
        named = re.fullmatch(r"# from ([\w./-]+)", self.text.partition("\n")[0])
        return named and named[1]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.first_line}"


def blocks_of(file: str) -> list[Block]:
    """The blocks of a document, by its path in the checkout."""
    text = (CHECKOUT / file).read_text(encoding="utf-8")
    return [
        Block(file, text.count("\n", 0, fence.start()) + 2, fence[2], textwrap.dedent(fence[3]))
        for fence in FENCED.finditer(text)
    ]


def succeed(*command: str | Path, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


# A program, or lines for a prompt that awaits.
_RUN = """
import ast, asyncio, inspect, pathlib

code = compile(
    pathlib.Path("block.py").read_text("utf-8"), "block.py", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
)
work = eval(code)
if inspect.iscoroutine(work):
    asyncio.run(work)
"""


def run_python(block: Block) -> None:
    """Run it in the present folder, where its file stays."""
    Path("block.py").write_text(block.text, encoding="utf-8")
    succeed(sys.executable, "-W", "error", "-c", _RUN)
