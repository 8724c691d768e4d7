-- What happened to an order, in a partition for each year, so that an old year goes as a whole.

CREATE TYPE event_kind AS ENUM ('paid', 'shipped', 'returned');

CREATE TABLE events (
    customer_id uuid NOT NULL,
    order_id uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    kind event_kind NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (customer_id, order_id, happened_at),
    FOREIGN KEY (customer_id, order_id) REFERENCES orders ON DELETE CASCADE
) PARTITION BY RANGE (happened_at);

CREATE TABLE events_2025 PARTITION OF events
FOR VALUES FROM ('2025-01-01 00:00Z') TO ('2026-01-01 00:00Z');

CREATE TABLE events_2026 PARTITION OF events
FOR VALUES FROM ('2026-01-01 00:00Z') TO ('2027-01-01 00:00Z');

CREATE TABLE events_later PARTITION OF events DEFAULT;
