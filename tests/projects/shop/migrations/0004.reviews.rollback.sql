-- Drops all reviews.

DROP VIEW ratings;
DROP TABLE reviews;
