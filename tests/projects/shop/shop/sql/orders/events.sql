-- What happened to an order within some time.
SELECT happened_at, kind, facts::text AS facts
FROM events
WHERE customer_id = :customer_id AND order_id = :order_id
  AND happened_at >= :since AND happened_at < :until
ORDER BY happened_at;
