"""The tree of errors as it is drawn, what each one says by itself, and the exported names."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from types import ModuleType

import pytest

import dal
from dal import database, errors
from dal.errors import DalError, InvalidInputError


def classes(module: ModuleType) -> dict[str, type]:
    """The public classes that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


ERRORS = [kind for kind in classes(errors).values() if issubclass(kind, Exception)]


def drawn(drawing: str) -> dict[str, str]:
    """Each class of the drawing and its parent: the last one before it that stands further left."""
    parents: dict[str, str] = {}
    line: list[tuple[int, str]] = [(-1, "Exception")]
    for match in re.finditer(r"^[ │├└─]*\b(\w+Error)\b", drawing, re.MULTILINE):
        column, name = match.start(1) - match.start(), match[1]
        while line[-1][0] >= column:
            line.pop()
        parents[name] = line[-1][1]
        line.append((column, name))
    return parents


def test_the_drawing_is_the_tree() -> None:
    assert errors.__doc__
    assert drawn(errors.__doc__) == {error.__name__: error.__mro__[1].__name__ for error in ERRORS}


@pytest.mark.parametrize("kind", ERRORS)
def test_a_default_message_is_one_whole_sentence(kind: type[DalError]) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+[^.]\.", str(kind()))


def test_a_message_is_no_docstring() -> None:
    """`python -OO` has none."""
    program = "import dal; print(*(kind() for kind in vars(dal.errors).values() if {}), sep='\\n')"
    a_class = "isinstance(kind, type) and issubclass(kind, Exception)"
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program.format(a_class)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(kind()) for kind in ERRORS]


@pytest.mark.parametrize("kind", ERRORS)
def test_the_query_is_named_before_the_message(kind: type[DalError]) -> None:
    assert str(kind(query="tasks.get")) == f"tasks.get: {kind()}"
    assert str(kind("No.", query="tasks.get")) == "tasks.get: No."


def pickled(error: DalError) -> DalError:
    same: DalError = pickle.loads(pickle.dumps(error))
    return same


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize("kind", ERRORS)
def test_a_copy_keeps_everything(
    kind: type[DalError], duplicate: Callable[[DalError], DalError]
) -> None:
    error = kind("No.", query="tasks.create", sqlstate="23505", constraint="tasks_pkey")
    same = duplicate(error)
    assert type(same) is kind
    assert (str(same), vars(same)) == (str(error), vars(error))
    kept = {"query": "tasks.create", "sqlstate": "23505", "constraint": "tasks_pkey"}
    assert vars(same) == kept | ({"errors": []} if isinstance(error, InvalidInputError) else {})


def test_the_exported_names_are_sorted_and_there() -> None:
    def place(name: str) -> tuple[bool, bool, str]:  # constants, classes, all else
        return not name.isupper(), not name[0].isupper(), name

    assert dal.__all__ == sorted(set(dal.__all__), key=place)
    assert [name for name in dal.__all__ if not hasattr(dal, name)] == []


def test_the_version_is_the_packages() -> None:
    assert dal.__version__ == metadata.version("dal-chat-memory")


def test_the_exported_names_are_complete() -> None:
    modules = [getattr(dal, name) for name in dal.__all__ if inspect.ismodule(getattr(dal, name))]
    expected = {*database.__all__, *(name for module in modules for name in classes(module))}
    # Errors are reached as dal.errors.NotFoundError.
    assert expected - set(classes(errors)) <= set(dal.__all__)


def test_the_module_of_errors_offers_nothing_else() -> None:
    public = {name for name in vars(errors) if not name.startswith("_")}
    modules = {name for name in public if inspect.ismodule(getattr(errors, name))}
    assert public - modules == {"Problem", *(error.__name__ for error in ERRORS)}
