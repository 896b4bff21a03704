-- name: cloud_unmapped_add
-- in: account text, devices text[], streams text[], known boolean[], values bytea[], now timestamptz, apart_us bigint,
--     again_us bigint, most bigint
-- out: kept, told
-- Signals that nobody has mapped: the last of each stream and how many there were. The desks hear of one that is new, or was
-- not told for again_us, apart_us after the one before at the earliest: a cloud must not bury the screen pops. An account
-- has `most` rows; what is new beyond them is not kept.
WITH i AS MATERIALIZED (
    SELECT DISTINCT ON (x.cloud_device, x.stream) x.*, count(*) OVER (PARTITION BY x.cloud_device, x.stream) AS times
    FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bytea[]) WITH ORDINALITY AS x (cloud_device, stream, is_known, value, n)
    ORDER BY x.cloud_device, x.stream, x.n DESC
),
o AS MATERIALIZED (
    SELECT i.*, u.account IS NOT NULL AS is_old, u.told_at
    FROM i LEFT JOIN device_cloud_unmapped u
        ON u.account = $1::text AND u.cloud_device = i.cloud_device AND u.stream = i.stream
),
due AS (
    SELECT cloud_device, stream, is_known FROM o
    WHERE told_at IS NULL OR told_at <= $6::timestamptz - $8::bigint * interval '1 microsecond'
    ORDER BY is_known, n LIMIT 1
),
g AS (
    UPDATE device_cloud c SET told_at = $6
    FROM due
    WHERE c.account = $1 AND (c.told_at IS NULL OR c.told_at <= $6 - $7::bigint * interval '1 microsecond')
    RETURNING due.cloud_device, due.stream, due.is_known
),
e AS (
    INSERT INTO desk_event (type, at, detail)
    SELECT 'device.unmapped', $6,
           jsonb_build_object('cloud', $1, 'cloud_device', cloud_device, 'stream', stream, 'known', is_known)
    FROM g
),
u AS (
    INSERT INTO device_cloud_unmapped AS t (account, cloud_device, stream, is_known, count, first_at, last_at, told_at, value)
    SELECT $1, o.cloud_device, o.stream, o.is_known, o.times, $6, $6, CASE WHEN g.stream IS NOT NULL THEN $6 END, o.value
    FROM o LEFT JOIN g ON g.cloud_device = o.cloud_device AND g.stream = o.stream
    WHERE o.is_old
       OR (SELECT count(*) FROM (SELECT FROM device_cloud_unmapped WHERE account = $1 LIMIT $9::bigint) few) < $9
    ORDER BY o.cloud_device, o.stream
    ON CONFLICT (account, cloud_device, stream) DO UPDATE
    SET is_known = excluded.is_known, count = t.count + excluded.count, last_at = excluded.last_at,
        told_at = coalesce(excluded.told_at, t.told_at), value = excluded.value
    RETURNING count
)
SELECT (SELECT count(*) FROM u) AS kept, (SELECT count(*) FROM g) AS told
