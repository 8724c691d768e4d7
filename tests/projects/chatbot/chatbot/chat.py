"""Chat turns: the question is stored, then the answer, as far as it comes."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

import dal
from chatbot.auth import User
from chatbot.model import Model
from chatbot.tools import Tools
from dal import errors, messages

router = APIRouter()
log = logging.getLogger(__name__)
NO_ANSWER = "There is no answer for now; send the same request again."


class Question(BaseModel):
    """What a user asks; the answer's id follows from `id`, so a repeated one is answered once."""

    id: UUID
    conversation_id: UUID
    content: str


class Answer:
    """An answer in the making, by a task of its own, which goes on when the client leaves.

    Attributes:
        task: gives the stored message, or None where the model said nothing.
    """

    def __init__(self, db: dal.Database, model: Model, window: Sequence[dal.Message]) -> None:
        self._db, self._model, self._window = db, model, window
        self._question = window[-1]
        self._id = uuid5(self._question.id, "answer")
        numbers = itertools.count()
        self._tools = Tools(
            db, self._question.user_id, new_id=lambda: uuid5(self._id, f"task {next(numbers)}")
        )
        self._pieces: list[str | None] = []
        self._news, self._is_generated = asyncio.Event(), False
        self.task = asyncio.create_task(self._make())

    def interrupt(self) -> None:
        """Ask the model for no more; what has come is stored."""
        if not self._is_generated:
            self.task.cancel()

    async def pieces(self) -> AsyncIterator[str]:
        """All pieces from the first on, as they come; each reader gets them all."""
        for number in itertools.count():
            while number == len(self._pieces):
                await self._news.wait()
            piece = self._pieces[number]
            if piece is None:
                return
            yield piece

    async def _make(self) -> dal.Message | None:
        try:
            return await self._stored() or await self._store(await self._generate())
        finally:
            self._add(None)

    async def _generate(self) -> bool:
        """Collect the pieces; True if they did not all come."""
        try:
            async for piece in self._model.answer(self._window, self._tools):
                self._add(piece.replace("\0", ""))  # which PostgreSQL can't store
            return False
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("The model failed.")
        finally:
            self._is_generated = True
        return True

    def _add(self, piece: str | None) -> None:
        self._pieces.append(piece)
        self._news.set()
        self._news = asyncio.Event()

    async def _store(self, interrupted: bool) -> dal.Message | None:
        text = "".join(piece or "" for piece in self._pieces)
        if not text:
            return None
        try:
            return await messages.create(
                self._db,
                user_id=self._question.user_id,
                conversation_id=self._question.conversation_id,
                role="assistant",
                content=text,
                metadata={"tool_calls": self._tools.calls, "interrupted": interrupted},
                id=self._id,
            )
        except errors.ConflictError:  # another worker was faster with the same request
            return await self._stored()

    async def _stored(self) -> dal.Message | None:
        return await messages.get(self._db, user_id=self._question.user_id, message_id=self._id)


async def begin(request: Request, user: User, question: Question) -> Answer:
    """Store the question, and begin to answer it, unless that is under way already."""
    state = request.app.state
    window = await messages.create_and_history(
        state.db,
        user_id=user,
        conversation_id=question.conversation_id,
        role="user",
        content=question.content,
        id=question.id,
    )
    answers: dict[tuple[str, UUID], Answer] = state.answers
    key = (user, question.id)
    if key not in answers:
        answers[key] = Answer(state.db, state.model, window)
        answers[key].task.add_done_callback(lambda _: answers.pop(key))
    return answers[key]


Begun = Annotated[Answer, Depends(begin)]


@router.post("/chat")
async def chat(answer: Begun) -> dal.Message:
    with suppress(asyncio.CancelledError):  # the worker stops
        if message := await asyncio.shield(answer.task):
            return message
    raise HTTPException(503, NO_ANSWER, {"Retry-After": "1"})


@router.post("/chat/stream", response_class=EventSourceResponse)
async def stream(answer: Begun) -> AsyncIterator[ServerSentEvent]:
    """The answer's pieces as they come, then the stored message."""
    async for piece in answer.pieces():
        yield ServerSentEvent(event="piece", data=piece)
    try:
        message = await asyncio.shield(answer.task)
    except errors.DalError:
        log.exception("An answer could not be stored.")
        message = None
    event = "answer" if message else "error"
    yield ServerSentEvent(event=event, data=message or NO_ANSWER)
