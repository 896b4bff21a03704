-- name: device_rotate
-- in: id text, key bytea, is_sudden boolean, now timestamptz, account text, peer text
-- out: id
-- A new key; the present one stays good until the next rotation, unless it is known to others (is_sudden).
WITH d AS (
    UPDATE device SET key_old = CASE WHEN NOT $3::boolean THEN key_new END, key_new = $2::bytea, keyed_at = $4::timestamptz
    WHERE id = $1::text AND NOT is_retired
    RETURNING id
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $4, $5::text, $6::text, 'device.rotate', jsonb_build_object('device', id, 'sudden', $3) FROM d
)
SELECT id FROM d
