-- name: device_retire
-- in: id text, now timestamptz, account text, peer text
-- out: id
-- Out of service: its keys are gone, its history stays.
WITH d AS (
    UPDATE device SET is_retired = true, is_bundled = false, key_new = NULL, key_old = NULL
    WHERE id = $1::text AND NOT is_retired
    RETURNING id
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $2::timestamptz, $3::text, $4::text, 'device.retire', jsonb_build_object('device', id) FROM d
)
SELECT id FROM d
