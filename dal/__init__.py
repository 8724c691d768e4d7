"""Chat memory on plain PostgreSQL.

Typed async functions over SQL files: `users`, `tasks`, `conversations`, `messages`.
"""

from dal import conversations, errors, messages, tasks, users
from dal.binding import skipping_malformed_rows
from dal.conversations import Conversation, ConversationStatus, ConversationWithMessages
from dal.cursor import Cursor
from dal.database import Database, Executor, PoolStats, Transaction, connect
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
