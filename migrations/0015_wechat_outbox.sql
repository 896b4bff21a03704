-- WeChat: templates, media that belong to tickets, deliveries whose end is told before the bridge has reported.

ALTER TABLE wechat_account ADD COLUMN template jsonb CHECK (jsonb_typeof(template) = 'object');
COMMENT ON COLUMN wechat_account.template IS '模板消息: what news of a ticket is told with; NULL = as a text, which WeChat takes for 48 hours after the citizen wrote';

ALTER TABLE wechat_outbox
    DROP CONSTRAINT wechat_outbox_kind_check,
    ADD CONSTRAINT wechat_outbox_kind_check CHECK (kind IN ('text', 'template', 'media'));

-- WeChat tells how a template ended within milliseconds, the bridge reports that it was sent when it gets to it: whichever
-- comes first waits here for the other. Both write this row, so neither can miss the other.
CREATE TABLE wechat_delivery (
    account   text NOT NULL,
    remote_id text NOT NULL,
    outbox    bigint,
    is_good   boolean,
    outcome   text,
    at        timestamptz NOT NULL,
    PRIMARY KEY (account, remote_id)
);
COMMENT ON TABLE wechat_delivery IS '送达: WeChat''s msgid, the item that was sent with it (NULL = not reported, or not ours) and how it ended (NULL = not told yet)';
CREATE INDEX wechat_delivery_foreign ON wechat_delivery (at) WHERE outbox IS NULL;
DROP INDEX wechat_outbox_remote;

CREATE TABLE wechat_media (
    outbox       bigint PRIMARY KEY REFERENCES wechat_outbox,
    account      text NOT NULL,
    openid       bytea NOT NULL,
    type         text NOT NULL,
    at           timestamptz NOT NULL,
    is_dropped   boolean NOT NULL DEFAULT false,
    matter       bigint REFERENCES wechat_matter,
    number       bigint,
    url          text,
    sha256       bytea CHECK (length(sha256) = 32),
    bytes        bigint CHECK (bytes >= 0),
    content_type text,
    stored_at    timestamptz,
    FOREIGN KEY (account, openid) REFERENCES wechat_conversation
);
COMMENT ON TABLE wechat_media IS '附件: pictures, voices, videos of a conversation; where the bridge has put them, never the thing itself. No matter = the matter is being gathered; no url = not fetched yet';
CREATE INDEX wechat_media_gathered ON wechat_media (account, openid) WHERE matter IS NULL AND NOT is_dropped;
CREATE INDEX wechat_media_matter ON wechat_media (matter) WHERE matter IS NOT NULL;
CREATE INDEX wechat_media_ticket ON wechat_media (number, outbox) WHERE number IS NOT NULL;
