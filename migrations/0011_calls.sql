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
