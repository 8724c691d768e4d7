"""What the shop's people want to know."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dal.binding import Executor
from shop.database import query


@dataclass(frozen=True)
class Counts:
    """How many orders a customer has in which state."""

    orders: int
    pending: int
    cancelled: int
    first_at: datetime | None


@dataclass(frozen=True)
class Day:
    """A day's revenue, and what came together until then."""

    day: date
    revenue: Decimal
    so_far: Decimal
    day_before: Decimal | None


@dataclass(frozen=True)
class Revenue:
    """What a category brought on a day; in a sum over all days or categories these are None."""

    category_id: int | None
    day: date | None
    revenue: Decimal


@dataclass(frozen=True)
class BestSeller:
    """A product that sold well in its category."""

    category: str
    product: str
    quantity: int


@query("reports/counts.sql")
async def counts(db: Executor, *, customer_id: UUID) -> Counts:
    """How many orders a customer has in which state."""
    raise NotImplementedError


@query("reports/refresh.sql")
async def refresh(db: Executor) -> None:
    """Refresh the sales, which all other reports but `best_sellers` read."""
    raise NotImplementedError


@query("reports/running_revenue.sql")
async def running_revenue(db: Executor, *, category_id: int) -> list[Day]:
    """A category's revenue by day, and what came together until then."""
    raise NotImplementedError


@query("reports/revenue.sql")
async def revenue(db: Executor, *, since: date, until: date) -> list[Revenue]:
    """Revenue by category and day, of each category, and of all."""
    raise NotImplementedError


@query("reports/best_sellers.sql")
async def best_sellers(db: Executor, *, category_id: int, limit: int = 3) -> list[BestSeller]:
    """The products that sold most, of each category directly below one."""
    raise NotImplementedError
