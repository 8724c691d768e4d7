"""Carts: what a customer is about to buy."""

from decimal import Decimal
from uuid import UUID

from dal.binding import Executor
from shop.catalogue import Product
from shop.database import Quantity, Record, query


class CartLine(Record):
    """A product in a cart, with its share of the whole."""

    product: Product
    quantity: int
    total: Decimal
    cart_total: Decimal
    rank: int


@query("carts/add.sql")
async def add(db: Executor, *, customer_id: UUID, product_id: int, quantity: Quantity = 1) -> int:
    """Put a product into a cart, or more of it; how many there are now."""
    raise NotImplementedError


@query("carts/add_once.sql")
async def add_once(db: Executor, *, customer_id: UUID, product_id: int) -> bool:
    """Put one of a product into a cart; False if it is there already."""
    raise NotImplementedError


@query("carts/lines.sql")
async def lines(db: Executor, *, customer_id: UUID) -> list[CartLine]:
    """What is in a cart, the most expensive line first."""
    raise NotImplementedError


@query("carts/total.sql")
async def total(db: Executor, *, customer_id: UUID) -> Decimal:
    """What a cart costs."""
    raise NotImplementedError
