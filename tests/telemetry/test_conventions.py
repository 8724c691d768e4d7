"""The names are those of OpenTelemetry's own package of conventions."""

from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.semconv._incubating.attributes import db_attributes as incubating
from opentelemetry.semconv._incubating.metrics import db_metrics
from opentelemetry.semconv.attributes import db_attributes, error_attributes, server_attributes
from opentelemetry.semconv.schemas import Schemas

import dal
from dal import errors, users
from dal.telemetry import pools, switch
from dal.telemetry.calls import recorder
from tests.telemetry.exported import Exported

STABLE = [db_attributes, error_attributes, server_attributes]
# These are not yet stable.
YOUNG = {
    incubating.DB_RESPONSE_RETURNED_ROWS,
    incubating.DB_CLIENT_CONNECTION_POOL_NAME,
    incubating.DB_CLIENT_CONNECTION_STATE,
}


async def test_attributes(db: dal.Database, exported: Exported) -> None:
    await users.ensure(db, user_id="ada")
    failing = Mock(fetch=Mock(side_effect=errors.QueryTimeoutError(sqlstate="57014")))
    with pytest.raises(errors.QueryTimeoutError):
        await users.ensure(failing, user_id="ada")
    names = {name for span in exported.spans() for name in span.attributes or {}}
    for metric in exported.metrics():
        names |= {name for attributes, _ in exported.points(metric) for name in attributes}
    stable = {
        value for module in STABLE for value in vars(module).values() if isinstance(value, str)
    }
    assert names - stable == YOUNG


def test_instruments() -> None:
    ours, theirs = Mock(), Mock()
    recorder(Mock(), ours)
    pools.observe(ours)
    pools.observed.clear()
    made = {}
    for create in ours.mock_calls:
        kind = create[0].removeprefix("create_").removeprefix("observable_")
        made[create.args[0]] = (kind, create.kwargs["unit"], create.kwargs["description"])
    conventions: dict[str, Any] = {}
    for name in made:
        getattr(db_metrics, f"create_{name.replace('.', '_')}")(theirs)
        (create,) = theirs.mock_calls
        conventions[name] = (
            create[0].removeprefix("create_"),
            create.kwargs["unit"],
            create.kwargs["description"],
        )
        theirs.reset_mock()
    assert made == conventions


def test_schema() -> None:
    assert switch._SCHEMA in {schema.value for schema in Schemas}


async def test_buckets(db: dal.Database, exported: Exported) -> None:
    await users.ensure(db, user_id="ada")
    (point,) = exported.metrics()["db.client.operation.duration"].data.data_points
    assert getattr(point, "explicit_bounds") == (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)  # noqa: B009
