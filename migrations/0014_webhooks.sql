-- Open311, and signed webhooks to units' systems.

-- ---- Open311 -------------------------------------------------------------------------------------------------------
-- What came in by GeoReport v2 was sent to be published; nothing else is. Narrow, and written only for those.
CREATE TABLE open311_request (
    number       bigint PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    description  text,
    lat          double precision CHECK (lat BETWEEN -90 AND 90),
    long         double precision CHECK (long BETWEEN -180 AND 180),
    address_id   text,
    media_url    text,
    contact      bytea,
    CHECK ((lat IS NULL) = (long IS NULL))
);
COMMENT ON TABLE open311_request IS 'GeoReport v2: what the ticket has no place for; lat, long are WGS-84';
COMMENT ON COLUMN open311_request.contact IS 'e-mail, device and account of who sent it, sealed';
COMMENT ON COLUMN open311_request.updated_at IS 'of the ticket''s last event, kept by the trigger open311_touch';
CREATE INDEX open311_requested ON open311_request (requested_at, number);
CREATE INDEX open311_updated ON open311_request (updated_at, number);

-- Tickets of other doors pay one comparison of a word.
CREATE FUNCTION open311_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE open311_request o
    SET updated_at = greatest(o.updated_at, e.at)
    FROM ticket_event e
    WHERE o.number = NEW.number AND e.number = NEW.number AND e.seq = NEW.event_count;
    RETURN NULL;
END $$;
CREATE TRIGGER open311_touch AFTER UPDATE ON ticket
    FOR EACH ROW WHEN (NEW.channel = 'open311' AND NEW.event_count <> OLD.event_count)
    EXECUTE FUNCTION open311_touch();

-- What anybody may read. A merged request is closed like every duplicate, with the master's answer once that has passed.
CREATE VIEW open311_listed AS
SELECT o.number, o.requested_at, o.updated_at, t.category, t.state, t.lead_unit, t.address,
       t.state NOT IN ('closed', 'archived', 'rejected', 'referred', 'withdrawn', 'merged', 'false_alarm') AS is_open,
       coalesce(t.public_reply, m.public_reply) AS status_notes, o.description, o.lat, o.long, o.address_id, o.media_url,
       (SELECT max(k.due_at) FROM ticket_clock k
        WHERE k.number = o.number AND k.clock = 'resolve' AND k.state IN ('running', 'paused')) AS expected_at
FROM open311_request o
JOIN ticket t ON t.number = o.number AND NOT t.is_confidential
LEFT JOIN ticket m ON m.number = t.merged_into AND m.state IN ('callback', 'closed', 'archived');

-- ---- webhooks ------------------------------------------------------------------------------------------------------
CREATE TABLE webhook (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit        text REFERENCES unit,
    url         text NOT NULL,
    events      text[] NOT NULL DEFAULT '{}',
    secret      bytea NOT NULL,
    old_secret  bytea,
    old_until   timestamptz,
    is_disabled boolean NOT NULL DEFAULT false,
    reason      text,
    since       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    failures    integer NOT NULL DEFAULT 0,
    retry_at    timestamptz,
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL,
    CHECK ((old_secret IS NULL) = (old_until IS NULL))
);
COMMENT ON TABLE webhook IS 'where a unit''s own system wants to hear of its events; unit NULL = of all tickets';
COMMENT ON COLUMN webhook.events IS 'types it wants, {} = all';
COMMENT ON COLUMN webhook.secret IS 'sealed; old_secret signs as well until old_until';
COMMENT ON COLUMN webhook.since IS 'it hears of transactions from this one on';
COMMENT ON COLUMN webhook.retry_at IS 'it failed last: nothing is sent before';

CREATE TABLE webhook_delivery (
    webhook     bigint NOT NULL REFERENCES webhook,
    event_xid   xid8 NOT NULL,
    event       bigint NOT NULL,
    number      bigint NOT NULL,
    type        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'sent', 'dead')),
    attempts    integer NOT NULL DEFAULT 0,
    wait_ms     bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    next_at     timestamptz,
    ended_at    timestamptz,
    last_status integer,
    last_error  text,
    PRIMARY KEY (webhook, event),
    CHECK ((state = 'pending') = (next_at IS NOT NULL)),
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
COMMENT ON TABLE webhook_delivery IS 'one event for one webhook; a claim moves next_at behind its lease, so a crash only delays';
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook, next_at) WHERE state = 'pending';
-- in order per ticket: an event waits for the one before
CREATE INDEX webhook_delivery_order ON webhook_delivery (webhook, number, event_xid, event) WHERE state = 'pending';
CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook, event) WHERE state = 'dead';
CREATE INDEX webhook_delivery_created ON webhook_delivery (webhook, created_at);
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;

-- Everything up to here was looked at for all webhooks.
CREATE TABLE webhook_cursor (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    xid      xid8 NOT NULL,
    event    bigint NOT NULL
);
INSERT INTO webhook_cursor (xid, event) VALUES ('0', 0);
