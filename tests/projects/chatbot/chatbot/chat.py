"""Chat turns: the question is stored, then the answer, as far as it comes."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Sequence
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


class Question(BaseModel):
    """What a user asks; the answer's id follows from `id`, so a repeated one is answered once."""

    id: UUID
    conversation_id: UUID
    message: str


class Answer:
    """An answer in the making, by a task of its own: a cancelled request could store nothing.

    Attributes:
        pieces: those that nobody has read yet; None is the end.
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
        self._text, self._is_generated = "", False
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self.task = asyncio.create_task(self._make())

    def interrupt(self) -> None:
        """Ask the model for no more; what has come is stored."""
        if not self._is_generated:
            self.task.cancel()

    async def _make(self) -> dal.Message | None:
        try:
            if stored := await self._stored():
                return stored
            interrupted = await self._generate()
            self._is_generated = True
            return await self._store(interrupted) if self._text else None
        finally:
            self.pieces.put_nowait(None)

    async def _generate(self) -> bool:
        """Collect the pieces; True if they did not all come."""
        try:
            async for piece in self._model.answer(self._window, self._tools):
                self._text += piece
                self.pieces.put_nowait(piece)
        except asyncio.CancelledError:
            return True
        except Exception:
            logging.getLogger(__name__).exception("The model failed.")
            return True
        return False

    async def _store(self, interrupted: bool) -> dal.Message | None:
        try:
            return await messages.create(
                self._db,
                user_id=self._question.user_id,
                conversation_id=self._question.conversation_id,
                role="assistant",
                content=self._text,
                metadata={"tool_calls": self._tools.calls, "interrupted": interrupted},
                id=self._id,
            )
        except errors.ConflictError:  # the same request was sent twice, and the other was faster
            return await self._stored()

    async def _stored(self) -> dal.Message | None:
        return await messages.get(self._db, user_id=self._question.user_id, message_id=self._id)


async def begin(request: Request, user: User, question: Question) -> Answer:
    """Store the question, and begin to answer it."""
    state = request.app.state
    window = await messages.create_and_history(
        state.db,
        user_id=user,
        conversation_id=question.conversation_id,
        role="user",
        content=question.message,
        id=question.id,
    )
    answer = Answer(state.db, state.model, window)
    state.answers.add(answer)
    answer.task.add_done_callback(lambda _: state.answers.discard(answer))
    return answer


Begun = Annotated[Answer, Depends(begin)]


@router.post("/chat")
async def chat(answer: Begun) -> dal.Message:
    if message := await asyncio.shield(answer.task):
        return message
    raise HTTPException(503, "The model gave no answer; ask again.", {"Retry-After": "1"})


@router.post("/chat/stream", response_class=EventSourceResponse)
async def stream(answer: Begun) -> AsyncIterator[ServerSentEvent]:
    """The answer's pieces as they come, then the stored message."""
    try:
        while (piece := await answer.pieces.get()) is not None:
            yield ServerSentEvent(event="piece", data=piece)
        yield ServerSentEvent(event="answer", data=await answer.task)
    finally:
        answer.interrupt()
