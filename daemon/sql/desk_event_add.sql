-- name: desk_event_add
-- in: type text, at timestamptz, agent text, detail text, sealed bytea, refused_before timestamptz, most integer
-- out: id, agent
-- Something that the desks hear of and no ticket keeps. An agent that no account has is nobody's: then every desk hears
-- of it, so that a caller is not lost because of a number. At most `most` refusals of before refused_before go, so that
-- whoever is refused for ever fills nothing.
WITH t AS (
    DELETE FROM desk_event
    WHERE (xid, id) IN (SELECT xid, id FROM desk_event
                        WHERE type = 'door.refused' AND at < $6::timestamptz
                        ORDER BY at LIMIT $7::integer
                        FOR UPDATE SKIP LOCKED)
)
INSERT INTO desk_event (type, at, agent, detail, sealed)
SELECT $1::text, $2::timestamptz, (SELECT a.agent FROM account a WHERE a.agent = $3::text AND NOT a.is_disabled),
       $4::text::jsonb, $5::bytea
RETURNING id, agent
