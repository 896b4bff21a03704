-- name: cloud_map_put
-- in: name text, cloud_devices text[], streams text[], values text[], devices text[], keys text[], removed boolean[],
--     now timestamptz, account text, peer text
-- out: missing, put, removed
-- Mappings of an account, all or none: missing is the place (from 1) of the first one whose device is not in service, or 0
-- if the account is not there. What has a mapping now is no longer among what has none.
WITH i AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
        WITH ORDINALITY AS x (cloud_device, stream, value, device, key, is_removed, n)
),
f AS MATERIALIZED (
    SELECT CASE WHEN NOT EXISTS (SELECT FROM device_cloud WHERE account = $1::text) THEN 0
                ELSE (SELECT min(n)::integer FROM i
                      WHERE NOT is_removed AND device IS NOT NULL
                        AND NOT EXISTS (SELECT FROM device d WHERE d.id = i.device AND NOT d.is_retired)) END AS missing
),
p AS (
    INSERT INTO device_cloud_map (account, cloud_device, stream, value, device, key)
    SELECT $1, cloud_device, stream, value, device, key
    FROM i, f WHERE f.missing IS NULL AND NOT is_removed
    ORDER BY cloud_device, stream, value
    ON CONFLICT (account, cloud_device, stream, value) DO UPDATE SET device = excluded.device, key = excluded.key
    RETURNING id
),
r AS (
    DELETE FROM device_cloud_map m USING i, f
    WHERE f.missing IS NULL AND i.is_removed AND m.account = $1 AND m.cloud_device = i.cloud_device
      AND m.stream = i.stream AND m.value = i.value
    RETURNING m.id
),
g AS (
    DELETE FROM device_cloud_unmapped u USING i, f
    WHERE f.missing IS NULL AND NOT i.is_removed AND u.account = $1 AND i.cloud_device IN (u.cloud_device, '')
      AND i.stream IN (u.stream, '')
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $8::timestamptz, $9::text, $10::text, 'cloud.map',
           jsonb_build_object('name', $1, 'put', (SELECT count(*) FROM p), 'removed', (SELECT count(*) FROM r))
    FROM f WHERE f.missing IS NULL
)
SELECT f.missing, (SELECT count(*) FROM p) AS put, (SELECT count(*) FROM r) AS removed FROM f
