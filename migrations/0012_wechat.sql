-- WeChat conversations and the outbox.

CREATE TABLE wechat_account (
    name       text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9._-]{1,32}$'),
    app_id     text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('official', 'wecom')),
    mode       text NOT NULL CHECK (mode IN ('plain', 'compatible', 'safe')),
    category   text NOT NULL,
    language   text NOT NULL CHECK (language IN ('zh', 'en')),
    gather_seconds integer NOT NULL CHECK (gather_seconds BETWEEN 60 AND 86400),
    menu       jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(menu) = 'array'),
    tokens     bytea[] NOT NULL CHECK (cardinality(tokens) BETWEEN 1 AND 2),
    aes_keys   bytea[] NOT NULL CHECK (cardinality(aes_keys) BETWEEN 1 AND 2),
    is_disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON TABLE wechat_account IS '公众号: whose messages we take; tokens and keys are sealed, the present one first, the one before until it is retired';

-- Whoever writes is known by a keyed hash of his OpenID; the OpenID itself is sealed.
CREATE TABLE wechat_conversation (
    account    text NOT NULL REFERENCES wechat_account,
    openid     bytea NOT NULL CHECK (length(openid) = 32),
    sealed     bytea,
    state      jsonb NOT NULL,
    version    bigint NOT NULL,
    due_at     timestamptz,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (account, openid)
) WITH (fillfactor = 80);
COMMENT ON TABLE wechat_conversation IS '会话: what was gathered so far; due_at = when it is submitted by itself; sealed OpenID is forgotten on unsubscribe';
CREATE INDEX wechat_conversation_due ON wechat_conversation (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE wechat_matter (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    text NOT NULL,
    openid     bytea NOT NULL,
    draft      jsonb NOT NULL,
    at         timestamptz NOT NULL,
    number     bigint,
    told_state text,
    FOREIGN KEY (account, openid) REFERENCES wechat_conversation
);
COMMENT ON TABLE wechat_matter IS '诉求: submitted in the transaction of its last message; its ticket has the intake key "id"';
CREATE INDEX wechat_matter_waiting ON wechat_matter (id) WHERE number IS NULL;
CREATE INDEX wechat_matter_own ON wechat_matter (account, openid, number);
CREATE INDEX wechat_matter_told ON wechat_matter (number) WHERE told_state IS NOT NULL;

CREATE TABLE wechat_message (
    account text NOT NULL,
    openid  bytea NOT NULL,
    key     text NOT NULL,
    at      timestamptz NOT NULL,
    type    text NOT NULL,
    content bytea,
    effect  text CHECK (effect IN ('submit', 'query', 'rate', 'withdraw')),
    matter  bigint,
    number  bigint,
    grade   smallint CHECK (grade BETWEEN 1 AND 5),
    solved  boolean,
    comment text,
    reply   text,
    PRIMARY KEY (account, openid, key),
    FOREIGN KEY (account, openid) REFERENCES wechat_conversation
);
COMMENT ON TABLE wechat_message IS '消息: each once, whole (sealed), with its reply; no reply and an effect = the effect is not done yet';
CREATE INDEX wechat_message_waiting ON wechat_message (at) WHERE reply IS NULL AND effect IS NOT NULL;
CREATE INDEX wechat_message_matter ON wechat_message (matter) WHERE matter IS NOT NULL;

CREATE TABLE wechat_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    text NOT NULL,
    openid     bytea NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('text', 'media')),
    payload    bytea NOT NULL,
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'taken', 'sent', 'failed', 'closed')),
    attempts   integer NOT NULL DEFAULT 0,
    at         timestamptz NOT NULL,
    next_at    timestamptz NOT NULL,
    lease      bytea,
    remote_id  text,
    outcome    text,
    changed_at timestamptz NOT NULL,
    FOREIGN KEY (account, openid) REFERENCES wechat_conversation
);
COMMENT ON TABLE wechat_outbox IS '待发: what needs an access_token; a bridge takes it and reports; payload is sealed JSON; next_at of a taken one is the end of its lease';
CREATE INDEX wechat_outbox_next ON wechat_outbox (account, next_at, id) WHERE state IN ('queued', 'taken');
CREATE INDEX wechat_outbox_remote ON wechat_outbox (account, remote_id) WHERE remote_id IS NOT NULL;
