-- Calls of phone gateways, and what only the desks hear of.

-- Which desk a gateway means by its agent id 坐席工号: its event stream gets the screen pops.
ALTER TABLE account
    ADD COLUMN agent text CHECK (agent ~ '^[A-Za-z0-9._@-]{1,64}$'),
    ADD CONSTRAINT account_agent_role CHECK (agent IS NULL OR role IN ('desk', 'supervisor'));
CREATE UNIQUE INDEX account_agent ON account (agent) WHERE agent IS NOT NULL AND NOT is_disabled;

-- One sequence with ticket_event: (xid, id) orders both, readers go through them as one.
CREATE TABLE desk_event (
    id     bigint NOT NULL DEFAULT nextval('ticket_event_id_seq'),
    xid    xid8 NOT NULL DEFAULT pg_current_xact_id(),
    type   text NOT NULL,
    at     timestamptz NOT NULL,
    agent  text,
    detail jsonb NOT NULL CHECK (jsonb_typeof(detail) = 'object'),
    sealed bytea,
    PRIMARY KEY (xid, id)
);
COMMENT ON TABLE desk_event IS '坐席事件: what the desks hear of and no ticket keeps: screen pops, presses, refusals at the doors';
COMMENT ON COLUMN desk_event.agent IS 'the desk that alone hears it; NULL = every desk. Units never do';
COMMENT ON COLUMN desk_event.sealed IS 'more members, personal ones: a JSON object sealed with AES-256-GCM';
CREATE INDEX desk_event_everybody ON desk_event (xid, id) WHERE agent IS NULL;
CREATE INDEX desk_event_agent ON desk_event (agent, xid, id) WHERE agent IS NOT NULL;

-- A call as its gateway tells of it. Every column is the least, the greatest or the one of a smallest order of what was
-- told, never "the last that came": whatever the order of arrival, the end is the same.
CREATE TABLE call (
    id            bigint GENERATED ALWAYS AS IDENTITY,
    gateway       text NOT NULL,
    call_id       text NOT NULL,
    state         smallint NOT NULL CHECK (state BETWEEN 0 AND 6),
    direction     text CHECK (direction IN ('inbound', 'outbound')),
    numbers       bytea,
    party_index   bytea,
    numbers_order text COLLATE "C",
    queue         text,
    queue_order   text COLLATE "C",
    agent         text,
    extension     text,
    agent_order   text COLLATE "C",
    cause         text,
    started_at    timestamptz NOT NULL,
    reached       timestamptz[] NOT NULL CHECK (cardinality(reached) = 7),
    answered_at   timestamptz GENERATED ALWAYS AS (reached[4]) STORED,
    ended_at      timestamptz GENERATED ALWAYS AS (reached[7]) STORED,
    returned_at   timestamptz,
    returned_by   text,
    PRIMARY KEY (gateway, call_id),
    CHECK ((returned_at IS NULL) = (returned_by IS NULL))
);
COMMENT ON TABLE call IS '来电: a ticket belongs to the call whose call_id it has';
COMMENT ON COLUMN call.state IS 'furthest of 0 offered, 1 queued, 2 ringing, 3 answered, 4 held, 5 transferred, 6 ended';
COMMENT ON COLUMN call.numbers IS 'ani and dnis as the gateway wrote them: a JSON object sealed with AES-256-GCM';
COMMENT ON COLUMN call.party_index IS 'keyed hash of the citizen''s number, as requester.phone_index';
COMMENT ON COLUMN call.reached IS 'when it came into each state first, in their order; the state itself may be further';
COMMENT ON COLUMN call.returned_at IS 'when a desk said that the missed caller was called back';
CREATE UNIQUE INDEX call_newest ON call (id);
CREATE INDEX call_call_id ON call (call_id, started_at);
CREATE INDEX call_party ON call (party_index, answered_at) WHERE answered_at IS NOT NULL;
CREATE INDEX call_missed ON call (id)
    WHERE ended_at IS NOT NULL AND answered_at IS NULL AND returned_at IS NULL AND direction IS DISTINCT FROM 'outbound';

CREATE TABLE call_event (
    gateway     text NOT NULL,
    event_id    text NOT NULL,
    call_id     text NOT NULL,
    leg_id      text,
    type        text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, event_id)
);
COMMENT ON TABLE call_event IS 'What gateways told, once each: a repeat changes nothing';

CREATE TABLE call_recording (
    gateway     text NOT NULL,
    call_id     text NOT NULL,
    ref         text NOT NULL,
    url         text,
    sha256      text,
    duration_ms bigint,
    PRIMARY KEY (gateway, call_id, ref)
);
COMMENT ON TABLE call_recording IS '录音: where it is, never the sound';

CREATE TABLE call_pop (
    gateway text NOT NULL,
    call_id text NOT NULL,
    agent   text NOT NULL,
    PRIMARY KEY (gateway, call_id, agent)
);
COMMENT ON TABLE call_pop IS '弹屏: whose screen a call has popped on, once each; '''' = on every desk''s';

-- The ticket of a call, both ways.
CREATE INDEX ticket_call ON ticket (call_id) WHERE call_id IS NOT NULL;
