-- The orders of a customer, the last one first.
SELECT id, status, placed_at
FROM orders
WHERE customer_id = :customer_id
  AND status = :status                  -- if :status
  AND placed_at >= :since               -- if :since
  AND address_id IS NULL                -- if :fetched
ORDER BY placed_at DESC, id DESC
LIMIT :limit;
