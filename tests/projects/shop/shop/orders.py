"""Orders, their items, and what happens to them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime

from dal.binding import Executor, JsonColumn
from dal.errors import NotFoundError
from shop.database import Amount, Record, query

EventKind: TypeAlias = Literal["paid", "shipped", "returned"]


class OrderNotFoundError(NotFoundError):
    """The customer has no such order."""


class Status(StrEnum):
    """How far an order has come."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Buyer(Record):
    """Whose an order is."""

    id: UUID
    name: str


class Address(Record):
    """Where an order goes."""

    street: str
    city: str


class Item(Record):
    """What was bought, at the price of that day."""

    product_id: int
    name: str
    quantity: int
    unit_price: Decimal


class Order(Record):
    """An order with its items; one that is fetched has no address."""

    id: UUID
    status: Status
    note: str | None
    placed_at: datetime
    customer: Buyer
    address: Address | None
    items: list[Item]


class OrderLine(Record):
    """An order as the history shows it."""

    id: UUID
    status: Status
    placed_at: datetime


class Facts(Record):
    """What is known of an event; a json column has it."""

    amount: Amount | None = None
    carrier: str | None = None


class Event(Record):
    """What happened to an order."""

    happened_at: datetime
    kind: EventKind
    facts: JsonColumn[Facts]


@query("orders/place.sql")
async def place(
    db: Executor, *, customer_id: UUID, address_id: UUID | None = None, note: str | None = None
) -> UUID | None:
    """Turn a cart into an order and empty it; None where it is empty."""
    raise NotImplementedError


@query("orders/get.sql", not_found=OrderNotFoundError)
async def get(db: Executor, *, customer_id: UUID, order_id: UUID) -> Order:
    """An order with its items."""
    raise NotImplementedError


@query("orders/history.sql")
async def history(
    db: Executor,
    *,
    customer_id: UUID,
    status: Status | None = None,
    since: AwareDatetime | None = None,
    fetched: bool | None = None,
    limit: int = 50,
) -> list[OrderLine]:
    """The orders of a customer, the last one first; of all, or of those that are wanted."""
    raise NotImplementedError


@query("orders/pay.sql")
async def pay(
    db: Executor, *, customer_id: UUID, order_id: UUID, paid_at: datetime, payment: Facts
) -> datetime | None:
    """Mark an order as paid, and note when and with what; None unless it was pending."""
    raise NotImplementedError


@query("orders/log_event.sql")
async def log_event(
    db: Executor,
    *,
    customer_id: UUID,
    order_id: UUID,
    happened_at: datetime,
    kind: EventKind,
    facts: Facts,
) -> None:
    """Note what happened to an order."""
    raise NotImplementedError


@query("orders/events.sql")
async def events(
    db: Executor, *, customer_id: UUID, order_id: UUID, since: datetime, until: datetime
) -> list[Event]:
    """What happened to an order within some time."""
    raise NotImplementedError
