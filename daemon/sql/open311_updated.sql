-- name: open311_updated
-- in: updated_after timestamptz, updated_before timestamptz, categories text[], is_open boolean, skip bigint, most bigint
-- out: number, requested_us, updated_us, expected_us, category, is_open, status_notes, lead_unit, address, description,
--     lat, long, address_id, media_url
-- Published requests by the time of their last change, the latest first; NULL asks for nothing. A walk along
-- the index of updated_at.
SELECT number, (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_us,
       (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_us,
       (extract(epoch FROM expected_at) * 1000000)::bigint AS expected_us, category, is_open, status_notes, lead_unit,
       address, description, lat, long, address_id, media_url
FROM open311_listed
WHERE updated_at >= $1::timestamptz AND updated_at <= $2::timestamptz
  AND ($3::text[] IS NULL OR category = ANY ($3))
  AND ($4::boolean IS NULL OR is_open = $4)
ORDER BY updated_at DESC, number DESC
OFFSET $5::bigint LIMIT $6::bigint
