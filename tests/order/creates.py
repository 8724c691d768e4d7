"""The functions that make something, and what to call them with."""

from typing import Any
from uuid import uuid4

from dal import Conversation
from tests.surface import FUNCTIONS, VALUES, arguments

CREATES = [name for name in FUNCTIONS if name.partition(".")[2].startswith(("create", "ensure"))]
WITH_CONTENT = [name for name in CREATES if name not in ("conversations.create", "users.ensure")]


def values_for(name: str, chat: Conversation, **changed: Any) -> dict[str, Any]:
    """A create's arguments: a new id, in a conversation of its owner's."""
    values = {"user_id": chat.user_id, "conversation_id": chat.id, "id": uuid4()}
    if name == "users.ensure":
        values["user_id"] = "eve"
    return arguments(FUNCTIONS[name], VALUES | values | changed)
