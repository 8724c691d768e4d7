"""Each recipe's page works as it stands, and its adapter keeps what it is given."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Literal, NamedTuple

import pytest

import dal
from dal import conversations, errors, messages
from tests.docs.pages import CHECKOUT, Block, blocks_of, run_python
from tests.recipes.frameworks import Chat, LangChain, OpenAIAgents, PydanticAI, answer
from tests.wire import Message, Relay


class Recipe(NamedTuple):
    page: str
    package: str
    chat: type[Chat]


RECIPES = [
    Recipe("langchain", "langchain_core", LangChain),
    Recipe("pydantic_ai", "pydantic_ai", PydanticAI),
    Recipe("openai_agents", "agents", OpenAIAgents),
]
QUESTION = "How is the weather in Paris?"


def of(*pages: str) -> pytest.MarkDecorator:
    """Run a test for these recipes alone."""
    chosen = [recipe for recipe in RECIPES if recipe.page in pages]
    return pytest.mark.parametrize("recipe", chosen, ids=pages, indirect=True)


def pages_blocks(recipe: Recipe) -> list[Block]:
    return [
        block
        for block in blocks_of(f"tests/recipes/{recipe.page}.md")
        if block.language == "python"
    ]


@pytest.fixture(params=RECIPES, ids=lambda recipe: recipe.page)
def recipe(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Recipe:
    """A recipe, in an empty folder with the file of its page; its framework sends no traces."""
    recipe: Recipe = request.param
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    pytest.importorskip(recipe.package)
    monkeypatch.chdir(tmp_path)
    for block in pages_blocks(recipe):
        if block.path:
            Path(block.path).write_text(block.text, encoding="utf-8")
    return recipe


@pytest.fixture
def adapter(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's first block, as a module."""
    (file,) = tmp_path.glob("dal_*.py")
    spec = spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, file.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept(recipe: Recipe, adapter: ModuleType, db: dal.Database, chat: dal.Conversation) -> Chat:
    """A conversation of ada's, kept with the recipe."""
    return recipe.chat(adapter, db, "ada", chat.id)


async def stored(db: dal.Database, conversation: dal.Conversation) -> list[dal.Message]:
    stream = messages.stream(db, user_id=conversation.user_id, conversation_id=conversation.id)
    return [message async for message in stream]


def said(rows: list[dal.Message]) -> list[tuple[str, str]]:
    return [(row.role.value, row.content) for row in rows]


async def test_page(recipe: Recipe, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    (use,) = [block for block in pages_blocks(recipe) if not block.path]
    run_python(use)
    async with dal.connect(url) as db:
        (conversation,) = await conversations.list_for_user(db, user_id="ada")
        rows = said(await stored(db, conversation))
    asked = [content for role, content in rows if role == "user"]
    assert len(asked) == 2
    assert all(question in use.text for question in asked)
    assert rows[0] == ("user", asked[0])
    assert rows[-1][0] == "assistant"
    assert rows[-1][1] in use.text


async def test_a_turn_is_stored_in_order_and_read_back_as_it_was(
    kept: Chat, db: dal.Database, chat: dal.Conversation
) -> None:
    await kept.turn(QUESTION, calling=True)
    assert said(await stored(db, chat)) == [
        ("user", QUESTION),
        ("assistant", ""),
        ("assistant", "sunny in Paris"),
        ("assistant", answer(QUESTION)),
    ]
    assert await kept.read() == kept.added


async def test_the_model_sees_the_turns_before(kept: Chat) -> None:
    first = await kept.turn(QUESTION, calling=True)
    before = list(kept.added)
    assert len(first) == 1
    second = await kept.turn("And in Rome?")
    assert second[:-1] == before
    assert await kept.read() == kept.added
    assert len(kept.added) == 6


async def test_conversations_are_apart(
    recipe: Recipe, adapter: ModuleType, kept: Chat, db: dal.Database
) -> None:
    another = await conversations.create(db, user_id="ada")
    beside = recipe.chat(adapter, db, "ada", another.id)
    await kept.turn(QUESTION, calling=True)
    await beside.turn(QUESTION, calling=True)
    await beside.add(kept.added)  # the same messages are others in another conversation
    assert await kept.read() == kept.added
    assert await beside.read() == beside.added + kept.added


async def test_anothers_conversation_is_not_found(
    recipe: Recipe,
    adapter: ModuleType,
    kept: Chat,
    db: dal.Database,
    chat: dal.Conversation,
    bob: str,
) -> None:
    await kept.turn(QUESTION, calling=True)
    before = await stored(db, chat)
    thief = recipe.chat(adapter, db, bob, chat.id)
    assert await thief.read() == []
    assert await thief.read(5) == []
    with pytest.raises(errors.ConversationNotFoundError):
        await thief.add(kept.added)
    assert await stored(db, chat) == before


async def test_a_window_ends_with_the_last_message(recipe: Recipe, kept: Chat) -> None:
    for question in ["One?", "Two?", QUESTION, "Three?"]:
        await kept.turn(question, calling=question == QUESTION)
    everything = kept.added
    assert await kept.read(8) == everything[-8:]
    assert await kept.read(6) == everything[-6:]  # from the question with a tool on
    # The fourth from the end is the tool's result, whose call is outside.
    cut = 4 if recipe.page == "openai_agents" else 2  # the SDK's runner leaves it out by itself
    assert await kept.read(4) == everything[-cut:]


async def test_a_long_question_is_kept_whole(
    kept: Chat, db: dal.Database, chat: dal.Conversation
) -> None:
    question = "x" * 1000 + "y" * 500
    await kept.turn(question)
    assert said(await stored(db, chat))[0] == ("user", "x" * 1000)
    assert await kept.read() == kept.added
    assert question in str(kept.added[0])


def end_of_write(text: bytes) -> Callable[[Message], bool]:
    """The Sync that commits the statement which carries a text."""
    carried = False

    def ends(message: Message) -> bool:
        nonlocal carried
        carried = carried or (message.kind == "B" and text in message.data)
        return carried and message.kind == "S"

    return ends


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_a_turn_whose_connection_breaks_is_stored_once(
    recipe: Recipe,
    adapter: ModuleType,
    relay: Relay,
    db: dal.Database,
    chat: dal.Conversation,
    lost: Literal["request", "answer"],
) -> None:
    async with dal.connect(relay.url, min_size=1) as fragile:
        kept = recipe.chat(adapter, fragile, "ada", chat.id)
        await kept.turn(QUESTION, calling=True)
        relay.lose(lost, end_of_write(b"in Rome"))
        if recipe.page == "openai_agents":
            await kept.turn("And in Rome?")
        else:
            with pytest.raises(errors.ConnectionLostError):
                await kept.turn("And in Rome?")
            written = 6 if lost == "answer" else 4
            assert len(await stored(db, chat)) == written
            await kept.add(kept.added)
        assert relay.lost
    assert len(kept.added) == 6
    assert await recipe.chat(adapter, db, "ada", chat.id).read() == kept.added


@of("langchain", "pydantic_ai")
async def test_adding_again_adds_nothing(
    kept: Chat, db: dal.Database, chat: dal.Conversation
) -> None:
    await kept.turn(QUESTION, calling=True)
    before = await stored(db, chat)
    for _ in range(2):
        await kept.add(kept.added)
    assert await stored(db, chat) == before


@of("langchain")
async def test_a_message_without_an_id_is_added_each_time(kept: LangChain) -> None:
    from langchain_core.messages import HumanMessage

    hello = HumanMessage("Hello")
    await kept.add([hello])
    await kept.add([hello])
    assert await kept.read() == [hello, hello]


@of("langchain")
async def test_the_same_id_with_another_text_is_a_conflict(kept: LangChain) -> None:
    from langchain_core.messages import HumanMessage

    await kept.add([HumanMessage("Hello", id="first")])
    with pytest.raises(errors.ConflictError):
        await kept.add([HumanMessage("Bye", id="first")])


@of("pydantic_ai")
async def test_files_come_back(kept: PydanticAI, db: dal.Database, chat: dal.Conversation) -> None:
    from pydantic_ai.messages import BinaryImage, ModelRequest, UserPromptPart

    image = BinaryImage(data=b"\xff\x00\xfe", media_type="image/png")
    prompt = UserPromptPart(content=["What is this?", image])
    await kept.add([ModelRequest(parts=[prompt], run_id="run")])
    assert said(await stored(db, chat)) == [("user", "What is this?")]
    [request] = await kept.read()
    [question, same] = request.parts[0].content
    assert question == "What is this?"
    assert (same.data, same.media_type) == (image.data, image.media_type)


@of("openai_agents")
async def test_the_session_is_the_sdks(kept: OpenAIAgents) -> None:
    from agents import Session

    assert isinstance(kept.session, Session)
    await kept.turn(QUESTION, calling=True)
    assert await kept.read(5000) == kept.added
    assert await kept.read(0) == []
    await kept.add(kept.added)  # nothing in an item says that it is the same
    assert await kept.read() == kept.added * 2
    with pytest.raises(NotImplementedError, match="no single message"):
        await kept.session.pop_item()
    assert await kept.read() == kept.added * 2


@of("openai_agents")
async def test_the_runner_leaves_out_an_output_whose_call_is_outside(kept: OpenAIAgents) -> None:
    from agents import SessionSettings

    await kept.turn(QUESTION, calling=True)
    kept.session.session_settings = SessionSettings(limit=2)
    seen = await kept.turn("And in Rome?")
    assert seen[:-1] == kept.added[3:4]


@of("openai_agents")
async def test_a_run_that_fails_leaves_its_question(kept: OpenAIAgents) -> None:
    with pytest.raises(RuntimeError, match="no model"):
        await kept.run("Hello?", [RuntimeError("no model")])
    await kept.turn("Hello?")
    assert [item["role"] for item in await kept.read()] == ["user", "user", "assistant"]


@of("langchain", "openai_agents")
async def test_clearing(
    adapter: ModuleType,
    kept: LangChain | OpenAIAgents,
    db: dal.Database,
    chat: dal.Conversation,
    bob: str,
) -> None:
    await kept.turn(QUESTION, calling=True)
    await type(kept)(adapter, db, bob, chat.id).clear()
    assert await kept.read() == kept.added
    assert await conversations.list_for_user(db, user_id=bob) == []
    await kept.clear()
    assert await kept.read() == []
    await kept.add(kept.added)
    assert await kept.read() == kept.added


@of("langchain")
def test_langchains_synchronous_half_is_refused(adapter: ModuleType) -> None:
    history = adapter.DalHistory(None, "ada", None)
    with pytest.raises(NotImplementedError, match="await aclear"):
        history.clear()
    with pytest.raises(NotImplementedError, match="await aget_messages"):
        str(history)
