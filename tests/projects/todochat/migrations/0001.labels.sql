-- depends: dal 0003.conversations
--
-- Labels of a user's, and the conversations that bear them. A label on another user's conversation
-- is impossible: both keys begin with the owner.

CREATE TABLE labels (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
    color text NOT NULL DEFAULT 'blue' CHECK (color IN ('red', 'green', 'blue')),
    PRIMARY KEY (user_id, id),
    UNIQUE (user_id, name)
);

CREATE TABLE conversation_labels (
    user_id text NOT NULL,
    conversation_id uuid NOT NULL,
    label_id uuid NOT NULL,
    PRIMARY KEY (user_id, conversation_id, label_id),
    FOREIGN KEY (user_id, conversation_id) REFERENCES conversations ON DELETE CASCADE,
    FOREIGN KEY (user_id, label_id) REFERENCES labels ON DELETE CASCADE
);

-- For the conversations of a label, and for the label's deletion.
CREATE INDEX idx_conversation_labels_label
    ON conversation_labels (user_id, label_id, conversation_id);
