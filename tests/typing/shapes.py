"""What functions of each shape return, as type checkers see it: those of tests/projects/shop."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import assert_type
from uuid import UUID

from shop import carts, catalogue, customers, jobs, orders, reports, stock

import dal


async def values(db: dal.Database, customer_id: UUID) -> None:
    """The value of the only column."""
    assert_type(await customers.register(db, email="", name=""), UUID)
    assert_type(await catalogue.add_category(db, name=""), int)
    assert_type(await catalogue.headline(db, product_id=1, words=""), str)
    assert_type(await carts.total(db, customer_id=customer_id), Decimal)
    assert_type(await stock.level(db, product_id=1, warehouse=""), int | None)
    assert_type(await customers.last_order(db, customer_id=customer_id), datetime | None)
    assert_type(
        await customers.promote(db, customer_id=customer_id, tier=customers.Tier.GOLD),
        customers.Tier | None,
    )
    assert_type(await catalogue.breadcrumb(db, category_id=1), list[str])
    assert_type(await jobs.enqueue(db, jobs=[]), list[int])


async def counts(db: dal.Database, customer_id: UUID) -> None:
    """How many rows, whether any, or nothing."""
    prices = [catalogue.NewPrice(1, Decimal(1))]
    assert_type(await catalogue.set_prices(db, prices=prices), int)
    assert_type(await carts.add_once(db, customer_id=customer_id, product_id=1), bool)
    assert_type(await customers.is_registered(db, email=""), bool)
    assert_type(await reports.refresh(db), None)


async def records(db: dal.Database, customer_id: UUID) -> None:
    """Models and dataclasses, and what is in them."""
    order = await orders.get(db, customer_id=customer_id, order_id=customer_id)
    assert_type(order, orders.Order)
    assert_type(order.customer, orders.Buyer)
    assert_type(order.address, orders.Address | None)
    assert_type(order.items, list[orders.Item])
    page = await catalogue.get(db, product_id=1)
    assert_type(page, catalogue.ProductPage | None)
    if page is not None:
        assert_type(page.details, catalogue.Details | None)
    assert_type(await reports.counts(db, customer_id=customer_id), reports.Counts)
    assert_type(await catalogue.by_ids(db, ids=[1]), list[catalogue.Product])
    assert_type(await reports.revenue(db, since=date.min, until=date.max), list[reports.Revenue])


async def pages(db: dal.Database) -> None:
    """An iterator, which is not awaited."""
    products = catalogue.by_price(db, category_id=1)
    assert_type(products, AsyncIterator[catalogue.Product])
    async for product in products:
        assert_type(product.cursor, catalogue.Place)
