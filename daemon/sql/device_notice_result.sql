-- name: device_notice_result
-- in: id bigint, lease bytea, state text, outcome text, next_at timestamptz, now timestamptz
-- out: state, is_ours
-- What became of a notice that was taken. A lease that is not the present one changes nothing: is_ours is false. The same
-- report again is taken again. The desks hear of guardians that could not be reached.
WITH o AS (
    UPDATE device_notice
    SET state = $3::text, outcome = $4::text, next_at = $5::timestamptz, changed_at = $6::timestamptz
    WHERE id = $1::bigint AND lease = $2::bytea AND state = 'taken'
    RETURNING *
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'device.untold', $6, jsonb_build_object('device', device, 'number', number::text, 'key', key)
    FROM o WHERE state = 'failed'
)
SELECT coalesce((SELECT state FROM o), w.state) AS state,
       EXISTS (SELECT FROM o) OR coalesce(w.lease = $2 AND w.state = $3, false) AS is_ours
FROM device_notice w
WHERE w.id = $1
