"""Accounts, tasks and conversations over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from tests.running import Service, token

import dal
from dal import conversations, messages
from dal.testing import assert_proven

FORGED = jwt.encode(
    {"sub": "ada", "exp": datetime.now(UTC) + timedelta(hours=1)},
    "another secret of no use elsewhere",
    "HS256",
)


def test_statements_are_proven() -> None:
    assert_proven()


async def test_tasks(ada: httpx.AsyncClient) -> None:
    new = {"id": str(uuid4()), "title": "Buy milk", "description": "2 litres"}
    made = await ada.post("tasks", json=new)
    assert made.status_code == 201
    assert (await ada.post("tasks", json=new)).json() == made.json()
    assert (await ada.post("tasks", json=new | {"title": "Buy eggs"})).status_code == 409
    task = f"tasks/{new['id']}"
    changed = (await ada.patch(task, json={"completed": True})).json()
    assert (changed["title"], changed["description"]) == ("Buy milk", "2 litres")
    assert changed["completed_at"]
    assert (await ada.patch(task, json={"description": None})).json()["description"] is None
    assert (await ada.get("tasks", params={"completed": False})).json() == {
        "rows": [],
        "next": None,
    }
    (listed,) = (await ada.get("tasks")).json()["rows"]
    assert listed["title"] == "Buy milk"
    assert (await ada.delete(task)).status_code == 204
    assert (await ada.delete(task)).status_code == 404
    assert (await ada.patch(task, json={"completed": True})).status_code == 404
    for wrong in ({"title": None}, {"completed": None}, {"titel": "Buy eggs"}):
        assert (await ada.patch(task, json=wrong)).status_code == 422


async def test_conversations_by_pages(ada: httpx.AsyncClient) -> None:
    made = [(await ada.post("conversations", json={})).json()["id"] for _ in range(53)]
    first = (await ada.get("conversations")).json()
    second = (await ada.get("conversations", params={"before": first["next"]})).json()
    assert [row["id"] for row in [*first["rows"], *second["rows"]]] == made[::-1]
    assert second["next"] is None
    archived = await ada.post(f"conversations/{made[0]}/archive")
    assert archived.json()["status"] == "archived"
    (put_away,) = (await ada.get("conversations", params={"status": "archived"})).json()["rows"]
    assert put_away["id"] == made[0]
    await ada.post(f"conversations/{made[0]}/restore")
    assert (await ada.get("conversations")).json()["rows"][0]["id"] == made[0]


async def test_labels(ada: httpx.AsyncClient, service: Service) -> None:
    new = {"id": str(uuid4()), "labels": ["work", "home"]}
    for _ in range(2):
        assert (await ada.post("conversations", json=new)).status_code == 201
    chat = (await ada.get(f"conversations/{new['id']}")).json()
    assert chat["labels"] == ["home", "work"]
    assert chat["conversation"]["messages"] == []
    assert (await ada.get("labelled", params={"label": "home"})).json() == [new["id"]]
    assert (await ada.get("labelled", params={"label": "a/b"})).json() == []
    for refused in (["nul\0"], [" "], ["x" * 51], ["a"] * 21):
        assert (await ada.post("conversations", json={"labels": refused})).status_code == 422
    assert len((await ada.get("conversations")).json()["rows"]) == 1
    async with service.user("bob") as bob:
        assert (await bob.get("labelled", params={"label": "home"})).json() == []
        assert (await bob.get(f"conversations/{new['id']}")).status_code == 404


async def test_export_and_erasure_of_an_account(
    ada: httpx.AsyncClient, dal_db: dal.Database
) -> None:
    await ada.post("tasks", json={"title": "Buy milk"})
    chat = (await ada.post("conversations", json={"labels": ["home"]})).json()
    await messages.create(
        dal_db, user_id="ada", conversation_id=chat["id"], role="user", content="Hello"
    )
    lines = (await ada.get("account/export")).text.splitlines()
    assert len(lines) == 2
    assert '"Hello"' in lines[1] or '"Hello"' in lines[0]
    erased = (await ada.delete("account")).json()
    assert erased == {"conversations": 1, "messages": 1, "tasks": 1}
    assert (await ada.get("labelled", params={"label": "home"})).json() == []
    assert (await ada.get("account/export")).text == ""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": f"Bearer {FORGED}"}, 401),
        (token("ada", timedelta(minutes=-1)), 401),
        (token("bob"), 404),
    ],
)
async def test_tokens(service: Service, headers: dict[str, str], status: int) -> None:
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as client:
        for method, path, body in (
            ("GET", "tasks", None),
            ("DELETE", "account", None),
            ("POST", "chat", {"id": str(uuid4()), "conversation_id": str(uuid4()), "content": ""}),
        ):
            answer = await client.request(method, f"/api/ada/{path}", json=body)
            assert answer.status_code == status, path


async def test_errors_name_the_argument(ada: httpx.AsyncClient, service: Service) -> None:
    chat = (await ada.post("conversations", json={})).json()

    def question(message: str) -> dict[str, Any]:
        return {"id": str(uuid4()), "conversation_id": chat["id"], "content": message}

    too_long = await ada.post("chat", json=question("x" * 1001))
    assert too_long.status_code == 413
    assert too_long.json()["detail"][0]["loc"] == ["content"]
    nul = await ada.post("chat/stream", json=question("a\0b"))
    assert nul.status_code == 422
    assert nul.json()["detail"][0]["loc"] == ["content"]
    elsewhere = question("Hello") | {"conversation_id": str(uuid4())}
    assert (await ada.post("chat", json=elsewhere)).status_code == 404
    blank = await ada.post("tasks", json={"title": " "})
    assert blank.status_code == 422
    assert blank.json()["detail"][0]["loc"][-1] == "title"
    wrong_cursor = await ada.get("tasks", params={"before": "nonsense"})
    assert wrong_cursor.status_code == 422
    async with httpx.AsyncClient(base_url=service.url) as client:
        assert (await client.get("/health")).json()["seconds"] > 0


async def test_conversations_of_the_service_are_those_of_dal(
    ada: httpx.AsyncClient, dal_db: dal.Database
) -> None:
    made = (await ada.post("conversations", json={})).json()
    (row,) = await conversations.list_for_user(dal_db, user_id="ada")
    assert row == dal.Conversation.model_validate(made)
