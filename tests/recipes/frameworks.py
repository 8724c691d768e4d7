"""What a service does with each recipe: a turn of a scripted model that may call a tool."""

from itertools import count
from types import ModuleType
from typing import Any, Protocol
from uuid import UUID

import dal


class Chat(Protocol):
    """A conversation that is kept with a recipe."""

    added: list[Any]
    """The framework's own messages of all turns."""

    def __init__(
        self, recipe: ModuleType, db: dal.Database, user_id: str, conversation_id: UUID
    ) -> None: ...

    async def turn(self, question: str, *, calling: bool = False) -> list[Any]:
        """Ask the model, store everything, and return what the model has seen."""
        ...

    async def add(self, messages: list[Any]) -> None: ...

    async def read(self, limit: int | None = None) -> list[Any]: ...


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def answer(question: str) -> str:
    return f"You said: {question[:30]}"


class LangChain:
    def __init__(
        self, recipe: ModuleType, db: dal.Database, user_id: str, conversation_id: UUID
    ) -> None:
        self.history = recipe.DalHistory(db, user_id, conversation_id)
        self.prefix = conversation_id
        self.added: list[Any] = []

    async def turn(self, question: str, *, calling: bool = False) -> list[Any]:
        from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
        from langchain_core.messages import AIMessage, HumanMessage
        from langchain_core.tools import tool

        call = {"name": "weather", "args": {"city": "Paris"}, "id": "call", "type": "tool_call"}
        script = [AIMessage("", tool_calls=[call])] if calling else []
        model = GenericFakeChatModel(messages=iter([*script, AIMessage(answer(question))]))
        seen = [*await self.read(), HumanMessage(question, id=f"{self.prefix}-{len(self.added)}")]
        new = seen[-1:]
        new.append(await model.ainvoke(seen))
        for request in new[-1].tool_calls:
            result = await tool(weather).ainvoke(request)
            result.id = f"{new[-1].id}-{request['id']}"
            new += [result, await model.ainvoke([*seen, new[-1], result])]
        self.added += new
        await self.add(new)
        return seen

    async def add(self, messages: list[Any]) -> None:
        await self.history.aadd_messages(messages)

    async def clear(self) -> None:
        await self.history.aclear()

    async def read(self, limit: int | None = None) -> list[Any]:
        self.history.limit = limit
        messages: list[Any] = await self.history.aget_messages()
        return messages


class PydanticAI:
    def __init__(
        self, recipe: ModuleType, db: dal.Database, user_id: str, conversation_id: UUID
    ) -> None:
        self.recipe, self.db = recipe, db
        self.own = {"user_id": user_id, "conversation_id": conversation_id}
        self.added: list[Any] = []

    async def turn(self, question: str, *, calling: bool = False) -> list[Any]:
        from pydantic_ai import Agent
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
        from pydantic_ai.models.function import AgentInfo, FunctionModel

        seen: list[Any] = []

        def model(messages: list[Any], info: AgentInfo) -> ModelResponse:
            seen.append(list(messages))
            if calling and len(seen) == 1:
                return ModelResponse(parts=[ToolCallPart("weather", {"city": "Paris"}, "call")])
            return ModelResponse(parts=[TextPart(answer(question))])

        agent = Agent(FunctionModel(model), tools=[weather])
        result = await agent.run(question, message_history=await self.read())
        self.added += result.new_messages()
        await self.add(result.new_messages())
        first: list[Any] = seen[0]
        return first

    async def add(self, messages: list[Any]) -> None:
        await self.recipe.save(self.db, messages, **self.own)

    async def read(self, limit: int | None = None) -> list[Any]:
        messages: list[Any] = await self.recipe.load(self.db, **self.own, limit=limit)
        return messages


class OpenAIAgents:
    _ids = count()

    def __init__(
        self, recipe: ModuleType, db: dal.Database, user_id: str, conversation_id: UUID
    ) -> None:
        self.session = recipe.DalSession(db, user_id, str(conversation_id))
        self.added: list[Any] = []

    async def turn(self, question: str, *, calling: bool = False) -> list[Any]:
        from agents.testing import assistant_message, function_call

        call = function_call("weather", {"city": "Paris"}, call_id=f"call-{next(self._ids)}")
        said = assistant_message(answer(question), item_id=f"message-{next(self._ids)}")
        return await self.run(question, [[call], [said]] if calling else [[said]])

    async def run(self, question: str, script: list[Any]) -> list[Any]:
        from agents import Agent, RunConfig, Runner, function_tool
        from agents.testing import ScriptedModel

        model = ScriptedModel(script)
        agent = Agent(name="Forecaster", model=model, tools=[function_tool(weather)])
        config = RunConfig(tracing_disabled=True)
        result = await Runner.run(agent, question, session=self.session, run_config=config)
        seen = list(model.calls[0].input)
        self.added += [seen[-1], *(item.to_input_item() for item in result.new_items)]
        return seen

    async def add(self, messages: list[Any]) -> None:
        await self.session.add_items(messages)

    async def clear(self) -> None:
        await self.session.clear_session()

    async def read(self, limit: int | None = None) -> list[Any]:
        items: list[Any] = await self.session.get_items(limit)
        return items
