"""Who is calling: the user of a signed token, whatever the path says."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dal.inputs import UserId

SECRET = os.environ.get("CHATBOT_SECRET", "")
if len(SECRET) < 32:
    raise RuntimeError("CHATBOT_SECRET: set a random secret of at least 32 characters")

Bearer = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


def sign(user_id: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """A user's token, for whatever logs people in."""
    return jwt.encode({"sub": user_id, "exp": datetime.now(UTC) + lifetime}, SECRET, "HS256")


def verified(user_id: UserId, bearer: Bearer) -> str:
    """The user of the request's token."""
    try:
        claims = jwt.decode(bearer.credentials, SECRET, ["HS256"], {"require": ["sub", "exp"]})
    except jwt.InvalidTokenError:
        challenge = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "This token is not valid; sign in again.", challenge) from None
    if claims["sub"] != user_id:  # the same answer as for a user who does not exist
        raise HTTPException(404, "There is nothing here.")
    return user_id


User = Annotated[str, Depends(verified)]
