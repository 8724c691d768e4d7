"""A private PostgreSQL server for demos and tests, gone with the process that started it."""

from dal.embedded.server import EmbeddedServerError, Server

__all__ = ["EmbeddedServerError", "Server"]
