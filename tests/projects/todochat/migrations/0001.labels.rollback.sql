-- Drops all labels.

DROP TABLE conversation_labels;
DROP TABLE labels;
