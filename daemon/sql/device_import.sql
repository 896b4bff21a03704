-- name: device_import
-- in: ids text[], names text[], regions text[], addresses text[], persons bytea[], phones bytea[], phone_indexes bytea[],
--     guardians bytea[], notes bytea[], keys bytea[], now timestamptz, account text, peer text
-- out: id, is_new, has_key
-- Devices are registered, or get new particulars; one that has a key keeps it, and is in service again if it was retired.
WITH i AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[],
                $9::bytea[], $10::bytea[])
        AS x (id, name, region, address, person, phone, phone_index, guardians, notes, key)
),
had AS MATERIALIZED (SELECT d.id, d.key_new IS NOT NULL AS has_key FROM device d JOIN i USING (id)),
d AS (
    INSERT INTO device AS v (id, name, region, address, person, phone, phone_index, guardians, notes, key_new, keyed_at,
                             is_bundled)
    SELECT id, name, region, address, person, phone, phone_index, guardians, notes, key, $11::timestamptz, false
    FROM i ORDER BY id
    ON CONFLICT (id) DO UPDATE
    SET name = excluded.name, region = excluded.region, address = excluded.address, person = excluded.person,
        phone = excluded.phone, phone_index = excluded.phone_index, guardians = excluded.guardians,
        notes = excluded.notes, key_new = coalesce(v.key_new, excluded.key_new),
        keyed_at = coalesce(v.keyed_at, excluded.keyed_at), is_retired = false
    RETURNING id
),
a AS (
    INSERT INTO audit (at, account, address, action, detail)
    SELECT $11, $12::text, $13::text, 'device.import', jsonb_build_object('devices', count(*)) FROM d
)
SELECT d.id, had.id IS NULL AS is_new, coalesce(had.has_key, false) AS has_key FROM d LEFT JOIN had USING (id) ORDER BY d.id
