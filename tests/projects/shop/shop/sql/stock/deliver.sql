-- Brings the stock of a warehouse to what was counted: what it has none of goes.
--
-- Needs PostgreSQL 15: MERGE is new there, and nobody counts on an older server.
MERGE INTO stock AS s
USING unnest(:counts_product_id::bigint[], :counts_quantity::integer[])
    AS counted (product_id, quantity)
ON s.product_id = counted.product_id AND s.warehouse = :warehouse
WHEN MATCHED AND counted.quantity = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET quantity = counted.quantity
WHEN NOT MATCHED THEN
    INSERT (product_id, warehouse, quantity)
    VALUES (counted.product_id, :warehouse, counted.quantity);
