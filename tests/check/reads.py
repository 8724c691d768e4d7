"""What a statement really reads, and the most that it may read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from itertools import product
from typing import Any, get_args
from uuid import UUID

import psycopg

from dal import Cursor, NewMessage, NewTask
from dal.binding import Columns, Fields
from dal.binding.binding import Binding
from dal.check.server.explain import explained_plan
from dal.cursor import Position
from dal.jsonl.lines import ImportedMessage
from dal.project.dal_project import dal_project
from tests.check.skew import Data, Owner
from tests.surface import VALUES

# Of those that read the catalogue alone the cost is its size.
STATEMENTS = {
    name: binding
    for binding in dal_project().bindings
    if (name := binding.statement.name) == "stats.retention"
    or not name.startswith(("stats.", "distribute.", "jsonl.export_columns"))
}

PAGE = 20  # rows
_COUNTS = "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"


@dataclass(frozen=True)
class Reads:
    """Pages; and rows of each table, those of the statement's triggers included."""

    pages: int
    users: int = 0
    tasks: int = 0
    conversations: int = 0
    messages: int = 0

    def beyond(self, bound: "Reads", slack: int) -> dict[str, int]:
        """What is above a bound by more than the slack."""
        return {name: n for name, n in vars(self).items() if n > getattr(bound, name) + slack}


def bounds(data: Data, owner: Owner) -> dict[str, Reads]:
    """The most that each statement may read.

    A table of which one user owns a fifth is read from end to end for that: hence five times.
    """
    conversations, messages, talk = (
        5 * n for n in (owner.conversations, owner.messages, owner.talk)
    )
    tasks = conversations
    everything = tasks + conversations + messages
    return {
        "users.ensure": Reads(10, users=1),
        "users.get": Reads(10, users=1),
        "users.erase": Reads(50 + everything, 1, tasks, conversations, messages),
        "users.delete": Reads(10, 1, tasks, conversations, messages),
        "conversations.create": Reads(40, users=1, conversations=1),
        "conversations.get": Reads(10, conversations=1),
        "conversations.get_with_messages": Reads(40, conversations=1, messages=PAGE),
        "conversations.list_for_user": Reads(40, conversations=PAGE),
        "conversations.list_for_user_by_status": Reads(40, conversations=PAGE),
        "conversations.touch": Reads(40, conversations=1),
        "conversations.archive": Reads(40, conversations=1),
        "conversations.restore": Reads(40, conversations=1),
        "conversations.delete": Reads(10, conversations=1, messages=talk),
        "messages.create": Reads(60, conversations=2),
        "messages.create_many": Reads(120, conversations=4, messages=3),
        "messages.create_and_history": Reads(
            58 if data.rows < 50_000 else 70, conversations=4, messages=PAGE
        ),
        "messages.get": Reads(10, messages=1),
        "messages.history": Reads(40, messages=PAGE),
        "messages.stream": Reads(40, messages=PAGE),
        "messages.count": Reads(10 + owner.talk // 20, messages=owner.talk),
        "tasks.create": Reads(40, users=1, tasks=1),
        "tasks.create_many": Reads(100, users=3, tasks=3),
        "tasks.get": Reads(10, tasks=1),
        "tasks.list_for_user": Reads(40, tasks=PAGE),
        "tasks.list_for_user_by_completed": Reads(40, tasks=PAGE),
        "tasks.update": Reads(40, tasks=1),
        "tasks.complete": Reads(40, tasks=1),
        "tasks.reopen": Reads(40, tasks=1),
        "tasks.delete": Reads(10, tasks=1),
        "jsonl.clock": Reads(0),
        "jsonl.lock_conversations": Reads(10, conversations=1),
        "jsonl.last_messages": Reads(10, messages=1),
        "jsonl.stored_messages": Reads(10, messages=1),
        "jsonl.compare_messages": Reads(10, messages=1),
        "jsonl.compare_tasks": Reads(10, tasks=1),
        "jsonl.add_users": Reads(40, users=min(data.users, 5_000)),  # 40 pages: read whole
        "jsonl.add_conversations": Reads(40, users=1),
        "jsonl.add_tasks": Reads(40, users=1),
        "jsonl.update_conversation_times": Reads(40, conversations=1),
        "jsonl.export_owners": Reads(20 * PAGE, tasks=3 * PAGE, conversations=3 * PAGE),
        "jsonl.export_owners_of_shards": Reads(
            100 + data.rows // 20, tasks=data.rows, conversations=data.rows
        ),
        "jsonl.export_owner": Reads(10, tasks=1, conversations=1),
        "jsonl.export_task_ids": Reads(40, tasks=PAGE + 1),
        "jsonl.export_tasks": Reads(10, tasks=1),
        "jsonl.export_conversations": Reads(40, conversations=PAGE + 1),
        "jsonl.export_messages": Reads(40, messages=PAGE),
        "maintenance.stale_conversations": Reads(100 + data.rows // 100, conversations=PAGE + 5),
        "maintenance.archived_conversations": Reads(
            100 + data.rows // 100,  # past the active ones, in the index
            conversations=5_000,  # so few are rightly sorted
        ),
        **dict.fromkeys(  # an entry of the index for each row of a shard, at worst
            (
                "maintenance.stale_conversations_of_shards",
                "maintenance.archived_conversations_of_shards",
            ),
            Reads(100 + data.rows, conversations=data.rows),
        ),
        "maintenance.archive": Reads(40, conversations=5),
        "maintenance.purge": Reads(40, conversations=5, messages=talk),
        "maintenance.count_of_user": Reads(50 + everything, 1, tasks, conversations),
        "maintenance.conversations_of_user": Reads(40, conversations=PAGE),
        "maintenance.tasks_of_user": Reads(40, tasks=PAGE),
        "maintenance.erase_tasks": Reads(40, tasks=1),
        "maintenance.erase_conversations": Reads(40, conversations=1, messages=talk),
        "stats.retention": Reads(100 + data.rows // 100, conversations=4 * PAGE),
        # Each row of a table is looked at, and what it refers to.
        "maintenance.orphaned_tasks": Reads(10 * data.rows, users=data.rows, tasks=data.rows),
        "maintenance.orphaned_conversations": Reads(
            10 * data.rows, users=data.rows, conversations=data.rows
        ),
        "maintenance.orphaned_messages": Reads(
            10 * data.rows, conversations=data.rows, messages=data.rows
        ),
        "maintenance.late_conversations": Reads(
            10 * data.rows, conversations=data.rows, messages=data.rows
        ),
        "maintenance.delete_orphaned_tasks": Reads(20, users=1, tasks=1),
        "maintenance.delete_orphaned_conversations": Reads(20, users=1, conversations=1),
        "maintenance.delete_orphaned_messages": Reads(20, conversations=1, messages=3),
        "maintenance.advance_late_conversations": Reads(40, conversations=1, messages=1),
    }


def calls(binding: Binding, owner: Owner) -> Iterator[list[Any]]:
    """The values to run a statement with: of a list, the first page and a middle one of each."""
    seen = []
    for first, (status, completed) in product(
        (True, False), (("active", False), ("archived", True))
    ):
        values = _values(binding, owner, first) | {"status": status, "completed": completed}
        wanted = {name: values.get(name, name) for name in binding.hints}
        if wanted not in seen:
            seen.append(wanted)
            yield binding.arguments.values(binding.arguments.checked(wanted))


def reads(
    connection: psycopg.Connection, binding: Binding, values: list[Any], *, generic: bool
) -> Reads:
    """Run a statement, undo it, and count what it has read."""
    with connection.transaction(force_rollback=True):
        before: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
        plan = explained_plan(connection, binding.statement, values, generic=generic)
        after: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
    return Reads(
        pages=plan.root["Shared Hit Blocks"] + plan.root["Shared Read Blocks"],
        **{table: after[table] - before[table] for table in ("users", "tasks")},
        **{table: after[table] - before[table] for table in ("conversations", "messages")},
    )


def _values(binding: Binding, owner: Owner, first: bool) -> dict[str, Any]:
    """A value for each of the arguments; what is made new takes new ids."""
    values = VALUES | {
        "user_id": owner.user_id,
        "conversation_id": _id(owner.conversation),
        "task_id": _id(owner.conversation),
        "message_id": _id(owner.message),
        "limit": PAGE,
        "page_size": PAGE,
        "set_description": True,
        "conversation_ids": [_id(owner.conversation)],
        "task_ids": [_id(owner.conversation)],
        "user_ids": [owner.user_id],
        "message_ids": [_id(owner.message)],
        "first": "",
        "after": None if first else _id(owner.conversation),
        "bytes": 2**20,
        "older_than": timedelta(0),
        "archived_for": timedelta(0),
        "batch": PAGE,
    }
    for name, hint in binding.hints.items():
        for mark in get_args(hint):
            if isinstance(mark, Fields):
                place = Cursor if mark.type is Position else mark.type
                values[name] = None if first else _row(place, owner)
            elif isinstance(mark, Columns) and mark.type not in (NewMessage, NewTask):
                values[name] = [_row(mark.type, owner, new=".add_" in binding.statement.name)]
    return values


def _row(of: Any, owner: Owner, *, new: bool = False) -> Any:
    """A row of the owner's, stored or new; or its key, or its place in a list."""
    values = VALUES | {
        "id": VALUES["id"] if new else _id(owner.conversation),
        "user_id": owner.user_id,
        "conversation_id": _id(owner.conversation),
        "metadata": None,
        "time": owner.middle,
        "created_at": owner.middle,
        "updated_at": owner.middle,
        "last_message_at": owner.middle,
    }
    other_ids: dict[Any, Any] = {ImportedMessage: _id(owner.message)}
    values["id"] = other_ids.get(of, values["id"])
    # A model that has not been used yet has no signature.
    names = getattr(of, "model_fields", None) or signature(of).parameters
    return of(**{name: values.get(name) for name in names})


def _id(text: str) -> UUID:
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())
