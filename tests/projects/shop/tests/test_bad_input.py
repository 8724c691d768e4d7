"""What the functions refuse, before and after it reaches the server."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from shop import carts, catalogue, customers, jobs, orders, stock
from shop.database import query

import dal
from dal.binding import Executor, Queries
from dal.errors import ConflictError, DalError, InvalidInputError, SchemaMismatchError

NAIVE = datetime(2026, 3, 1)
ID = UUID(int=1)
PRODUCT = {"category_id": 1, "sku": "K9", "name": "Lid", "price": Decimal(1)}
UNPRICED = {**PRODUCT, "price": -1}
ORDER = {"customer_id": ID, "order_id": ID}
JOB = {"kind": "mail", "payload": {"order_id": ID}, "due_at": NAIVE}

Call = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("function", "arguments", "place"),
    [
        (orders.history, {"customer_id": ID, "since": NAIVE}, "since"),
        (orders.events, {**ORDER, "since": NAIVE, "until": NAIVE}, "since"),
        (orders.pay, {**ORDER, "paid_at": NAIVE, "payment": {}}, "paid_at"),
        (jobs.take, {"now": NAIVE}, "now"),
        (jobs.enqueue, {"jobs": [JOB]}, "jobs[0].due_at"),
        (customers.get, {"customer_id": "ada"}, "customer_id"),
        (customers.promote, {"customer_id": ID, "tier": "platinum"}, "tier"),
        (orders.history, {"customer_id": ID, "status": "lost"}, "status"),
        (
            customers.set_preferences,
            {"customer_id": ID, "preferences": {"language": "fr"}},
            "preferences.language",
        ),
        (customers.set_preferences, {"customer_id": ID, "preferences": "{}"}, "preferences"),
        (catalogue.import_products, {"products": [PRODUCT, UNPRICED]}, "products[1].price"),
        (catalogue.import_products, {"products": [7]}, "products[0]"),
        (catalogue.set_tags, {"product_id": 1, "tags": ["tea", None]}, "tags[1]"),
        (catalogue.by_ids, {"ids": "12"}, "ids"),
        (catalogue.review, {"product_id": 1, "customer_id": ID, "stars": 6}, "stars"),
        (carts.add, {"customer_id": ID, "product_id": 1, "quantity": 0}, "quantity"),
    ],
)
async def test_what_is_refused_before_it_is_sent(
    function: Call, arguments: dict[str, Any], place: str
) -> None:
    class Silent:
        """An executor that must not be asked."""

        async def fetch(self, query: str, /, *args: Any) -> list[Any]:
            raise AssertionError(query)

        async def execute(self, query: str, /, *args: Any) -> str:
            raise AssertionError(query)

    with pytest.raises(InvalidInputError) as error:
        await function(Silent(), **arguments)
    assert str(error.value).partition(": ")[2].startswith(place)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (orders.history, {"customer_id": ID, "limit": 2**63}),
        (stock.level, {"product_id": -(2**63) - 1, "warehouse": "York"}),
        (carts.add, {"customer_id": ID, "product_id": 1, "quantity": 2**31}),
        (catalogue.by_ids, {"ids": [1, 2**63]}),
        (catalogue.set_tags, {"product_id": 1, "tags": ["a\0b"]}),
    ],
)
async def test_what_no_column_can_hold(
    dal_db: dal.Database, function: Call, arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        await function(dal_db, **arguments)


async def test_what_a_constraint_refuses(
    dal_db: dal.Database, ada: UUID, products: dict[str, int]
) -> None:
    with pytest.raises(InvalidInputError):  # the domain's CHECK
        await customers.register(dal_db, email="nobody", name="Nobody")
    with pytest.raises(ConflictError) as error:
        await carts.add(dal_db, customer_id=ada, product_id=0)
    assert error.value.constraint == "cart_items_product_id_fkey"
    await carts.add(dal_db, customer_id=ada, product_id=products["Mug"])
    with pytest.raises(ConflictError) as error:
        await orders.place(dal_db, customer_id=ada, address_id=ID)
    assert error.value.constraint == "orders_customer_id_address_id_fkey"
    assert await carts.total(dal_db, customer_id=ada) == Decimal("7.50")


async def test_two_rows_where_a_stub_promises_one(
    dal_db: dal.Database, products: dict[str, int]
) -> None:
    own = Queries(query.folder)

    @own("catalogue/by_ids.sql")
    async def only(db: Executor, *, ids: list[int]) -> catalogue.Product:
        raise NotImplementedError

    mug = await only(dal_db, ids=[products["Mug"]])
    assert mug == catalogue.Product(id=products["Mug"], name="Mug", price=Decimal("7.50"))
    with pytest.raises(DalError, match=r"more than one row came back"):
        await only(dal_db, ids=[products["Mug"], products["Pot"]])
    with pytest.raises(
        DalError, match="the statement returned no row, but its stub returns exactly one"
    ):
        await only(dal_db, ids=[0])


async def test_a_json_column_that_another_writer_spoiled(dal_db: dal.Database, ada: UUID) -> None:
    await dal_db.execute('UPDATE customers SET preferences = \'{"language": "xx"}\'')
    with pytest.raises(SchemaMismatchError, match=f"Customer .id {ada}.: preferences: "):
        await customers.get(dal_db, customer_id=ada)
