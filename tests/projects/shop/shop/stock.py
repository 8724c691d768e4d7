"""What lies in the warehouses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from dal.binding import Columns, Executor
from shop.database import query


@dataclass(frozen=True)
class Count:
    """How much of a product was counted."""

    product_id: int
    quantity: int


@query("stock/deliver.sql")
async def deliver(
    db: Executor, *, warehouse: str, counts: Annotated[Sequence[Count], Columns(Count)]
) -> int:
    """Bring the stock of a warehouse to what was counted; how many products changed."""
    raise NotImplementedError


@query("stock/level.sql")
async def level(db: Executor, *, product_id: int, warehouse: str) -> int | None:
    """How much of a product a warehouse has; None where it never had it."""
    raise NotImplementedError
