-- Drops all labels.

DROP TABLE labels;
