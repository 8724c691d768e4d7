-- depends: dal 0003.conversations
--
-- The labels of a user's conversations.

CREATE TABLE labels (
    user_id text NOT NULL,
    conversation_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    PRIMARY KEY (user_id, conversation_id, name),
    FOREIGN KEY (user_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);

CREATE INDEX idx_labels_name ON labels (user_id, name, conversation_id);
