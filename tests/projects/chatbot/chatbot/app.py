"""The HTTP service: `uvicorn --factory chatbot.app:create --workers 2`."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

import dal
from chatbot import api, chat
from chatbot.model import Model, Scripted
from dal import errors

# Of these the first that fits; anything else is the service's own fault, with 500.
STATUS: dict[type[errors.DalError], int] = {
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.MessageTooLongError: 413,
    errors.InvalidInputError: 422,
    errors.ConnectionLostError: 503,
    errors.DatabaseUnavailableError: 503,
    errors.PoolTimeoutError: 503,
    errors.QueryTimeoutError: 503,
    errors.TransactionConflictError: 503,
}


async def refused(_: Request, error: Exception) -> JSONResponse:
    """The answer to an error: its sentence is for the log, what is wrong with the input is not."""
    status = next((STATUS[kind] for kind in STATUS if isinstance(error, kind)), 500)
    if status >= 500:
        logging.getLogger(__name__).error("%s", error)
    problems = jsonable_encoder(getattr(error, "errors", None))
    detail = problems or HTTPStatus(status).phrase
    return JSONResponse({"detail": detail}, status, {"Retry-After": "1"} if status == 503 else None)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the database, and in the end store the answers that are in the making."""
    async with dal.connect(application_name="chatbot", slow_call=0.5) as app.state.db:
        app.state.answers = {}
        yield
        for answer in (answers := list(app.state.answers.values())):
            answer.interrupt()
        await asyncio.gather(*(answer.task for answer in answers), return_exceptions=True)


def create(model: Model | None = None) -> FastAPI:
    """The service; with a scripted model, unless there is another."""
    app = FastAPI(title="chatbot", lifespan=lifespan)
    app.state.model = model or Scripted(float(os.environ.get("CHATBOT_PAUSE", "0")))
    app.add_exception_handler(errors.DalError, refused)
    app.include_router(chat.router, prefix="/api/{user_id}")
    app.include_router(api.router, prefix="/api/{user_id}")
    app.get("/health")(api.health)
    return app
