-- What WeChat's door cannot do now is done later and hinders nobody; what came too late for the citizen is given up.
ALTER TABLE wechat_matter
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN next_at timestamptz;
COMMENT ON COLUMN wechat_matter.next_at IS 'it failed: no ticket is tried before';
ALTER TABLE wechat_message
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN next_at timestamptz;
COMMENT ON COLUMN wechat_message.next_at IS 'its effect failed: not tried before';
CREATE INDEX wechat_outbox_waiting ON wechat_outbox (kind, at) WHERE state IN ('queued', 'taken');
