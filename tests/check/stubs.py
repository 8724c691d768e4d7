"""Statements and stubs that are made for a test."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dal.binding import Executor, Queries
from dal.binding.binding import Binding


def stub(returns: Any, parameters: Mapping[str, Any]) -> Callable[..., Any]:
    """A stub with these parameters, by their annotations."""
    star = ", *" if parameters else ""
    names = "".join(f", {name}: {name}_" for name in parameters)
    scope: dict[str, Any] = {f"{name}_": type_ for name, type_ in parameters.items()}
    scope |= {"Executor": Executor, "returns": returns}
    exec(f"async def look(db: Executor{star}{names}) -> returns: ...", scope)
    made: Callable[..., Any] = scope["look"]
    return made


def bound(
    folder: Path, sql: str, returns: Any, raises: Any = None, /, **parameters: Any
) -> Binding:
    """A statement, bound to a stub with these parameters, by their annotations."""
    (folder / "cars").mkdir(exist_ok=True)
    (folder / "cars/look.sql").write_text(sql)
    query = Queries(folder)
    query("cars/look.sql", raise_if=raises)(stub(returns, parameters))
    [binding] = query.bindings
    return binding


def of(**fields: Any) -> Any:
    """A record with these fields, by their annotations."""
    config = ConfigDict(defer_build=True)  # what Pydantic refuses is refused by the first call
    scope = {"__annotations__": fields, "__module__": __name__, "model_config": config}
    return type("TokenKind", (BaseModel,), scope)


def list_of(**fields: Any) -> Any:
    """The annotation of a list of such records."""
    return list[of(**fields)]  # type: ignore[misc]
