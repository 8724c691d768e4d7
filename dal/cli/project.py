"""dal's own statements."""

from dal.binding import query
from dal.binding.misfits import Misfit, collecting_misfits
from dal.binding.query import Binding


def project() -> list[Binding]:
    """All of them; importing a module binds those that it has stubs for."""
    from dal import conversations, jsonl, maintenance, messages, stats, tasks, users  # noqa: F401

    return query.bindings


def project_with_misfits() -> tuple[list[Binding], list[Misfit]]:
    """All that fit their stubs, and those that do not."""
    with collecting_misfits() as misfits:
        return project(), misfits
