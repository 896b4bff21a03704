-- name: device_find
-- in: ids text[]
-- out: id, key_new, key_old
-- The sealed keys of devices in service.
SELECT id, key_new, key_old FROM device WHERE id = ANY ($1::text[]) AND NOT is_retired
