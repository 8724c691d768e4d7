"""Customers and their addresses."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from dal.binding import Executor, JsonColumn
from shop.database import Record, query


class Tier(StrEnum):
    """How good a customer somebody is."""

    BASIC = "basic"
    SILVER = "silver"
    GOLD = "gold"


class Preferences(Record):
    """What a customer prefers; a json column has it."""

    newsletter: bool = False
    language: Literal["en", "de"] = "en"


class Customer(Record):
    """Somebody who has registered."""

    id: UUID
    email: str
    name: str
    tier: Tier
    preferences: JsonColumn[Preferences]


@query("customers/register.sql")
async def register(db: Executor, *, email: str, name: str) -> UUID:
    """Register a customer, or rename the one who has this address."""
    raise NotImplementedError


@query("customers/is_registered.sql")
async def is_registered(db: Executor, *, email: str) -> bool:
    """Whether somebody has registered with an address."""
    raise NotImplementedError


@query("customers/get.sql")
async def get(db: Executor, *, customer_id: UUID) -> Customer | None:
    """A customer, or None."""
    raise NotImplementedError


@query("customers/set_preferences.sql")
async def set_preferences(db: Executor, *, customer_id: UUID, preferences: Preferences) -> bool:
    """Replace what a customer prefers; False if there is no such customer."""
    raise NotImplementedError


@query("customers/promote.sql")
async def promote(db: Executor, *, customer_id: UUID, tier: Tier) -> Tier | None:
    """Put a customer into a tier; the one of before, or None if there is no such customer."""
    raise NotImplementedError


@query("customers/add_address.sql")
async def add_address(db: Executor, *, customer_id: UUID, street: str, city: str) -> UUID:
    """Add an address of a customer's."""
    raise NotImplementedError


@query("customers/last_order.sql")
async def last_order(db: Executor, *, customer_id: UUID) -> datetime | None:
    """When a customer last ordered, or None."""
    raise NotImplementedError
