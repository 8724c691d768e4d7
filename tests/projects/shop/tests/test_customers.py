"""Customers: an enum, a json column, and scalars."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from shop import carts, customers, orders
from shop.customers import Customer, Preferences, Tier

import dal
from dal.errors import ConflictError


async def test_a_customer_registers_once(dal_db: dal.Database, ada: UUID) -> None:
    assert isinstance(ada, UUID)
    assert await customers.register(dal_db, email="ada@example.com", name="Ada L.") == ada
    assert await customers.is_registered(dal_db, email="ada@example.com") is True
    assert await customers.is_registered(dal_db, email="bob@example.com") is False
    assert await customers.get(dal_db, customer_id=ada) == Customer(
        id=ada,
        email="ada@example.com",
        name="Ada L.",
        tier=Tier.BASIC,
        preferences=Preferences(newsletter=False, language="en"),
    )
    assert await customers.get(dal_db, customer_id=uuid4()) is None


async def test_preferences_are_kept_as_json(dal_db: dal.Database, ada: UUID, bob: UUID) -> None:
    wanted = Preferences(newsletter=True, language="de")
    assert await customers.set_preferences(dal_db, customer_id=ada, preferences=wanted) is True
    assert await customers.set_preferences(dal_db, customer_id=uuid4(), preferences=wanted) is False
    for customer_id, expected in ((ada, wanted), (bob, Preferences())):
        customer = await customers.get(dal_db, customer_id=customer_id)
        assert customer is not None
        assert customer.preferences == expected
    stored = await dal_db.fetch(
        "SELECT id, preferences ->> 'language' AS language FROM customers ORDER BY email"
    )
    assert [(row["id"], row["language"]) for row in stored] == [(ada, "de"), (bob, None)]


async def test_a_promotion_gives_the_tier_of_before(dal_db: dal.Database, ada: UUID) -> None:
    assert await customers.promote(dal_db, customer_id=ada, tier=Tier.GOLD) is Tier.BASIC
    assert await customers.promote(dal_db, customer_id=ada, tier=Tier.SILVER) is Tier.GOLD
    assert await customers.promote(dal_db, customer_id=uuid4(), tier=Tier.GOLD) is None


async def test_the_last_order(dal_db: dal.Database, ada: UUID, bob: UUID) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await dal_db.execute("INSERT INTO orders (customer_id, placed_at) VALUES ($1, $2)", ada, at)
    assert await customers.last_order(dal_db, customer_id=ada) == at
    assert await customers.last_order(dal_db, customer_id=bob) is None


async def test_an_address_belongs_to_one_customer(
    dal_db: dal.Database, ada: UUID, bob: UUID, products: dict[str, int]
) -> None:
    home = await customers.add_address(dal_db, customer_id=ada, street="Lane 1", city="York")
    for customer_id in (ada, bob):
        await carts.add(dal_db, customer_id=customer_id, product_id=products["Mug"])
    with pytest.raises(ConflictError):
        await orders.place(dal_db, customer_id=bob, address_id=home)
    order_id = await orders.place(dal_db, customer_id=ada, address_id=home)
    assert order_id is not None
    order = await orders.get(dal_db, customer_id=ada, order_id=order_id)
    assert order.address == orders.Address(street="Lane 1", city="York")
