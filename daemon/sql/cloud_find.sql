-- name: cloud_find
-- in: account text, devices text[], aliases text[], streams text[], values text[]
-- out: n, device, key, is_ruled
-- Whose signals these are and what they mean. The device is the one that its cloud's name, or else its other name, is mapped
-- to; the rule is the closest there is: of its stream before of any, of its value before of any, its own before one of all
-- devices. is_ruled: somebody has said what this is; without a key it is a sign of life.
SELECT i.n::integer AS n, coalesce(r.device, d.device) AS device, r.key,
       coalesce(r.stream <> '' OR r.value <> '' OR r.key IS NOT NULL, false) AS is_ruled
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS i (cloud_device, alias, stream, value, n)
LEFT JOIN LATERAL (
    SELECT m.cloud_device, m.device
    FROM device_cloud_map m JOIN device v ON v.id = m.device AND NOT v.is_retired
    WHERE m.account = $1::text AND m.cloud_device = ANY (ARRAY[i.cloud_device, i.alias]) AND m.cloud_device <> ''
    ORDER BY m.cloud_device = i.cloud_device DESC, m.stream, m.value
    LIMIT 1) d ON true
LEFT JOIN LATERAL (
    SELECT m.device, m.key, m.stream, m.value
    FROM device_cloud_map m
    WHERE m.account = $1 AND m.cloud_device = ANY (ARRAY[d.cloud_device, '']) AND m.stream = ANY (ARRAY[i.stream, ''])
      AND m.value = ANY (ARRAY[i.value, ''])
      AND (m.device IS NULL OR EXISTS (SELECT FROM device v WHERE v.id = m.device AND NOT v.is_retired))
    ORDER BY m.stream <> '' DESC, m.value <> '' DESC, m.cloud_device <> '' DESC
    LIMIT 1) r ON d.device IS NOT NULL
ORDER BY i.n
