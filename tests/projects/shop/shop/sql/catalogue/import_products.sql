-- Adds products, or changes those with these numbers; gives their ids in the order of the numbers.
WITH imported AS (
    INSERT INTO products (category_id, sku, name, description, price, details)
    SELECT category_id, sku, name, description, price, details::jsonb
    FROM unnest(
        :products_category_id::bigint[], :products_sku::text[], :products_name::text[],
        :products_description::text[], :products_price::numeric[], :products_details::text[]
    ) AS given (category_id, sku, name, description, price, details)
    ON CONFLICT (sku) DO UPDATE SET
        category_id = excluded.category_id,
        name = excluded.name,
        description = excluded.description,
        price = excluded.price,
        details = excluded.details
    RETURNING id, sku
)
SELECT id
FROM imported
ORDER BY sku;
