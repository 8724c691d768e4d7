"""Categories, products and reviews."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dal.binding import Columns, Executor, Fields, JsonColumn
from dal.errors import NotFoundError
from shop.database import Amount, Record, query


class ProductNotFoundError(NotFoundError):
    """There is no such product."""


class Details(Record):
    """What only some products have; a json column has it."""

    color: str | None = None
    grams: int | None = None


class NewProduct(Record):
    """A product as a supplier's list has it."""

    category_id: int
    sku: str
    name: str
    description: str = ""
    price: Amount
    details: Details | None = None


@dataclass(frozen=True)
class NewPrice:
    """What a product costs from now on."""

    product_id: int
    price: Amount


@dataclass(frozen=True)
class Branch:
    """A category below another: how deep, and the names that lead to it."""

    id: int
    name: str
    depth: int
    path: list[str]


@dataclass(frozen=True)
class Place:
    """A place in a list by price."""

    price: Decimal
    id: int


class Product(Record):
    """A product as lists show it."""

    id: int
    name: str
    price: Decimal

    @property
    def cursor(self) -> Place:
        """Its place in a list by price."""
        return Place(self.price, self.id)


class Category(Record):
    """Where a product belongs."""

    id: int
    name: str


class Rating(Record):
    """What customers say on average."""

    reviews: int
    stars: Decimal


class ProductPage(Record):
    """A product as its own page shows it; without a review it has no rating."""

    id: int
    sku: str
    name: str
    price: Decimal
    tags: list[str]
    details: JsonColumn[Details | None]
    category: Category
    rating: Rating | None


class Hit(Record):
    """A product that fits the words of a search."""

    id: int
    name: str
    rank: float


@dataclass(frozen=True)
class Review:
    """What a customer says of a product."""

    product_id: int
    stars: int
    comment: str | None
    written_at: datetime


@query("catalogue/add_category.sql")
async def add_category(db: Executor, *, name: str, parent_id: int | None = None) -> int:
    """Add a category, at the top or below another."""
    raise NotImplementedError


@query("catalogue/subtree.sql")
async def subtree(db: Executor, *, category_id: int) -> list[Branch]:
    """A category and all below it."""
    raise NotImplementedError


@query("catalogue/breadcrumb.sql")
async def breadcrumb(db: Executor, *, category_id: int) -> list[str]:
    """The names of the categories that lead to one, from the top."""
    raise NotImplementedError


@query("catalogue/import_products.sql")
async def import_products(
    db: Executor, *, products: Annotated[Sequence[NewProduct], Columns(NewProduct)]
) -> list[int]:
    """Add products, or change those with these numbers; their ids, in the order of the numbers."""
    raise NotImplementedError


@query("catalogue/set_prices.sql")
async def set_prices(
    db: Executor, *, prices: Annotated[Sequence[NewPrice], Columns(NewPrice)]
) -> int:
    """Set the prices of some products; how many of them changed."""
    raise NotImplementedError


@query("catalogue/set_tags.sql")
async def set_tags(db: Executor, *, product_id: int, tags: list[str]) -> bool:
    """Replace the tags of a product; False if there is no such product."""
    raise NotImplementedError


@query("catalogue/get.sql")
async def get(db: Executor, *, product_id: int) -> ProductPage | None:
    """A product with its category and rating, or None."""
    raise NotImplementedError


@query("catalogue/by_ids.sql")
async def by_ids(db: Executor, *, ids: list[int]) -> list[Product]:
    """Some products, by name."""
    raise NotImplementedError


@query("catalogue/browse.sql")
async def browse(
    db: Executor,
    *,
    category_id: int,
    min_price: Decimal | None = None,
    max_price: Decimal | None = None,
    tags: list[str] | None = None,
    sold: bool | None = None,
    in_stock: bool | None = None,
    limit: int = 50,
) -> list[Product]:
    """The products of a category, the cheapest first, by what the customer wants of them."""
    raise NotImplementedError


@query("catalogue/pages.sql")
def by_price(
    db: Executor,
    *,
    category_id: int,
    after: Annotated[Place | None, Fields(Place)] = None,
    page_size: int = 100,
) -> AsyncIterator[Product]:
    """All products of a category by price, read in pages."""
    raise NotImplementedError


@query("catalogue/search.sql")
async def search(db: Executor, *, words: str, limit: int = 20) -> list[Hit]:
    """The products that fit some words, the best first."""
    raise NotImplementedError


@query("catalogue/headline.sql", not_found=ProductNotFoundError)
async def headline(db: Executor, *, product_id: int, words: str) -> str:
    """A product's description with some words marked in it."""
    raise NotImplementedError


@query("catalogue/review.sql")
async def review(
    db: Executor,
    *,
    product_id: int,
    customer_id: UUID,
    stars: Annotated[int, Field(ge=1, le=5)],
    comment: str | None = None,
) -> None:
    """Note what a customer says of a product, in place of what they said before."""
    raise NotImplementedError


@query("catalogue/latest_reviews.sql")
async def latest_reviews(db: Executor, *, product_ids: list[int]) -> list[Review]:
    """The last review of each of some products."""
    raise NotImplementedError
