-- Scores (DOMAIN 5): piecewise linear scales over the measures, as versions. A report takes the set that was in force
-- at the last moment of its period and names its version.

CREATE TABLE score_set (
    version    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    valid_from timestamptz NOT NULL,
    scales     jsonb NOT NULL CHECK (jsonb_typeof(scales) = 'array'),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);
COMMENT ON TABLE score_set IS '考核评分标准: immutable once stored; in force from valid_from until a later one is';
CREATE INDEX score_set_valid ON score_set (valid_from, version);
CREATE TRIGGER score_set_append_only BEFORE UPDATE OR DELETE ON score_set
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
