-- name: queue_release
-- in: number bigint, ordinal integer, unit text, lease bytea, now timestamptz
-- out: is_released
-- Gives a leased item back before its time. No row = the unit has no such assignment; false = the lease is not, or no
-- longer, the one that holds it.
WITH u AS (
    UPDATE queue_item
    SET lease = NULL, lease_until = NULL, leased_by = NULL
    WHERE number = $1::bigint AND ordinal = $2::integer AND unit = $3::text AND state = 'unsigned'
      AND lease = $4::bytea AND lease_until > $5::timestamptz
    RETURNING number
)
SELECT EXISTS (SELECT FROM u) AS is_released
FROM assignment a
WHERE a.number = $1 AND a.ordinal = $2 AND a.unit = $3
