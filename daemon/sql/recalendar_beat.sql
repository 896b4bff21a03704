-- name: recalendar_beat
-- in: calendar_set bigint, holder smallint, tickets bigint, moved bigint, is_done boolean, now timestamptz
-- out: beat
-- How far it is. No row = another daemon has taken it over, or another calendar is in force.
UPDATE recalendar
SET beat = beat + 1, tickets = $3::bigint, moved = $4::bigint, is_done = $5::boolean,
    ended_at = CASE WHEN $5 THEN $6::timestamptz END
WHERE calendar_set = $1::bigint AND holder = $2::smallint AND NOT is_done
RETURNING beat
