"""dal's own statements."""

from dal.binding import query
from dal.binding.query import Binding


def project() -> list[Binding]:
    """All of them; importing a module binds those that it has stubs for."""
    import dal.jsonl
    import dal.maintenance
    import dal.stats  # noqa: F401

    return query.bindings
