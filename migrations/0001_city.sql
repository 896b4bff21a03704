-- Configuration of a city: loaded whole into memory, changed as versions.

CREATE TABLE city (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    code              text NOT NULL,
    name              text NOT NULL,
    utc_offset_minutes integer NOT NULL,
    tiers             text[] NOT NULL
);
COMMENT ON TABLE city IS '城市: one row, the city this database serves';

CREATE TABLE region (
    code     text PRIMARY KEY CHECK (code ~ '^[0-9]{12,20}$'),
    name     text NOT NULL,
    level    text NOT NULL CHECK (level IN ('grid', 'village', 'town', 'county', 'city')),
    parent   text REFERENCES region DEFERRABLE INITIALLY DEFERRED,
    position integer NOT NULL,
    is_retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE region IS '区划: 12-digit statistical codes, grids 14..20 digits; never re-keyed, only retired';
CREATE INDEX region_parent ON region (parent);

CREATE TABLE unit (
    code     text PRIMARY KEY,
    name     text NOT NULL,
    tier     text NOT NULL CHECK (tier IN ('grid', 'village', 'town', 'county', 'city')),
    kind     text NOT NULL,
    parent   text REFERENCES unit DEFERRABLE INITIALLY DEFERRED,
    duties   text[] NOT NULL DEFAULT '{}',
    regions  text[] NOT NULL DEFAULT '{}',
    position integer NOT NULL,
    is_retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE unit IS '联动单位, 承办单位: departments, companies, towns, communities';

CREATE TABLE category (
    code     text PRIMARY KEY,
    name     text NOT NULL,
    parent   text REFERENCES category DEFERRABLE INITIALLY DEFERRED,
    position integer NOT NULL,
    is_retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE category IS '诉求类别: catalogue of matters, three levels';

CREATE TABLE rule_set (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
COMMENT ON TABLE rule_set IS '派单规则集: immutable once stored; tickets keep the version that sent them';

CREATE TABLE rule (
    rule_set        bigint NOT NULL REFERENCES rule_set,
    position        integer NOT NULL,
    code            text NOT NULL,
    category        text,
    region          text,
    kind            text,
    channel         text,
    urgency         text,
    keyword         text,
    "window"        jsonb,
    unit            text,
    "over"          jsonb,
    co_units        text[] NOT NULL DEFAULT '{}',
    set_kind        text,
    set_urgency     text,
    sla             text,
    PRIMARY KEY (rule_set, position),
    UNIQUE (rule_set, code)
);

CREATE TABLE sla_set (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    policies   jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
COMMENT ON TABLE sla_set IS '时限规则: policies with their clocks, immutable once stored';

CREATE TABLE calendar_set (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendars  jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
COMMENT ON TABLE calendar_set IS '工作日历: weekly patterns and day overrides, immutable once stored';

CREATE TABLE config_version (
    version      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_set     bigint NOT NULL REFERENCES rule_set (version),
    sla_set      bigint NOT NULL REFERENCES sla_set (version),
    calendar_set bigint NOT NULL REFERENCES calendar_set (version),
    activated_at timestamptz NOT NULL,
    activated_by text NOT NULL
);
COMMENT ON TABLE config_version IS 'What was in force when; the newest row is in force now';

CREATE TABLE device (
    id      text PRIMARY KEY,
    name    text NOT NULL,
    region  text NOT NULL REFERENCES region,
    address text NOT NULL DEFAULT '',
    is_retired boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE device IS '一键通: registered one-key devices of elderly people';

-- Who may come in.

CREATE TABLE account (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9._@-]{1,64}$'),
    role        text NOT NULL CHECK (role IN ('admin', 'desk', 'supervisor', 'gateway', 'web', 'unit')),
    unit        text REFERENCES unit,
    is_disabled boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    CHECK ((role = 'unit') = (unit IS NOT NULL))
);

CREATE TABLE token (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    bigint NOT NULL REFERENCES account,
    hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE token IS 'SHA-256 of 128-bit bearer tokens; at most two live per account, for rotation';
CREATE INDEX token_account ON token (account) WHERE revoked_at IS NULL;

CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    account text NOT NULL,
    address text NOT NULL,
    action  text NOT NULL,
    number  bigint,
    detail  jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE audit IS 'Who looked at or changed what; append-only';
