"""Reports: FILTER, windows, grouping sets, a lateral join, a materialized view."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from shop import reports
from shop.reports import BestSeller, Counts, Day, Revenue

import dal

Ids = dict[str, int]
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def sold(dal_db: dal.Database, ada: UUID, products: Ids) -> Ids:
    """The products, of which ada bought some on two days, and cancelled an order."""
    for at, status, name, quantity in (
        (NOON, "paid", "Mug", 3),
        (NOON, "pending", "Spade", 1),
        (NOON.replace(day=2), "paid", "Pot", 2),
        (NOON.replace(day=2), "cancelled", "Pot", 9),
    ):
        await dal_db.execute(
            """
            WITH placed AS (
                INSERT INTO orders (customer_id, status, placed_at)
                VALUES ($1, $2::text::order_status, $3)
                RETURNING customer_id, id
            )
            INSERT INTO order_items (customer_id, order_id, product_id, quantity, unit_price)
            SELECT placed.customer_id, placed.id, p.id, $4, p.price
            FROM placed
            JOIN products AS p ON p.name = $5
            """,
            ada,
            status,
            at,
            quantity,
            name,
        )
    return products


async def test_counts(dal_db: dal.Database, ada: UUID, bob: UUID, sold: Ids) -> None:
    assert await reports.counts(dal_db, customer_id=ada) == Counts(4, 1, 1, NOON)
    assert await reports.counts(dal_db, customer_id=bob) == Counts(0, 0, 0, None)


async def test_revenue_by_category_and_day(
    dal_db: dal.Database, categories: Ids, sold: Ids
) -> None:
    kitchen, garden = categories["Kitchen"], categories["Garden"]
    march = {"since": FIRST, "until": date(2026, 4, 1)}
    nothing = [Revenue(None, None, Decimal(0))]
    assert await reports.revenue(dal_db, **march) == nothing
    await reports.refresh(dal_db)
    assert await reports.revenue(dal_db, **march) == [
        Revenue(kitchen, FIRST, Decimal("22.50")),
        Revenue(kitchen, SECOND, Decimal("40.00")),
        Revenue(kitchen, None, Decimal("62.50")),
        Revenue(garden, FIRST, Decimal("31.99")),
        Revenue(garden, None, Decimal("31.99")),
        Revenue(None, None, Decimal("94.49")),
    ]
    assert await reports.revenue(dal_db, since=date(2026, 4, 1), until=date.max) == nothing


async def test_running_revenue(dal_db: dal.Database, categories: Ids, sold: Ids) -> None:
    await reports.refresh(dal_db)
    assert await reports.running_revenue(dal_db, category_id=categories["Kitchen"]) == [
        Day(FIRST, Decimal("22.50"), Decimal("22.50"), None),
        Day(SECOND, Decimal("40.00"), Decimal("62.50"), Decimal("22.50")),
    ]
    assert await reports.running_revenue(dal_db, category_id=categories["Cups"]) == []


async def test_best_sellers(dal_db: dal.Database, categories: Ids, sold: Ids) -> None:
    home = categories["Home"]
    assert await reports.best_sellers(dal_db, category_id=home) == [
        BestSeller("Garden", "Spade", 1),
        BestSeller("Kitchen", "Pot", 11),
        BestSeller("Kitchen", "Mug", 3),
    ]
    assert await reports.best_sellers(dal_db, category_id=home, limit=1) == [
        BestSeller("Garden", "Spade", 1),
        BestSeller("Kitchen", "Pot", 11),
    ]
