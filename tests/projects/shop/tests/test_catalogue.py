"""The catalogue: trees, arrays, batches, text search, filters and pages."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from shop import catalogue
from shop.catalogue import (
    Branch,
    Category,
    Details,
    NewPrice,
    NewProduct,
    Place,
    Product,
    ProductPage,
    Rating,
)

import dal

Ids = dict[str, int]


def product(products: Ids, name: str, price: str) -> Product:
    return Product(id=products[name], name=name, price=Decimal(price))


async def test_the_tree_of_categories(dal_db: dal.Database, categories: Ids) -> None:
    assert await catalogue.subtree(dal_db, category_id=categories["Home"]) == [
        Branch(categories["Home"], "Home", 0, ["Home"]),
        Branch(categories["Garden"], "Garden", 1, ["Home", "Garden"]),
        Branch(categories["Kitchen"], "Kitchen", 1, ["Home", "Kitchen"]),
        Branch(categories["Cups"], "Cups", 2, ["Home", "Kitchen", "Cups"]),
    ]
    assert await catalogue.breadcrumb(dal_db, category_id=categories["Cups"]) == [
        "Home",
        "Kitchen",
        "Cups",
    ]
    assert await catalogue.breadcrumb(dal_db, category_id=0) == []


async def test_an_import_changes_what_is_there(
    dal_db: dal.Database, categories: Ids, products: Ids
) -> None:
    again = NewProduct(
        category_id=categories["Cups"],
        sku="K1",
        name="Large mug",
        price=Decimal("9.00"),
        details=Details(grams=450),
    )
    more = NewProduct(category_id=categories["Cups"], sku="C1", name="Cup", price=Decimal(4))
    added, changed = await catalogue.import_products(dal_db, products=[again, more])
    assert changed == products["Mug"]
    assert added not in products.values()
    assert await catalogue.get(dal_db, product_id=changed) == ProductPage(
        id=changed,
        sku="K1",
        name="Large mug",
        price=Decimal("9.00"),
        tags=[],
        details=Details(color=None, grams=450),
        category=Category(id=categories["Cups"], name="Cups"),
        rating=None,
    )
    page = await catalogue.get(dal_db, product_id=added)
    assert page is not None
    assert page.details is None
    assert await catalogue.get(dal_db, product_id=0) is None
    assert await catalogue.import_products(dal_db, products=[]) == []


async def test_reviews(dal_db: dal.Database, ada: UUID, bob: UUID, products: Ids) -> None:
    mug, pot = products["Mug"], products["Pot"]
    await catalogue.review(dal_db, product_id=mug, customer_id=ada, stars=1)
    await catalogue.review(dal_db, product_id=mug, customer_id=bob, stars=4, comment="Good")
    await catalogue.review(dal_db, product_id=mug, customer_id=ada, stars=3, comment="Better")
    await catalogue.review(dal_db, product_id=pot, customer_id=bob, stars=5)
    page = await catalogue.get(dal_db, product_id=mug)
    assert page is not None
    assert page.rating == Rating(reviews=2, stars=Decimal("3.50"))
    latest = await catalogue.latest_reviews(dal_db, product_ids=[pot, mug, products["Spade"]])
    assert [(r.product_id, r.stars, r.comment) for r in latest] == [
        (mug, 3, "Better"),
        (pot, 5, None),
    ]
    written = await dal_db.fetch("SELECT written_at FROM reviews ORDER BY product_id, written_at")
    assert [r.written_at for r in latest] == [written[1]["written_at"], written[2]["written_at"]]


async def test_prices_in_one_batch(dal_db: dal.Database, products: Ids) -> None:
    prices = [
        NewPrice(products["Mug"], Decimal("8.25")),
        NewPrice(products["Pot"], Decimal("20.00")),  # as it was
        NewPrice(0, Decimal(1)),
    ]
    assert await catalogue.set_prices(dal_db, prices=prices) == 1
    assert await catalogue.by_ids(dal_db, ids=[products["Pot"], products["Mug"], 0]) == [
        product(products, "Mug", "8.25"),
        product(products, "Pot", "20.00"),
    ]
    assert await catalogue.by_ids(dal_db, ids=[]) == []
    assert await catalogue.set_prices(dal_db, prices=[]) == 0


async def test_tags_are_an_array(dal_db: dal.Database, products: Ids) -> None:
    tags = ["tea", 'it\'s, "new" {1}']
    assert await catalogue.set_tags(dal_db, product_id=products["Mug"], tags=tags) is True
    assert await catalogue.set_tags(dal_db, product_id=0, tags=tags) is False
    page = await catalogue.get(dal_db, product_id=products["Mug"])
    assert page is not None
    assert page.tags == tags


async def test_search_ranks_the_name_first(dal_db: dal.Database, products: Ids) -> None:
    hits = await catalogue.search(dal_db, words="tea")
    assert [(hit.id, hit.name) for hit in hits] == [
        (products["Tea strainer"], "Tea strainer"),
        (products["Mug"], "Mug"),
    ]
    first, second = hits
    assert first.rank > second.rank > 0
    assert await catalogue.search(dal_db, words="tea", limit=1) == [first]
    for words, name in (("tea -kind", "Mug"), ('"holds tea"', "Mug"), ("spades", "Spade")):
        assert [hit.name for hit in await catalogue.search(dal_db, words=words)] == [name]
    assert await catalogue.search(dal_db, words="") == []


async def test_a_headline(dal_db: dal.Database, products: Ids) -> None:
    strainer = products["Tea strainer"]
    assert await catalogue.headline(dal_db, product_id=strainer, words="teas or kind") == (
        "For *tea* of any *kind*"
    )
    with pytest.raises(catalogue.ProductNotFoundError):
        await catalogue.headline(dal_db, product_id=0, words="tea")


@pytest.fixture
async def shelf(dal_db: dal.Database, categories: Ids, products: Ids) -> Ids:
    """The products, one of them out of sale, one with tags, two in stock."""
    await catalogue.set_tags(dal_db, product_id=products["Mug"], tags=["tea", "gift"])
    await dal_db.execute(
        "UPDATE products SET discontinued_at = now() WHERE id = $1", products["Pot"]
    )
    await dal_db.execute(
        "INSERT INTO stock (product_id, warehouse, quantity)"
        " VALUES ($1, 'York', 3), ($2, 'York', 1), ($3, 'York', 0)",
        products["Mug"],
        products["Pot"],
        products["Tea strainer"],
    )
    return products


ALL = ["Mug", "Tea strainer", "Pot"]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ALL),
        ({"min_price": Decimal("7.51")}, ["Pot"]),
        ({"max_price": Decimal("7.50")}, ["Mug", "Tea strainer"]),
        ({"min_price": Decimal(8), "max_price": Decimal(9)}, []),
        ({"tags": ["gift"]}, ["Mug"]),
        ({"tags": ["gift", "new"]}, []),
        ({"tags": []}, ALL),
        ({"sold": True}, ["Mug", "Tea strainer"]),
        ({"sold": False}, ALL),
        ({"in_stock": True}, ["Mug", "Pot"]),
        ({"in_stock": True, "sold": True, "tags": ["tea"], "max_price": Decimal(10)}, ["Mug"]),
        ({"limit": 2}, ["Mug", "Tea strainer"]),
    ],
    ids=str,
)
async def test_filters_that_may_be_absent(
    dal_db: dal.Database, categories: Ids, shelf: Ids, filters: dict[str, Any], names: list[str]
) -> None:
    shown = await catalogue.browse(dal_db, category_id=categories["Kitchen"], **filters)
    assert [each.name for each in shown] == names


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 100])
async def test_pages_by_price(
    dal_db: dal.Database, categories: Ids, products: Ids, page_size: int
) -> None:
    kitchen = categories["Kitchen"]
    expected = [
        product(products, "Mug", "7.50"),
        product(products, "Tea strainer", "7.50"),
        product(products, "Pot", "20.00"),
    ]
    pages = catalogue.by_price(dal_db, category_id=kitchen, page_size=page_size)
    assert [each async for each in pages] == expected
    after = Place(Decimal("7.50"), products["Mug"])
    assert expected[0].cursor == after
    rest = catalogue.by_price(dal_db, category_id=kitchen, after=after, page_size=page_size)
    assert [each async for each in rest] == expected[1:]
