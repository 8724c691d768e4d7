"""A conversation to write to."""

from typing import Any

import pytest

import dal


@pytest.fixture
def own(chat: dal.Conversation) -> dict[str, Any]:
    """The arguments that name ada's conversation."""
    return {"user_id": chat.user_id, "conversation_id": chat.id}
