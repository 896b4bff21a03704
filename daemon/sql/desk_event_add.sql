-- name: desk_event_add
-- in: type text, at timestamptz, agent text, detail text, sealed bytea
-- out: id, agent
-- Something that the desks hear of and no ticket keeps. An agent that no account has is nobody's: then every desk hears
-- of it, so that a caller is not lost because of a number.
INSERT INTO desk_event (type, at, agent, detail, sealed)
SELECT $1::text, $2::timestamptz, (SELECT a.agent FROM account a WHERE a.agent = $3::text AND NOT a.is_disabled),
       $4::text::jsonb, $5::bytea
RETURNING id, agent
