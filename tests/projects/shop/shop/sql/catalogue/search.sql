-- The products that fit some words, the best first.
--
-- Waives sort on products: no index has the ranks for words that are not known yet.
SELECT p.id, p.name, ts_rank(p.search, query) AS rank
FROM websearch_to_tsquery('english', :words) AS query
JOIN products AS p ON p.search @@ query
ORDER BY rank DESC, p.id
LIMIT :limit;
