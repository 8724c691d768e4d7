"""Reads the dialogues to play: the conversations of a file that `dal import` could read, too."""

from pathlib import Path

from dal.errors import InvalidInputError
from dal.jsonl import read_lines
from dal.jsonl.lines import ConversationLine, is_blank, parse
from dal.jsonl.values import BadLine

OWN = Path(__file__).with_name("dialogues.jsonl")


def read(path: Path) -> list[ConversationLine]:
    """Read all dialogues of a file.

    Raises:
        InvalidInputError: the file can't be read, or a line is not a dialogue; says which.
    """
    dialogues = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(read_lines(file), start=1):
                if not is_blank(line):
                    dialogues.append(_dialogue(path, number, line))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None
    if not dialogues:
        raise InvalidInputError(f"{path}: there is no dialogue in it")
    return dialogues


def _dialogue(path: Path, number: int, text: bytes) -> ConversationLine:
    try:
        line = parse(text)
        if isinstance(line, ConversationLine):
            return line
        reason = "is a task, and the demo plays conversations"
    except BadLine as bad:
        reason = str(bad)
    raise InvalidInputError(f"{path}, line {number}: {reason}")
