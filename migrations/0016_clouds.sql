-- Operator clouds: rules for all devices of an account, rotation, what nobody has mapped; notices to guardians.

ALTER TABLE device_cloud
    ADD COLUMN token_old   bytea,
    ADD COLUMN aes_key_old bytea,
    ADD COLUMN secret_old  bytea UNIQUE CHECK (length(secret_old) = 32),
    ADD COLUMN changed_at  timestamptz,
    ADD COLUMN told_at     timestamptz;
COMMENT ON COLUMN device_cloud.token_old IS 'token, AES key and secret before the present ones are good until they are retired';
COMMENT ON COLUMN device_cloud.told_at IS 'when the desks last heard of something that is not mapped';

ALTER TABLE device_cloud_map
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    ALTER COLUMN device DROP NOT NULL,
    ADD CHECK ((device IS NULL) = (cloud_device = '')),
    ADD CHECK (cloud_device <> '' OR stream <> '');
COMMENT ON TABLE device_cloud_map IS 'cloud_device '''' = every device of the account; stream, value '''' = any; key NULL = a sign of life';

-- What came and says nothing to us: the last of each stream, so that whoever maps it sees what there is.
CREATE TABLE device_cloud_unmapped (
    account      text NOT NULL REFERENCES device_cloud,
    cloud_device text NOT NULL,
    stream       text NOT NULL,
    is_known     boolean NOT NULL,
    count        bigint NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    told_at      timestamptz,
    value        bytea,
    PRIMARY KEY (account, cloud_device, stream)
) WITH (fillfactor = 80);
COMMENT ON TABLE device_cloud_unmapped IS 'is_known: the device is mapped, the stream is not; value is that of the last time, sealed';

-- 监护人通知: emergencies that nobody acted on; a bridge takes them, calls or writes to the guardians, and reports.
CREATE TABLE device_notice (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    matter     bigint NOT NULL UNIQUE REFERENCES device_matter,
    device     text NOT NULL,
    key        text NOT NULL,
    number     bigint NOT NULL,
    at         timestamptz NOT NULL,
    guardians  bytea NOT NULL,
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'taken', 'sent', 'failed')),
    attempts   integer NOT NULL DEFAULT 0,
    lease      bytea,
    next_at    timestamptz NOT NULL,
    outcome    text,
    changed_at timestamptz NOT NULL
);
COMMENT ON TABLE device_notice IS 'guardians is the device''s sealed list as it was then; next_at of a taken one is the end of its lease';
CREATE INDEX device_notice_next ON device_notice (next_at, id) WHERE state IN ('queued', 'taken');
