"""Carts and orders: upserts, windows, joins, partitions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from shop import carts, customers, orders
from shop.carts import CartLine
from shop.catalogue import Product
from shop.orders import Address, Buyer, Event, Facts, Item, Order, OrderLine, Status

import dal

Ids = dict[str, int]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def ordered(db: dal.Database, customer_id: UUID, product_id: int, at: datetime) -> UUID:
    """An order of one product, placed at a given time."""
    await carts.add(db, customer_id=customer_id, product_id=product_id)
    order_id = await orders.place(db, customer_id=customer_id)
    assert order_id is not None
    await db.execute("UPDATE orders SET placed_at = $2 WHERE id = $1", order_id, at)
    return order_id


async def test_a_cart(dal_db: dal.Database, ada: UUID, bob: UUID, products: Ids) -> None:
    mug, pot, spade = products["Mug"], products["Pot"], products["Spade"]
    assert await carts.add(dal_db, customer_id=ada, product_id=mug) == 1
    assert await carts.add(dal_db, customer_id=ada, product_id=mug, quantity=2) == 3
    assert await carts.add_once(dal_db, customer_id=ada, product_id=mug) is False
    assert await carts.add_once(dal_db, customer_id=ada, product_id=pot) is True
    assert await carts.add(dal_db, customer_id=bob, product_id=spade) == 1
    assert await carts.lines(dal_db, customer_id=ada) == [
        CartLine(
            product=Product(id=mug, name="Mug", price=Decimal("7.50")),
            quantity=3,
            total=Decimal("22.50"),
            cart_total=Decimal("42.50"),
            rank=1,
        ),
        CartLine(
            product=Product(id=pot, name="Pot", price=Decimal("20.00")),
            quantity=1,
            total=Decimal("20.00"),
            cart_total=Decimal("42.50"),
            rank=2,
        ),
    ]
    assert await carts.total(dal_db, customer_id=ada) == Decimal("42.50")
    assert await carts.total(dal_db, customer_id=uuid4()) == Decimal(0)


async def test_an_order_and_its_items(
    dal_db: dal.Database, ada: UUID, bob: UUID, products: Ids
) -> None:
    home = await customers.add_address(dal_db, customer_id=ada, street="Lane 1", city="York")
    for name, quantity in (("Pot", 1), ("Mug", 2)):
        await carts.add(dal_db, customer_id=ada, product_id=products[name], quantity=quantity)
    order_id = await orders.place(dal_db, customer_id=ada, address_id=home, note="Ring twice")
    assert order_id is not None
    assert await carts.lines(dal_db, customer_id=ada) == []
    assert await orders.place(dal_db, customer_id=ada) is None
    placed_at = await customers.last_order(dal_db, customer_id=ada)
    assert placed_at is not None
    mug = Item(product_id=products["Mug"], name="Mug", quantity=2, unit_price=Decimal("7.50"))
    pot = Item(product_id=products["Pot"], name="Pot", quantity=1, unit_price=Decimal("20.00"))
    assert await orders.get(dal_db, customer_id=ada, order_id=order_id) == Order(
        id=order_id,
        status=Status.PENDING,
        note="Ring twice",
        placed_at=placed_at,
        customer=Buyer(id=ada, name="Ada"),
        address=Address(street="Lane 1", city="York"),
        items=[mug, pot],
    )
    with pytest.raises(orders.OrderNotFoundError):
        await orders.get(dal_db, customer_id=bob, order_id=order_id)


async def test_an_order_that_is_fetched_has_no_address(
    dal_db: dal.Database, ada: UUID, products: Ids
) -> None:
    order_id = await ordered(dal_db, ada, products["Mug"], NOON)
    order = await orders.get(dal_db, customer_id=ada, order_id=order_id)
    assert (order.address, order.note, order.placed_at, len(order.items)) == (None, None, NOON, 1)


async def test_history(dal_db: dal.Database, ada: UUID, bob: UUID, products: Ids) -> None:
    home = await customers.add_address(dal_db, customer_id=ada, street="Lane 1", city="York")
    first, second, third = [
        await ordered(dal_db, ada, products["Mug"], NOON + timedelta(days=day)) for day in range(3)
    ]
    await ordered(dal_db, bob, products["Mug"], NOON)
    await dal_db.execute("UPDATE orders SET address_id = $2 WHERE id = $1", second, home)
    await orders.pay(dal_db, customer_id=ada, order_id=first, paid_at=NOON, payment=Facts())

    async def ids(**filters: Any) -> list[UUID]:
        lines = await orders.history(dal_db, customer_id=ada, **filters)
        return [each.id for each in lines]

    assert await ids() == [third, second, first]
    assert await ids(limit=1) == [third]
    assert await ids(status=Status.PAID) == [first]
    assert await ids(since=NOON + timedelta(days=1)) == [third, second]
    assert await ids(fetched=True) == [third, first]
    assert await ids(fetched=True, status=Status.PENDING, since=NOON) == [third]
    assert await ids(status=Status.SHIPPED) == []
    assert await orders.history(dal_db, customer_id=ada, status=Status.PAID) == [
        OrderLine(id=first, status=Status.PAID, placed_at=NOON)
    ]


async def test_events_in_partitions(
    dal_db: dal.Database, ada: UUID, bob: UUID, products: Ids
) -> None:
    order_id = await ordered(dal_db, ada, products["Mug"], NOON)
    own: dict[str, Any] = {"customer_id": ada, "order_id": order_id}
    paid_at, returned_at = NOON.replace(year=2025), NOON.replace(year=2031)
    paid, shipped = Facts(amount=Decimal("7.50")), Facts(carrier="Post")
    assert await orders.pay(dal_db, **own, paid_at=paid_at, payment=paid) == paid_at
    assert await orders.pay(dal_db, **own, paid_at=NOON, payment=paid) is None
    times: dict[str, Any] = {"since": paid_at, "until": returned_at}
    happened = [Event(happened_at=paid_at, kind="paid", facts=paid)]
    assert await orders.events(dal_db, **own, **times) == happened
    await orders.log_event(dal_db, **own, happened_at=NOON, kind="shipped", facts=shipped)
    await orders.log_event(dal_db, **own, happened_at=returned_at, kind="returned", facts=Facts())
    happened.append(Event(happened_at=NOON, kind="shipped", facts=shipped))
    assert await orders.events(dal_db, **own, **times) == happened
    assert await orders.events(dal_db, customer_id=bob, order_id=order_id, **times) == []
    rows = await dal_db.fetch("SELECT tableoid::regclass::text AS part FROM events ORDER BY 1")
    assert [row["part"] for row in rows] == ["events_2025", "events_2026", "events_later"]
