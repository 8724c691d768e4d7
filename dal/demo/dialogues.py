"""Reads the dialogues to play, one JSON object a line."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from dal.errors import InvalidInputError
from dal.inputs import UserId
from dal.messages import Content, MessageRole

OWN = Path(__file__).with_name("dialogues.jsonl")


class _Line(BaseModel):
    # Another format's key is a mistake to report, not text to leave out.
    model_config = ConfigDict(extra="forbid", frozen=True)


class DialogueMessage(_Line):
    """A message of a dialogue."""

    role: MessageRole
    content: Content
    metadata: Any = None


class Dialogue(_Line):
    """One conversation of one user."""

    user_id: UserId
    messages: list[DialogueMessage]


def read(path: Path) -> list[Dialogue]:
    """Read all dialogues of a file.

    Raises:
        InvalidInputError: the file can't be read, or a line is not a dialogue; says which.
    """
    dialogues = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    dialogues.append(_dialogue(path, number, line))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from None
    if not dialogues:
        raise InvalidInputError(f"{path}: there is no dialogue in it")
    return dialogues


def _dialogue(path: Path, number: int, line: bytes) -> Dialogue:
    try:
        return Dialogue.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    # Pydantic's message names the place and the rule; for broken JSON, the column too.
    raise InvalidInputError(f"{path}, line {number}: {f'{place}: ' if place else ''}{first['msg']}")
