"""Stock, which MERGE brings to what was counted."""

import pytest
from shop import stock
from shop.stock import Count

import dal

Ids = dict[str, int]


async def levels(db: dal.Database, products: Ids, warehouse: str) -> dict[str, int | None]:
    return {
        name: await stock.level(db, product_id=products[name], warehouse=warehouse)
        for name in ("Mug", "Pot", "Spade")
    }


async def test_a_level(dal_db: dal.Database, products: Ids) -> None:
    await dal_db.execute(
        "INSERT INTO stock (product_id, warehouse, quantity) VALUES ($1, 'York', 0)",
        products["Pot"],
    )
    assert await levels(dal_db, products, "York") == {"Mug": None, "Pot": 0, "Spade": None}


async def test_a_count_is_merged(dal_db: dal.Database, products: Ids) -> None:
    (row,) = await dal_db.fetch("SELECT current_setting('server_version_num')::int AS version")
    if row["version"] < 150000:
        pytest.skip("MERGE is of PostgreSQL 15 and later")
    mug, pot, spade = (products[name] for name in ("Mug", "Pot", "Spade"))
    first = [Count(mug, 5), Count(pot, 2)]
    assert await stock.deliver(dal_db, warehouse="York", counts=first) == 2
    assert await stock.deliver(dal_db, warehouse="Leeds", counts=[Count(mug, 1)]) == 1
    second = [Count(mug, 0), Count(pot, 7), Count(spade, 1)]
    assert await stock.deliver(dal_db, warehouse="York", counts=second) == 3
    assert await levels(dal_db, products, "York") == {"Mug": None, "Pot": 7, "Spade": 1}
    assert await levels(dal_db, products, "Leeds") == {"Mug": 1, "Pot": None, "Spade": None}
    assert await stock.deliver(dal_db, warehouse="York", counts=[]) == 0
