"""Reads DATABASE_URL."""

import os
from pathlib import Path

import dotenv

from dal import errors


def database_url() -> str:
    """DATABASE_URL of the environment, else of `.env`.

    Raises:
        ConfigurationError: it is in neither.
    """
    url = database_url_if_any()
    if not url:
        raise errors.ConfigurationError(
            "DATABASE_URL is not set; export it, or write it into .env, as in"
            " DATABASE_URL=postgresql://user:password@host:5432/database"
        )
    return url


def database_url_if_any() -> str | None:
    """DATABASE_URL of the environment, else of `.env`, else None.

    Raises:
        ConfigurationError: `.env` can't be read.
    """
    try:
        dotenv.load_dotenv(Path(".env"))  # the environment wins
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
    else:
        return os.environ.get("DATABASE_URL") or None
    raise errors.ConfigurationError(f".env can't be read: {reason}")
