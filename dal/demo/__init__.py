"""The demo: dialogues played through the public functions, on a database of its own."""

from dal.demo.play import play

__all__ = ["play"]
