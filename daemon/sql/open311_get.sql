-- name: open311_get
-- in: numbers bigint[]
-- out: number, requested_us, updated_us, expected_us, category, is_open, status_notes, lead_unit, address, description,
--     lat, long, address_id, media_url
-- Published requests by their numbers; what is not published does not come back.
SELECT number, (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_us,
       (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_us,
       (extract(epoch FROM expected_at) * 1000000)::bigint AS expected_us, category, is_open, status_notes, lead_unit,
       address, description, lat, long, address_id, media_url
FROM open311_listed
WHERE number = ANY ($1::bigint[])
ORDER BY requested_at DESC, number DESC
