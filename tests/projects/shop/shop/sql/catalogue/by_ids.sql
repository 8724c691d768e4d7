-- Some products, by name.
SELECT id, name, price
FROM products
WHERE id = ANY(:ids)
ORDER BY name, id;
