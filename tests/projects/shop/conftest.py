"""What the tests begin with: customers, and a shelf of products."""

from decimal import Decimal
from uuid import UUID

import pytest
from shop import catalogue, customers
from shop.catalogue import Details, NewProduct

import dal


@pytest.fixture
async def ada(dal_db: dal.Database) -> UUID:
    """A customer."""
    return await customers.register(dal_db, email="ada@example.com", name="Ada")


@pytest.fixture
async def bob(dal_db: dal.Database) -> UUID:
    """Another customer."""
    return await customers.register(dal_db, email="bob@example.com", name="Bob")


@pytest.fixture
async def categories(dal_db: dal.Database) -> dict[str, int]:
    """The ids of a tree of categories, by name."""
    home = await catalogue.add_category(dal_db, name="Home")
    kitchen = await catalogue.add_category(dal_db, name="Kitchen", parent_id=home)
    garden = await catalogue.add_category(dal_db, name="Garden", parent_id=home)
    cups = await catalogue.add_category(dal_db, name="Cups", parent_id=kitchen)
    return {"Home": home, "Kitchen": kitchen, "Garden": garden, "Cups": cups}


@pytest.fixture
async def products(dal_db: dal.Database, categories: dict[str, int]) -> dict[str, int]:
    """The ids of products, by name: three in the kitchen, one in the garden."""
    kitchen, garden = categories["Kitchen"], categories["Garden"]
    new = [
        NewProduct(
            category_id=kitchen,
            sku="K1",
            name="Mug",
            description="Holds tea",
            price=Decimal("7.50"),
            details=Details(color="red", grams=300),
        ),
        NewProduct(category_id=kitchen, sku="K2", name="Pot", price=Decimal("20.00")),
        NewProduct(
            category_id=kitchen,
            sku="K3",
            name="Tea strainer",
            description="For tea of any kind",
            price=Decimal("7.50"),
        ),
        NewProduct(category_id=garden, sku="G1", name="Spade", price=Decimal("31.99")),
    ]
    ids = await catalogue.import_products(dal_db, products=new)
    spade, mug, pot, strainer = ids  # by their numbers
    return {"Mug": mug, "Pot": pot, "Tea strainer": strainer, "Spade": spade}
