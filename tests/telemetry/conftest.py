from collections.abc import Iterator

import pytest

from tests.telemetry import exported as module


@pytest.fixture
def exported() -> Iterator[module.Exported]:
    with module.exported() as exported:
        yield exported
