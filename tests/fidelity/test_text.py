"""Text of every kind comes back as it went in, character by character, whichever way it goes."""

from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dal import (
    Database,
    Message,
    MessageRole,
    NewMessage,
    NewTask,
    conversations,
    messages,
    tasks,
    users,
)
from dal.demo import dialogues
from dal.jsonl import export_lines, import_lines
from tests.surface import call

TEXTS = {
    "emoji": "\U0001f600 \u2764\ufe0f \U0001f44d\U0001f3fd 1\ufe0f\u20e3",
    "family": "\u200d".join("\U0001f469\U0001f469\U0001f467\U0001f466"),
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "flags of two letters": "\U0001f1ef\U0001f1f5\U0001f1e9\U0001f1ea",
    "flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "composed": "\u00e9 \u1e69 \uac00",
    "decomposed": "e\u0301 s\u0323\u0307 s\u0307\u0323 \u1100\u1161",
    "compatibility forms": "\ufb01 \u2460 \uff21 \u212b \u1e9e",
    "many marks": "Z" + "\u0301\u0316\u0334\u20dd" * 50,
    "right to left": "\u05e9\u05dc\u05d5\u05dd (1) \u0645\u0631\u062d\u0628\u0627\u064b",
    "bidi marks": "\u202babc\u202c \u2067def\u2069 \u200f! \u200e \u061c",
    "overridden direction": "\u202egnp.exe\u202c",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "line ends": "\r\na\rb\nc\n\rd\r\r\n\n",
    "outer spaces": " \t\u3000\u00a0 a \u00a0\u3000\t ",
    "zero width": "\u200ba\u200bb\u200cc\u2060d\ufeff",
    "byte order mark": "\ufeffa",
    "private use": "\ue000 \uf8ff \U000f0000 \U0010fffd",
    "not characters": "\ufdd0 \ufffe \uffff \U0001fffe \U0010ffff",
    "control characters": "".join(map(chr, [*range(1, 32), *range(127, 160)])),
    "escapes": "\\n \\u0041 \\ \\\\ %s $1 :user_id {} '' \"\" `",
    "Han beyond the first plane": "\U00020000 \U0002f800 \u845b\U000e0100",
    "Devanagari, Thai": "\u0915\u094d\u0937\u093f \u0e01\u0e33",
}
LONG = {
    "a million bytes": "\U0001f600" * 250_000,
    "a million characters": "\u00e9\r\n " * 250_000,
}
# Hypothesis leaves NUL and lone surrogates, which are refused, out of these.
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)

# In the format of dal/demo/dialogues.jsonl.
CHINESE = [
    [
        ("user", "帮我记一下:明天下午三点去机场接妈妈,航班是 CA1502。"),
        ("assistant", "好的,已加入清单:“明天 15:00 去机场接妈妈(CA1502)”。要提前提醒您吗?"),
        ("user", "要!顺便加一条「買高鐵票」,繁體字別改成簡體。"),
        ("assistant", "沒問題:①買高鐵票;②接媽媽——兩件事都記下了。😊"),
    ],
    [
        ("user", "第 2 个任务删掉吧……不对,先别删,标成完成就行"),
        ("assistant", "已标记为完成。\n\n剩下的任务:\n\t1. 交电费(¥128.50)\n\t2. 给“𠮷野家”打电话"),
    ],
]


def lost(texts: dict[str, str], stored: list[str | None]) -> list[str]:
    """The names of the texts that did not come back as they were."""
    return [
        name for (name, text), other in zip(texts.items(), stored, strict=True) if other != text
    ]


async def everywhere(db: Database, own: dict[str, Any]) -> dict[str, list[Message]]:
    """The conversation's messages, in each way of reading them."""
    conversation = await conversations.get_with_messages(db, **own, limit=1000)
    assert conversation
    history = await messages.history(db, **own, limit=1000)
    single = [
        await messages.get(db, user_id=own["user_id"], message_id=message.id)
        for message in conversation.messages
    ]
    return {
        "history": history,
        "stream": await call(messages.stream, db, own | {"page_size": 7}),
        "get": [message for message in single if message],
        "get_with_messages": conversation.messages,
    }


async def test_messages(db: Database, own: dict[str, Any]) -> None:
    texts = TEXTS | LONG
    for role, some in (MessageRole.USER, TEXTS), (MessageRole.ASSISTANT, texts):
        single = [
            await messages.create(db, **own, role=role, content=text) for text in some.values()
        ]
        assert lost(some, [message.content for message in single]) == []
    batch = [NewMessage(role="assistant", content=text) for text in texts.values()]
    together = await messages.create_many(db, **own, messages=batch)
    assert lost(texts, [message.content for message in together]) == []
    windows = [
        await messages.create_and_history(db, **own, role="assistant", content=text, limit=2)
        for text in texts.values()
    ]
    assert lost(texts, [window[-1].content for window in windows]) == []
    stored = [text for some in (TEXTS, texts, texts, texts) for text in some.values()]
    for way, returned in (await everywhere(db, own)).items():
        assert ([message.content for message in returned] == stored, way) == (True, way)


async def test_tasks(db: Database, ada: str) -> None:
    texts = {name: text[:255] for name, text in (TEXTS | LONG).items()}
    made = [await tasks.create(db, user_id=ada, title="a") for _ in texts]
    updated = [
        await tasks.update(db, user_id=ada, task_id=task.id, title=text, description=description)
        for task, text, description in zip(
            made, texts.values(), (TEXTS | LONG).values(), strict=True
        )
    ]
    new = [NewTask(title=text, description=text) for text in texts.values()]
    single = [
        await tasks.create(db, user_id=ada, title=task.title, description=task.description)
        for task in new
    ]
    together = await tasks.create_many(db, user_id=ada, tasks=new)
    for listed in (updated, single, together):
        assert lost(texts, [task.title for task in listed]) == []
    for listed in (single, together):
        assert lost(texts, [task.description for task in listed]) == []
    assert lost(TEXTS | LONG, [task.description for task in updated]) == []
    everything = [*updated, *single, *together][::-1]
    assert await tasks.list_for_user(db, user_id=ada, limit=1000) == everything
    open_ones = await tasks.list_for_user(db, user_id=ada, completed=False, limit=1000)
    assert open_ones == everything
    for task in everything:
        assert await tasks.get(db, user_id=ada, task_id=task.id) == task


async def test_export_and_import(db: Database, own: dict[str, Any]) -> None:
    batch = [NewMessage(role="assistant", content=text, metadata=[text]) for text in TEXTS.values()]
    batch += [NewMessage(role="assistant", content=text) for text in LONG.values()]
    batch.append(NewMessage(role="user", content="\U0001f600" * 1000))
    await messages.create_many(db, **own, messages=batch)
    new = [NewTask(title=text, description=text) for text in TEXTS.values()]
    todo = (await tasks.create_many(db, user_id=own["user_id"], tasks=new))[::-1]
    before = await everywhere(db, own)
    lines = [line async for line in export_lines(db, user_id=own["user_id"])]
    await users.delete(db, user_id=own["user_id"])
    await import_lines(db, lines)
    assert await everywhere(db, own) == before
    assert await tasks.list_for_user(db, user_id=own["user_id"], limit=1000) == todo
    assert [message.content for message in before["history"]] == [
        message.content for message in batch
    ]


async def test_real_dialogues(db: Database) -> None:
    english = [
        [
            NewMessage(role=message.role, content=message.content, metadata=message.metadata)
            for message in dialogue.messages
        ]
        for dialogue in dialogues.read(dialogues.OWN)
    ]
    chinese = [
        [NewMessage(role=MessageRole(role), content=text) for role, text in dialogue]
        for dialogue in CHINESE
    ]
    await users.ensure(db, user_id="小明")
    for batch in english + chinese:
        chat = await conversations.create(db, user_id="小明")
        own: dict[str, Any] = {"user_id": chat.user_id, "conversation_id": chat.id}
        made = await messages.create_many(db, **own, messages=batch)
        assert await messages.history(db, **own, limit=1000) == made
        assert [(message.role, message.content, message.metadata) for message in made] == [
            (message.role, message.content, message.metadata) for message in batch
        ]
    lines = [line async for line in export_lines(db, user_id="小明")]
    await users.delete(db, user_id="小明")
    await import_lines(db, lines)
    assert [line async for line in export_lines(db, user_id="小明")] == lines
    assert len(lines) == len(english) + len(chinese)


@settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=20))
async def test_any_text(db: Database, own: dict[str, Any], texts: list[tuple[str, str]]) -> None:
    new = [
        NewMessage(role="user", content=text, metadata={key: [text], "": key}, id=uuid4())
        for text, key in texts
    ]
    made = await messages.create_many(db, **own, messages=new)
    assert await messages.history(db, **own, limit=len(new)) == made
    for message, (text, key) in zip(made, texts, strict=True):
        assert (message.content, message.metadata) == (text, {key: [text], "": key})
