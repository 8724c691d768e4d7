"""Where the shop's statements are, and what its records have in common."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from dal.binding import Queries

query = Queries(Path(__file__).parent / "sql")

Amount: TypeAlias = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]
Quantity: TypeAlias = Annotated[int, Field(gt=0)]


class Record(BaseModel):
    """A row, or a part of one."""

    model_config = ConfigDict(frozen=True)
