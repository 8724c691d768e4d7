"""Lines into rows: what stays, what is refused, and what a second import finds."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

import dal
from dal import conversations, messages, tasks, users
from dal.errors import (
    DatabaseUnavailableError,
    InvalidInputError,
    SchemaMismatchError,
    TransactionConflictError,
)
from dal.jsonl import Summary, batch, import_lines, importing
from dal.jsonl.import_statements import read_existing
from tests.faults.activity import blocked

SECRET = "s3cr3t"
START = datetime(2024, 5, 31, 8, 30, tzinfo=UTC)
SAID = {"role": "user", "content": SECRET}


FUTURE = "2500-01-01T00:00:00+00:00"


def uid(number: int) -> str:
    return str(UUID(int=number))


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def soon(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def chat(*turns: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps(
        {"user_id": "ada", "messages": [SAID | message for message in turns]} | fields
    ).encode()


def todo(**fields: Any) -> bytes:
    return json.dumps({"user_id": "ada", "task": {"title": SECRET} | fields}).encode()


async def rows(db: dal.Database) -> list[Any]:
    """All that is stored."""
    return [
        await db.fetch(f"SELECT t::text FROM {table} AS t ORDER BY 1")
        for table in ("users", "conversations", "messages", "tasks")
    ]


async def only(db: dal.Database, user_id: str = "ada") -> dal.ConversationWithMessages:
    """The user's only conversation, with its messages."""
    [listed] = await conversations.list_for_user(db, user_id=user_id)
    conversation = await conversations.get_with_messages(
        db, user_id=user_id, conversation_id=listed.id, limit=1000
    )
    assert conversation
    return conversation


async def test_what_is_given_stays(db: dal.Database) -> None:
    line = chat(
        {"id": uid(1), "created_at": at(1), "metadata": {"n": 1.5}},
        {"id": uid(2), "created_at": at(2), "role": "assistant"},
        id=uid(9),
        created_at=at(0),
        updated_at=at(5),
        archived_at=at(6),
    )
    task = todo(id=uid(3), description="d", completed_at=at(2), created_at=at(1), updated_at=at(3))
    assert await import_lines(db, [line, task]) == Summary(
        lines=2, users=1, conversations=1, messages=2, tasks=1
    )
    conversation = await only(db)
    assert (conversation.id, conversation.status) == (UUID(int=9), "archived")
    assert (conversation.created_at, conversation.updated_at) == (
        START,
        START + timedelta(seconds=5),
    )
    assert [(message.id.int, message.created_at) for message in conversation.messages] == [
        (1, START + timedelta(seconds=1)),
        (2, START + timedelta(seconds=2)),
    ]
    [row] = await db.fetch("SELECT archived_at FROM conversations")
    assert row["archived_at"] == START + timedelta(seconds=6)
    stored = await db.fetch("SELECT metadata::text FROM messages ORDER BY id")
    assert [row[0] for row in stored] == ['{"n": 1.5}', None]
    [done] = await tasks.list_for_user(db, user_id="ada")
    assert (done.id.int, done.description, done.completed) == (3, "d", True)
    assert [(moment - START).seconds for moment in (done.created_at, done.updated_at)] == [1, 3]


async def test_what_is_not_given_is_made(db: dal.Database) -> None:
    [before] = await db.fetch("SELECT clock_timestamp() AS now")
    await import_lines(db, [chat({}, {}, {}), todo(), todo(completed=True)])
    conversation = await only(db)
    times = [message.created_at for message in conversation.messages]
    assert before["now"] < times[0]
    assert times == [times[0] + timedelta(microseconds=place) for place in range(3)]
    assert (conversation.created_at, conversation.updated_at) == (times[0], times[2])
    newest, oldest = await tasks.list_for_user(db, user_id="ada")
    assert oldest.completed_at is None
    assert newest.completed_at == newest.updated_at == newest.created_at > oldest.created_at


async def test_an_append_follows_what_is_stored(db: dal.Database, chat_id: UUID) -> None:
    await db.execute("UPDATE conversations SET updated_at = now() + interval '1 hour'")
    before = await only(db)
    await import_lines(db, [chat({}, {}, id=str(chat_id))])
    after = await only(db)
    assert [message.created_at - before.updated_at for message in after.messages[-2:]] == [
        timedelta(microseconds=1),
        timedelta(microseconds=2),
    ]
    assert after.updated_at == after.messages[-1].created_at


async def test_recency_is_never_before_the_last_message(db: dal.Database) -> None:
    await import_lines(db, [chat({"created_at": at(9)}, id=uid(1), updated_at=at(1))])
    assert (await only(db)).updated_at == START + timedelta(seconds=9)
    await import_lines(db, [chat({"created_at": at(10)}, id=uid(1), updated_at=at(1))])
    assert (await only(db)).updated_at == START + timedelta(seconds=10)
    await import_lines(db, [chat(id=uid(1), updated_at=at(20))])
    assert (await only(db)).updated_at == START + timedelta(seconds=20)


async def test_a_conversation_goes_on_in_further_lines(db: dal.Database) -> None:
    lines = [
        chat({"created_at": at(1)}, {"created_at": at(2)}, id=uid(1)),
        chat({"created_at": at(3)}, {}, id=uid(1)),
        chat({}, id=uid(1)),
    ]
    assert await import_lines(db, lines) == Summary(lines=3, users=1, conversations=1, messages=5)
    times = [message.created_at for message in (await only(db)).messages]
    assert times == sorted(set(times))


async def test_further_lines_of_a_stored_conversation(db: dal.Database, chat_id: UUID) -> None:
    lines = [chat({"content": f"{n}"}, {"content": f"{n} too"}, id=str(chat_id)) for n in range(5)]
    await import_lines(db, lines)
    stored = (await only(db)).messages
    assert [message.content for message in stored][::2] == [f"{n}" for n in range(5)]
    assert len({message.created_at for message in stored}) == 10


GOOD = chat({"id": uid(1), "created_at": at(1)}, {"id": uid(2), "created_at": at(3)}, id=uid(9))
GOOD_TASK = todo(id=uid(3), description="d", completed=False, created_at=at(1))

BAD = [
    (b"{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
    (chat({"created_at": at(2)}, id=uid(9)), "messages[0].created_at: must be later than the last"),
    (chat({"created_at": at(3)}, id=uid(9)), "messages[0].created_at: must be later than the last"),
    (chat({"id": uid(1), "content": "x"}, id=uid(9)), "messages[0].id: is taken by a message with"),
    (chat({"id": uid(1), "role": "assistant"}, id=uid(9)), "messages[0].id: is taken"),
    (chat({"id": uid(1), "metadata": {}}, id=uid(9)), "messages[0].id: is taken"),
    (chat({"id": uid(1), "created_at": at(2)}, id=uid(9)), "messages[0].id: is taken"),
    (chat({}, {"id": uid(1)}, id=uid(8)), "messages[1].id: is taken by a message with other"),
    (chat({"id": uid(1)}), "messages[0].id: is taken by a message with other content"),
    (chat(id=uid(9), status="archived"), "id: is taken by a conversation with other content"),
    (chat(id=uid(9), created_at=at(0)), "id: is taken by a conversation with other content"),
    (chat({"created_at": FUTURE}), "messages[0].created_at: is more than 5 minutes ahead"),
    (chat(created_at=FUTURE), "created_at: is more than 5 minutes ahead"),
    (chat(updated_at=FUTURE), "updated_at: is more than 5 minutes ahead"),
    (chat(archived_at=FUTURE), "archived_at: is more than 5 minutes ahead"),
    (todo(created_at=FUTURE), "task.created_at: is more than 5 minutes ahead"),
    (todo(completed_at=FUTURE), "task.completed_at: is more than 5 minutes ahead"),
    (todo(id=uid(3)), "task.id: is taken by a task with other content"),
    (todo(id=uid(3), description="e"), "task.id: is taken by a task with other content"),
    (todo(id=uid(3), description="d", completed=True), "task.id: is taken by a task with other"),
    (todo(id=uid(3), description="d", created_at=at(2)), "task.id: is taken by a task with other"),
    # Only the server finds this one.
    (chat({"metadata": "-"}).replace(b'"-"', b"1e-20000"), "jsonl.copy_messages: the database"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
async def test_a_bad_line_stops_the_import(db: dal.Database, bad: bytes, reason: str) -> None:
    before = await rows(db)
    with pytest.raises(InvalidInputError) as raised:
        await import_lines(db, [b"\n", GOOD, GOOD_TASK, bad, b"{"])
    assert str(raised.value).startswith(f"line 4: {reason}")
    assert SECRET not in str(raised.value)
    assert await rows(db) == before


async def test_when_a_stored_conversation_was_archived_is_compared(db: dal.Database) -> None:
    archived = chat({"id": uid(1), "created_at": at(1)}, id=uid(9), archived_at=at(5))
    await import_lines(db, [archived])
    before = await rows(db)
    same = [archived, chat({"id": uid(1)}, id=uid(9)), chat(id=uid(9), status="archived")]
    for line in same:
        await import_lines(db, [line])
    assert await rows(db) == before
    taken = "line 1: id: is taken by a conversation with other content"
    for line in (chat(id=uid(9), archived_at=at(6)), chat({}, id=uid(9), archived_at=at(4))):
        with pytest.raises(InvalidInputError, match=taken):
            await import_lines(db, [line])
    assert await rows(db) == before
    # As it was before there was an archived_at.
    await db.execute("UPDATE conversations SET archived_at = NULL")
    with pytest.raises(InvalidInputError, match=taken):
        await import_lines(db, [archived])


async def test_bad_lines_are_handed_over(db: dal.Database) -> None:
    rejected: list[tuple[int, bytes, str]] = []
    seen: list[Summary] = []
    lines = [
        GOOD,
        GOOD_TASK,
        *(bad for bad, _ in BAD),
        todo(),
        b'{"user_id": "eve", "messages": 5}',
    ]
    summary = await import_lines(
        db, lines, reject=lambda *bad: rejected.append(bad), progress=seen.append
    )
    assert summary == seen[-1]
    assert (summary.lines, summary.rejected) == (len(lines), len(BAD) + 1)
    assert [(number, raw) for number, raw, _ in rejected] == [
        *((number, bad) for number, (bad, _) in enumerate(BAD, start=3)),
        (len(lines), lines[-1]),
    ]
    for (_, _, message), (_, reason) in zip(rejected, BAD, strict=False):
        assert message.startswith(reason)
    assert len((await only(db)).messages) == 2
    assert len(await tasks.list_for_user(db, user_id="ada")) == 2
    assert await users.get(db, user_id="eve") is None


async def test_a_time_up_to_five_minutes_ahead_is_good(db: dal.Database) -> None:
    line = chat({"created_at": soon(minutes=4)}, {})
    await import_lines(db, [line])
    first, second = (await only(db)).messages
    assert second.created_at - first.created_at == timedelta(microseconds=1)


async def test_a_repeat_changes_nothing(db: dal.Database) -> None:
    lines = [GOOD, GOOD_TASK, chat({"id": uid(5)}, id=uid(6), user_id="bob"), todo(id=uid(7))]
    await import_lines(db, lines)
    before = await rows(db)
    assert await import_lines(db, [*lines, *lines]) == Summary(
        lines=8, known_conversations=4, known_messages=6, known_tasks=4
    )
    assert await rows(db) == before


async def test_what_moved_on_is_no_conflict(db: dal.Database) -> None:
    await import_lines(db, [GOOD])
    await messages.create(
        db, user_id="ada", conversation_id=UUID(uid(9)), role="user", content="more"
    )
    before = await rows(db)
    assert (await import_lines(db, [GOOD])).known_messages == 2
    assert await rows(db) == before


async def test_another_users_conversation_is_out_of_reach(db: dal.Database) -> None:
    bobs = GOOD.replace(b"ada", b"bob")
    await import_lines(db, [bobs, GOOD_TASK.replace(b"ada", b"bob")])
    before = await only(db, "bob")
    mine = chat(
        {"id": uid(1), "content": "mine", "created_at": at(1)}, id=uid(9), updated_at=at(99)
    )
    async with db.transaction() as transaction:
        # Held here, bob's row would stop an import that locks it too.
        await transaction.fetch("SELECT FROM conversations WHERE user_id = 'bob' FOR UPDATE")
        await import_lines(db, [mine, todo(id=uid(3))])
    assert await only(db, "bob") == before
    assert [message.content for message in (await only(db, "ada")).messages] == ["mine"]
    with pytest.raises(InvalidInputError, match="line 1: user_id: differs from"):
        await import_lines(db, [bobs], user_id="ada")


async def test_lines_from_an_async_iterator(db: dal.Database) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf\n"
        yield b'{"messages": [{"role": "user", "content": "a"}]}\r\n'

    assert (await import_lines(db, lines(), user_id="ada")).messages == 1


async def test_a_source_that_fails_leaves_nothing(
    db: dal.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_LINES", 1)

    def lines() -> Iterator[bytes]:
        yield from (todo() for _ in range(20))
        raise OSError("unplugged")

    before = await rows(db)
    with pytest.raises(OSError, match="unplugged"):
        await import_lines(db, lines())
    assert await rows(db) == before


@pytest.mark.parametrize("line", [GOOD, GOOD_TASK])
async def test_a_row_made_meanwhile_is_met(
    db: dal.Database, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another import commits the same line after this one has looked."""
    await users.ensure(db, user_id="ada")
    others = [True]

    async def late(*args: Any) -> Any:
        result = await read_existing(*args)
        if others:
            others.clear()
            await import_lines(db, [line])
        return result

    monkeypatch.setattr("dal.jsonl.import_statements.read_existing", late)
    summary = await import_lines(db, [line])
    assert (summary.messages, summary.tasks) == (0, 0)
    assert summary.known_conversations + summary.known_tasks == 1


async def test_nobody_appends_between_the_look_and_the_write(
    db: dal.Database, chat_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[TransactionConflictError] = []

    async def tried(*args: Any) -> Any:
        result = await read_existing(*args)
        try:
            async with db.transaction() as other:
                await other.execute("SET LOCAL lock_timeout = '50ms'")
                await conversations.touch(other, user_id="ada", conversation_id=chat_id)
        except TransactionConflictError as error:
            refused.append(error)
        return result

    monkeypatch.setattr("dal.jsonl.import_statements.read_existing", tried)
    await import_lines(db, [chat({}, id=str(chat_id))])
    assert [error.sqlstate for error in refused] == ["55P03"]


@pytest.mark.parametrize("touched", [False, True])
async def test_an_append_that_waits_for_an_import_has_its_messages_in_the_window(
    db: dal.Database, url: str, chat_id: UUID, touched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are older than the conversation's recency, which then stays."""
    await import_lines(db, [chat({"content": "first", "created_at": at(1)}, id=str(chat_id))])
    if touched:
        await conversations.touch(db, user_id="ada", conversation_id=chat_id)
    written, done = asyncio.Event(), asyncio.Event()

    async def paused(*args: Any) -> Any:
        counts = await batch.write(*args)
        written.set()
        await done.wait()
        return counts

    monkeypatch.setattr(importing, "write", paused)
    line = chat({"content": "imported", "created_at": at(2)}, id=str(chat_id))
    async with asyncio.TaskGroup() as group:
        group.create_task(import_lines(db, [line]))
        await written.wait()
        window = group.create_task(
            messages.create_and_history(
                db, user_id="ada", conversation_id=chat_id, role="user", content="appended"
            )
        )
        await blocked(url)
        done.set()
    assert [message.content for message in window.result()] == ["first", "imported", "appended"]
    times = [message.created_at for message in window.result()]
    assert times == sorted(set(times))


async def test_the_clock_of_the_messages_is_that_of_the_last_one(
    db: dal.Database, chat_id: UUID
) -> None:
    async def clock() -> datetime:
        [row] = await db.fetch("SELECT last_message_at FROM conversations")
        return row["last_message_at"]  # type: ignore[no-any-return]

    await import_lines(db, [chat(id=uid(1)), chat({}, {"content": "last"}, id=str(chat_id))])
    rows = await db.fetch(
        "SELECT m.content, c.last_message_at IS NOT DISTINCT FROM m.created_at AS same"
        " FROM conversations AS c LEFT JOIN messages AS m ON m.conversation_id = c.id"
        " ORDER BY m.created_at"
    )
    assert [tuple(row) for row in rows] == [(SECRET, False), ("last", True), (None, True)]
    await db.execute("DELETE FROM conversations WHERE id <> $1", chat_id)
    # What was deleted by hand, and comes back from an export, moves it on all the same.
    before = await clock()
    await db.execute("DELETE FROM messages")
    await import_lines(db, [chat({"created_at": at(1)}, id=str(chat_id))])
    assert await clock() == before + timedelta(microseconds=1)


async def test_writers_during_an_import_keep_the_order(
    db: dal.Database, chat_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_LINES", 1)

    async def say(content: str) -> dal.Message:
        return await messages.create(
            db, user_id="ada", conversation_id=chat_id, role="user", content=content
        )

    lines = [chat({"content": f"line {place}"}, id=str(chat_id)) for place in range(10)]
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(say("before or after"))]

        def more(_: Summary) -> None:
            calls.extend(group.create_task(say("before or after")) for _ in range(3))

        imported = await import_lines(db, lines, progress=more)
    assert imported.messages == 10
    assert len(calls) == 31
    conversation = await only(db)
    times = [message.created_at for message in conversation.messages]
    assert times == sorted(set(times))
    assert conversation.updated_at == times[-1]
    contents = [message.content for message in conversation.messages]
    first = contents.index("line 0")
    assert contents[first : first + 10] == [f"line {place}" for place in range(10)]
    assert len(contents) == 10 + len(calls)


CHILD = """
import asyncio, sys, time
import dal
from dal.jsonl import import_lines, importing, read_lines

importing._BATCH_LINES = 5
shown = lambda summary: (print(summary.lines, flush=True), time.sleep(60))
reject = (lambda *bad: None) if sys.argv[3] == "keep going" else None

async def main():
    async with dal.connect(sys.argv[1], min_size=1) as db:
        with open(sys.argv[2], "rb") as file:
            await import_lines(db, read_lines(file), reject=reject, progress=shown)

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["stop", "keep going"])
async def test_killed_halfway_and_repeated(
    db: dal.Database, url: str, mode: str, tmp_path: Path
) -> None:
    lines = [chat({"id": uid(n)}, id=uid(1000 + n)) for n in range(200)]
    (tmp_path / "chats").write_bytes(b"\n".join(lines))
    child = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", CHILD, url, tmp_path / "chats", mode], stdout=subprocess.PIPE
    )
    assert child.stdout
    with child:
        assert await asyncio.to_thread(child.stdout.readline) == b"5\n"
        os.kill(child.pid, signal.SIGKILL)
    summary = await import_lines(db, lines)
    assert summary.conversations + summary.known_conversations == 200
    [count] = await db.fetch("SELECT count(*) FROM messages")
    assert count[0] == 200


async def test_a_lost_connection_leaves_nothing(
    db: dal.Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_LINES", 1)
    before = await rows(db)

    def cut(_: Summary) -> None:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises((dal.errors.ConnectionLostError, DatabaseUnavailableError)):
        await import_lines(db, [todo() for _ in range(10)], progress=cut)
    assert await rows(db) == before


@pytest.mark.parametrize(
    ("when", "table"),
    [
        ("INSERT", "conversations"),
        ("INSERT", "messages"),
        ("INSERT", "tasks"),
        ("UPDATE", "conversations"),
    ],
)
async def test_rows_that_a_trigger_swallows_are_missed(
    db: dal.Database, chat_id: UUID, when: str, table: str
) -> None:
    await db.execute(
        f"""
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER swallow BEFORE {when} ON {table}
            FOR EACH ROW EXECUTE FUNCTION swallow()
        """
    )
    before = await rows(db)
    lines = [chat({"id": uid(1)}, {}, id=str(chat_id)), todo()]
    lines += [chat()] if (when, table) == ("INSERT", "conversations") else []
    with pytest.raises(SchemaMismatchError, match=f"rows of {table} were not stored; look for a"):
        await import_lines(db, lines)
    assert await rows(db) == before


async def test_damaged_lines_never_fail_the_import(db: dal.Database) -> None:
    chance = random.Random(0)  # the same damage each time
    lines = []
    for _ in range(400):
        line = bytearray(chance.choice([GOOD, GOOD_TASK]))
        for _ in range(chance.randint(0, 2)):
            line[chance.randrange(len(line))] = chance.randrange(256)
        lines.append(bytes(line).replace(b"\n", b" "))
    reasons: list[str] = []
    summary = await import_lines(db, lines, reject=lambda *bad: reasons.append(bad[2]))
    assert 0 < summary.rejected == len(reasons) < summary.lines == 400
    assert all(reasons)
    assert not [reason for reason in reasons if SECRET in reason]


@pytest.fixture
async def chat_id(db: dal.Database, ada: str) -> UUID:
    return (await conversations.create(db, user_id=ada)).id
