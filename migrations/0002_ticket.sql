-- Tickets, what units do with them, their clocks, their history.
-- The number is the key: the daemon issues it, so that children need no look-up and no round trip.

CREATE TABLE ticket (
    number        bigint PRIMARY KEY CHECK (number > 0),
    query_code    text NOT NULL,
    state         text NOT NULL,
    version       integer NOT NULL DEFAULT 1,
    channel       text NOT NULL,
    kind          text NOT NULL,
    urgency       text NOT NULL,
    category      text NOT NULL REFERENCES category,
    region        text REFERENCES region,
    address       text,
    title         text NOT NULL,
    text          text NOT NULL,
    call_id       text,
    received_at   timestamptz NOT NULL,
    received_by   text NOT NULL,
    round         smallint NOT NULL DEFAULT 1,
    is_problem    boolean NOT NULL DEFAULT false,
    is_overdue    boolean NOT NULL DEFAULT false,
    was_late      boolean NOT NULL DEFAULT false,
    is_confidential boolean NOT NULL DEFAULT false,
    callback_attempts smallint NOT NULL DEFAULT 0,
    lead_unit     text REFERENCES unit,
    rule_set      bigint NOT NULL,
    rule          text,
    route_reason  text NOT NULL,
    sla_set       bigint NOT NULL,
    calendar_set  bigint NOT NULL,
    policy        text NOT NULL,
    dispatched_at timestamptz,
    closed_at     timestamptz,
    closed_tier   text,
    closed_unit   text,
    closed_on_time boolean,
    deepest_tier  text,
    public_reply  text,
    ground        text,
    referred_to   text,
    event_count   integer NOT NULL,
    event_hash    bytea NOT NULL CHECK (length(event_hash) = 32)
);
COMMENT ON TABLE ticket IS '工单';
-- Lists are newest first by number, which sorts by time; open ones by unit.
CREATE INDEX ticket_open ON ticket (lead_unit, number) WHERE closed_at IS NULL;
CREATE INDEX ticket_state ON ticket (state, number);
CREATE INDEX ticket_received ON ticket USING brin (received_at);
CREATE INDEX ticket_closed ON ticket (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE requester (
    number      bigint PRIMARY KEY REFERENCES ticket,
    name        bytea,
    phone       bytea,
    phone_index bytea,
    is_anonymous boolean NOT NULL
);
COMMENT ON TABLE requester IS '诉求人: sealed with AES-256-GCM; phone_index is a keyed hash, searchable without being readable';
-- btree, not hash: one repeated number cut inserts by half with a hash index
CREATE INDEX requester_phone ON requester (phone_index, number) WHERE phone_index IS NOT NULL;

CREATE TABLE assignment (
    number       bigint NOT NULL REFERENCES ticket,
    ordinal      smallint NOT NULL,
    unit         text NOT NULL REFERENCES unit,
    role         text NOT NULL CHECK (role IN ('lead', 'co')),
    round        smallint NOT NULL,
    state        text NOT NULL,
    created_at   timestamptz NOT NULL,
    signed_at    timestamptz,
    signed_by    text,
    contacted_at timestamptz,
    reported_at  timestamptz,
    ended_at     timestamptz,
    solved       boolean,
    internal     text,
    public_reply text,
    PRIMARY KEY (number, ordinal)
);
COMMENT ON TABLE assignment IS '承办: one unit''s handling of a ticket in one round, lead 主办 or co 协办';
CREATE UNIQUE INDEX assignment_one_lead ON assignment (number)
    WHERE role = 'lead' AND state NOT IN ('passed', 'returned', 'recalled');
CREATE INDEX assignment_unit ON assignment (unit, number);

-- What a unit still has to do: narrow, so that claiming and leasing never touch the wide rows.
CREATE TABLE queue_item (
    number      bigint NOT NULL,
    ordinal     smallint NOT NULL,
    unit        text NOT NULL,
    state       text NOT NULL,
    due_at      timestamptz NOT NULL,
    lease       bytea,
    lease_until timestamptz,
    leased_by   text,
    deliveries  integer NOT NULL DEFAULT 0,
    PRIMARY KEY (number, ordinal),
    FOREIGN KEY (number, ordinal) REFERENCES assignment
) WITH (fillfactor = 70);
COMMENT ON TABLE queue_item IS '待办: live assignments; a lease hides an unsigned one from the rest of the unit';
CREATE INDEX queue_item_order ON queue_item (unit, state, due_at, number, ordinal);

CREATE TABLE ticket_clock (
    number      bigint NOT NULL REFERENCES ticket,
    ordinal     smallint NOT NULL,
    assignment  smallint NOT NULL DEFAULT 0,
    clock       text NOT NULL CHECK (clock IN ('dispatch', 'sign', 'first_contact', 'return', 'resolve', 'review', 'callback')),
    round       smallint NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'paused', 'met', 'stopped')),
    stop        text NOT NULL,
    unit        text NOT NULL CHECK (unit IN ('minutes', 'working_minutes', 'working_days', 'calendar_days')),
    is_pausable boolean NOT NULL,
    is_provisional boolean NOT NULL,
    started_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    warn_at     timestamptz NOT NULL,
    warned_at   timestamptz,
    breached_at timestamptz,
    met_at      timestamptz,
    paused_us   bigint NOT NULL DEFAULT 0,
    next_at     timestamptz,
    PRIMARY KEY (number, ordinal),
    CHECK ((state = 'met') = (met_at IS NOT NULL))
);
COMMENT ON TABLE ticket_clock IS '时限: one row a clock; next_at is when the sweeper has something to do';
CREATE INDEX ticket_clock_next ON ticket_clock (next_at, number) WHERE next_at IS NOT NULL;
CREATE INDEX ticket_clock_due ON ticket_clock (clock, due_at);

CREATE TABLE ticket_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    number     bigint NOT NULL REFERENCES ticket,
    seq        integer NOT NULL,
    type       text NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    role       text NOT NULL,
    assignment smallint NOT NULL DEFAULT 0,
    unit       text,
    audience   text[] NOT NULL DEFAULT '{}',
    detail     jsonb NOT NULL,
    detail_text text NOT NULL,
    text       text,
    hash       bytea NOT NULL,
    UNIQUE (number, seq)
);
COMMENT ON TABLE ticket_event IS '流转记录: append-only; audience = units that may see it; detail_text is what was hashed';
-- Ids are given before commits: readers go by (xid, id) and stop at the oldest transaction still running.
CREATE INDEX ticket_event_cursor ON ticket_event (xid, id);

CREATE TABLE callback (
    number    bigint NOT NULL REFERENCES ticket,
    seq       integer NOT NULL,
    round     smallint NOT NULL,
    at        timestamptz NOT NULL,
    account   text NOT NULL,
    reached   boolean NOT NULL,
    contacted boolean,
    solved    boolean,
    satisfied smallint CHECK (satisfied BETWEEN 1 AND 5),
    text      text,
    PRIMARY KEY (number, seq)
);
COMMENT ON TABLE callback IS '回访: first and final answers are the first and last reached row';

CREATE TABLE intake_key (
    account     text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    number      bigint NOT NULL,
    answer      text NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (account, key)
);
COMMENT ON TABLE intake_key IS 'Idempotency keys with the first answer, written in the ticket''s own transaction';

-- The count (DOMAIN 5): every change of a figure is one appended row; a background fold sums them
-- by day; reports read the sums, what is not folded yet, and the edges of the period.
CREATE TABLE tally (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at         timestamptz NOT NULL,
    number     bigint NOT NULL,
    unit       text NOT NULL,
    tier       text NOT NULL,
    region     text NOT NULL,
    category   text NOT NULL,
    kind       text NOT NULL,
    channel    text NOT NULL,
    received   smallint NOT NULL,
    desk       smallint NOT NULL,
    dispatched smallint NOT NULL,
    open       smallint NOT NULL,
    closed     smallint NOT NULL,
    on_time    smallint NOT NULL,
    overdue    smallint NOT NULL
);
COMMENT ON TABLE tally IS '计数流水: differences, one row a change; unit, region '''' = none';
CREATE INDEX tally_xid ON tally (xid);
CREATE INDEX tally_at ON tally (at);

CREATE TABLE tally_day (
    day        date NOT NULL,
    unit       text NOT NULL,
    tier       text NOT NULL,
    region     text NOT NULL,
    category   text NOT NULL,
    kind       text NOT NULL,
    channel    text NOT NULL,
    received   bigint NOT NULL,
    desk       bigint NOT NULL,
    dispatched bigint NOT NULL,
    open       bigint NOT NULL,
    closed     bigint NOT NULL,
    on_time    bigint NOT NULL,
    overdue    bigint NOT NULL,
    PRIMARY KEY (day, unit, tier, region, category, kind, channel)
);
CREATE TABLE tally_fold (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- every tally row with a smaller xid is in tally_day
    folded   xid8 NOT NULL
);
INSERT INTO tally_fold (folded) VALUES ('0');
