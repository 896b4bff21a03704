-- name: open311_list
-- in: from timestamptz, until timestamptz, updated_after timestamptz, updated_before timestamptz, categories text[],
--     is_open boolean, skip bigint, most bigint
-- out: number, requested_us, updated_us, expected_us, category, is_open, status_notes, lead_unit, address, description,
--     lat, long, address_id, media_url
-- Published requests by the time of receipt, the newest first; NULL asks for nothing. A walk along the index of
-- requested_at.
SELECT number, (extract(epoch FROM requested_at) * 1000000)::bigint AS requested_us,
       (extract(epoch FROM updated_at) * 1000000)::bigint AS updated_us,
       (extract(epoch FROM expected_at) * 1000000)::bigint AS expected_us, category, is_open, status_notes, lead_unit,
       address, description, lat, long, address_id, media_url
FROM open311_listed
WHERE requested_at >= $1::timestamptz AND requested_at <= $2::timestamptz
  AND ($3::timestamptz IS NULL OR updated_at >= $3)
  AND ($4::timestamptz IS NULL OR updated_at <= $4)
  AND ($5::text[] IS NULL OR category = ANY ($5))
  AND ($6::boolean IS NULL OR is_open = $6)
ORDER BY requested_at DESC, number DESC
OFFSET $7::bigint LIMIT $8::bigint
