-- A product's description with some words marked in it.
--
-- Waives nullable on headline: neither the words nor the description may be NULL.
SELECT ts_headline(
    'english', description, websearch_to_tsquery('english', :words), 'StartSel=*, StopSel=*'
) AS headline
FROM products
WHERE id = :product_id;
