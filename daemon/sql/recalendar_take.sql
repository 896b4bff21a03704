-- name: recalendar_take
-- in: calendar_set bigint, holder smallint, beat bigint, now timestamptz
-- out: is_taken, is_done, beat, moved
-- The work of computing every open deadline again by this calendar, for one daemon: for whom it was before (it was killed
-- and is here again), or for another one if `beat` has stood still since that one looked last. Only what is in force can be
-- taken: a daemon that does not know of the newest calendar yet undoes nothing. What is returned besides is_taken is the
-- row as it was before; NULL = there was none. `moved` goes on from what the last one has told.
WITH newest AS (
    SELECT calendar_set
    FROM config_version
    WHERE NOT (is_scheduled AND activated_at > $4::timestamptz)
    ORDER BY version DESC
    LIMIT 1
),
x AS (
    INSERT INTO recalendar AS r (calendar_set, holder, started_at)
    SELECT calendar_set, $2::smallint, $4 FROM newest WHERE calendar_set = $1::bigint
    ON CONFLICT (only_row) DO UPDATE
    SET calendar_set = excluded.calendar_set, holder = excluded.holder, beat = r.beat + 1, is_done = false,
        ended_at = NULL,
        tickets = CASE WHEN r.calendar_set = excluded.calendar_set THEN r.tickets ELSE 0 END,
        moved = CASE WHEN r.calendar_set = excluded.calendar_set THEN r.moved ELSE 0 END,
        started_at = CASE WHEN r.calendar_set = excluded.calendar_set THEN r.started_at ELSE excluded.started_at END
    WHERE r.calendar_set <> excluded.calendar_set
       OR (NOT r.is_done AND (r.holder = excluded.holder OR r.beat = $3::bigint))
    RETURNING r.only_row
)
SELECT EXISTS (SELECT FROM x) AS is_taken, r.is_done AND r.calendar_set = $1 AS is_done, r.beat,
       CASE WHEN r.calendar_set = $1 THEN r.moved ELSE 0 END AS moved
FROM (VALUES (true)) AS one (only_row)
LEFT JOIN recalendar r USING (only_row)
