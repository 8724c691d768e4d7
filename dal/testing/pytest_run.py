"""The run of pytest that is under way: its server, and which test is running."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dal.migrate.folder import Folder
    from dal.project.service import Service
    from dal.testing.server import Postgres

SERVER = "dal_server"
"""The name under which pytest-xdist's workers are told where the server is."""

_run: "Run | None" = None


class Run:
    """A run of pytest, or one of its workers.

    Attributes:
        worker: what pytest-xdist tells a worker; None outside of one.
        root: pytest's root folder.
        test: the file of the test that is under way.
        migrations: those of `dal_template`; None before it is made.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        self.root = config.rootpath
        self.test: Path | None = None
        self.migrations: tuple[Folder, ...] | None = None
        self._stack = ExitStack()
        self._postgres: Postgres | None = None

    @property
    def started(self) -> bool:
        """Whether the server was asked for."""
        return self._postgres is not None

    @property
    def postgres(self) -> "Postgres":
        """The server, which is started when it is first asked for; workers share one."""
        if self._postgres is None:
            from dal.testing.chosen_server import running
            from dal.testing.server import Postgres

            if self.worker and SERVER in self.worker:
                self._postgres = Postgres(*self.worker[SERVER])
            else:
                choice = os.environ.get("DAL_TEST_POSTGRES", "")
                self._postgres = self._stack.enter_context(running(choice))
        return self._postgres

    @property
    def service(self) -> "Service | None":
        """The service that the test belongs to: that of the test's folder, else of pytest's root.

        Raises:
            ConfigurationError: its `[tool.dal]` has a mistake.
        """
        from dal.project import service

        own = service.find(self.test.parent) if self.test else None
        return own or service.find(self.root)

    def close(self) -> None:
        """Stop the server, if this process started it."""
        self._stack.close()


@contextmanager
def told() -> Iterator[None]:
    """Fail with an error's own sentence: a traceback would show the server's address."""
    __tracebackhide__ = True
    from dal.errors import DalError

    try:
        yield
    except (DalError, pytest.UsageError) as error:
        text = str(error)
    except ModuleNotFoundError as error:
        text = (
            f"{error}; the fixtures of dal need its extra `testing`:"
            " pip install 'dal-chat-memory[testing]'"
        )
    else:
        return
    pytest.fail(text, pytrace=False)


def begin(config: pytest.Config) -> Run:
    """Begin a run in this process."""
    global _run
    _run = Run(config)
    return _run


def run() -> Run:
    """This process's run of pytest."""
    if _run is None:
        raise RuntimeError(
            "no run of pytest is under way, or the plugin dal.testing is switched off"
        )
    return _run


def server() -> "Postgres":
    """The server of this process's run of pytest."""
    return run().postgres
