"""Chat memory on plain PostgreSQL.

Typed async functions over SQL files: `users`, `tasks`, `conversations`, `messages`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dal import conversations, errors, messages, tasks, users
    from dal.binding import skipping_malformed_rows
    from dal.conversations import Conversation, ConversationStatus, ConversationWithMessages
    from dal.cursor import Cursor
    from dal.database import Database, Executor, PoolStats, Transaction
    from dal.database.connect import connect
    from dal.messages import Message, MessageRole, NewMessage
    from dal.tasks import UNSET, NewTask, Task, Unset
    from dal.users import Erased, User

__version__ = "0.1.0"

__all__ = [
    "UNSET",
    "Conversation",
    "ConversationStatus",
    "ConversationWithMessages",
    "Cursor",
    "Database",
    "Erased",
    "Executor",
    "Message",
    "MessageRole",
    "NewMessage",
    "NewTask",
    "PoolStats",
    "Task",
    "Transaction",
    "Unset",
    "User",
    "__version__",
    "connect",
    "conversations",
    "errors",
    "messages",
    "skipping_malformed_rows",
    "tasks",
    "users",
]

_MODULES = ("binding", "conversations", "cursor", "database", "messages", "tasks", "users")


def __getattr__(name: str) -> Any:
    """Import a public name on first use, to keep commands that run no statement fast."""
    if name not in __all__:
        raise AttributeError(f"module 'dal' has no attribute {name!r}")
    if name in (*_MODULES, "errors"):
        return import_module(f"dal.{name}")
    modules = (import_module(f"dal.{module}") for module in _MODULES)
    value = next(vars(module)[name] for module in modules if name in vars(module))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
