-- Rules, policies and calendars change at run time: drafts, and from which instant a stored set is in force.

ALTER TABLE calendar_set ADD COLUMN name text NOT NULL DEFAULT '';

-- Rows of a schedule take effect at their instant by each daemon's own clock; an import takes effect when it is stored.
ALTER TABLE config_version ADD COLUMN is_scheduled boolean NOT NULL DEFAULT false;

CREATE TABLE draft (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part       text NOT NULL CHECK (part IN ('rules', 'policies', 'calendars')),
    name       text NOT NULL,
    body       jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    faults     jsonb NOT NULL,
    version    bigint
);
COMMENT ON TABLE draft IS '草案: a set that was checked; version = the immutable set it became when it was first activated';
CREATE INDEX draft_part ON draft (part, id);

CREATE TABLE activation (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part    text NOT NULL CHECK (part IN ('rules', 'policies', 'calendars')),
    version bigint NOT NULL,
    draft   bigint NOT NULL REFERENCES draft,
    at      timestamptz NOT NULL,
    by      text NOT NULL,
    state   text NOT NULL DEFAULT 'scheduled' CHECK (state IN ('scheduled', 'done', 'cancelled', 'failed')),
    ended_at timestamptz,
    reason  text,
    CHECK ((state = 'scheduled') = (ended_at IS NULL)),
    CHECK ((state = 'failed') = (reason IS NOT NULL))
);
COMMENT ON TABLE activation IS '生效计划: from which instant a set is in force';
CREATE UNIQUE INDEX activation_scheduled ON activation (part, at) WHERE state = 'scheduled';
CREATE INDEX activation_part ON activation (part, id);

-- A stored set as the body of a draft: what is read here can be changed and sent as a new draft.
CREATE FUNCTION config_part(part text, wanted bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT CASE part
    WHEN 'rules' THEN (
        SELECT jsonb_build_object('name', s.name, 'rules', coalesce((
                   SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                              'code', r.code, 'category', r.category, 'region', r.region, 'kind', r.kind,
                              'channel', r.channel, 'urgency', r.urgency, 'keyword', r.keyword, 'window', r."window",
                              'unit', r.unit, 'over', r."over", 'co_units', r.co_units, 'set_kind', r.set_kind,
                              'set_urgency', r.set_urgency, 'sla', r.sla)) ORDER BY r.position)
                   FROM rule r WHERE r.rule_set = s.version), '[]'))
        FROM rule_set s WHERE s.version = wanted)
    WHEN 'policies' THEN (
        SELECT jsonb_build_object('name', s.name, 'policies', s.policies) FROM sla_set s WHERE s.version = wanted)
    WHEN 'calendars' THEN (
        SELECT jsonb_build_object('name', s.name, 'calendars', s.calendars) FROM calendar_set s WHERE s.version = wanted)
END
$$;

CREATE VIEW config_set AS
SELECT 'rules' AS part, s.version, s.name, s.created_at, s.created_by,
       (SELECT count(*) FROM rule r WHERE r.rule_set = s.version) AS size
FROM rule_set s
UNION ALL
SELECT 'policies', s.version, s.name, s.created_at, s.created_by, jsonb_array_length(s.policies)
FROM sla_set s
UNION ALL
SELECT 'calendars', s.version, s.name, s.created_at, s.created_by, jsonb_array_length(s.calendars)
FROM calendar_set s;
COMMENT ON VIEW config_set IS 'Every stored version of every part';

-- From when until when a version was in force; until is empty for the newest. Sets that stay are one period.
CREATE VIEW config_period AS
SELECT part, version, activated_at AS since, lead(activated_at) OVER (PARTITION BY part ORDER BY config) AS until,
       activated_by
FROM (SELECT p.part, p.version, c.activated_at, c.activated_by, c.version AS config,
             lag(p.version) OVER (PARTITION BY p.part ORDER BY c.version) AS before
      FROM config_version c,
           LATERAL (VALUES ('rules', c.rule_set), ('policies', c.sla_set), ('calendars', c.calendar_set))
               AS p (part, version)) x
WHERE before IS DISTINCT FROM version;
COMMENT ON VIEW config_period IS 'What was in force when';
