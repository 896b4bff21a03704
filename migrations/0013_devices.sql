-- One-key devices: keys, presses, heartbeats.

ALTER TABLE device
    ADD COLUMN is_bundled  boolean NOT NULL DEFAULT true,
    ADD COLUMN person      bytea,
    ADD COLUMN phone       bytea,
    ADD COLUMN phone_index bytea,
    ADD COLUMN guardians   bytea,
    ADD COLUMN notes       bytea,
    ADD COLUMN key_new     bytea,
    ADD COLUMN key_old     bytea,
    ADD COLUMN keyed_at    timestamptz,
    ADD CHECK (key_old IS NULL OR key_new IS NOT NULL);
COMMENT ON COLUMN device.is_bundled IS 'came with the city''s bundle, and goes with it; others are registered one by one or in lists';
COMMENT ON COLUMN device.person IS 'name, phone, guardians (JSON) and notes are sealed as those of requesters are; phone_index finds the caller''s device';
COMMENT ON COLUMN device.key_new IS 'sealed; until the next rotation the one before it is good too';
CREATE INDEX device_phone ON device (phone_index) WHERE phone_index IS NOT NULL;

-- What changes with every heartbeat: narrow, no index but the key, so that each is a HOT update.
CREATE TABLE device_state (
    device       text PRIMARY KEY,
    last_seen_at timestamptz,
    last_boot    text,
    last_seq     bigint,
    battery      smallint,
    signal       smallint,
    silent_since timestamptz
) WITH (fillfactor = 60);
COMMENT ON TABLE device_state IS 'One row a device; whoever stores presses or heartbeats locks it first';
INSERT INTO device_state (device) SELECT id FROM device;
CREATE FUNCTION device_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_state (device) SELECT id FROM fresh ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER device_begin AFTER INSERT ON device REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION device_begin();

-- What becomes a ticket: presses that belong together, or a cause for maintenance. The row is there before its ticket, so
-- that a daemon that dies in between finds what it owes.
CREATE TABLE device_matter (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     text NOT NULL,
    key        text NOT NULL,
    opened_at  timestamptz NOT NULL,
    count      integer NOT NULL,
    number     bigint,
    state      text,
    alert_step smallint NOT NULL DEFAULT 0,
    alert_at   timestamptz,
    CHECK ((number IS NULL) = (state IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE device_matter IS '一键通诉求: state is that of the first answer, which repeats get again; alert_at is the next step while nobody acts';
CREATE INDEX device_matter_device ON device_matter (device, key, id);
CREATE INDEX device_matter_number ON device_matter (number) WHERE number IS NOT NULL;
CREATE INDEX device_matter_pending ON device_matter (id) WHERE number IS NULL;
CREATE INDEX device_matter_alert ON device_matter (alert_at) WHERE alert_at IS NOT NULL;

CREATE TABLE device_press (
    device      text NOT NULL,
    boot_id     text NOT NULL,
    seq         bigint NOT NULL,
    key         text NOT NULL,
    via         text NOT NULL,
    received_at timestamptz NOT NULL,
    pressed_at  timestamptz,
    battery     smallint,
    place       text,
    note        text,
    flags       smallint NOT NULL,
    matter      bigint,
    PRIMARY KEY (device, boot_id, seq)
);
COMMENT ON TABLE device_press IS 'Every press once; flags: 1 clock, 2 sequence, 4 content (proto/device_json.h)';
CREATE INDEX device_press_matter ON device_press (matter) WHERE matter IS NOT NULL;

-- Clouds of operators that push what their devices say.
CREATE TABLE device_cloud (
    account     text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('onenet', 'ctwing')),
    token       bytea,
    aes_key     bytea,
    secret_hash bytea UNIQUE CHECK (length(secret_hash) = 32),
    addresses   text[] NOT NULL DEFAULT '{}',
    is_disabled boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    CHECK ((kind = 'onenet') = (token IS NOT NULL)),
    CHECK ((kind = 'ctwing') = (secret_hash IS NOT NULL))
);
COMMENT ON TABLE device_cloud IS 'OneNET signs with a token; CTWing signs nothing: its URL is secret (only the SHA-256 is here) and its addresses are listed';
CREATE TABLE device_cloud_map (
    account      text NOT NULL REFERENCES device_cloud,
    cloud_device text NOT NULL,
    stream       text NOT NULL DEFAULT '',
    value        text NOT NULL DEFAULT '',
    device       text NOT NULL REFERENCES device,
    key          text,
    PRIMARY KEY (account, cloud_device, stream, value)
);
COMMENT ON TABLE device_cloud_map IS 'stream, value '''' = any; key NULL = a sign of life';
