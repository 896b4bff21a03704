-- name: ticket_list_phone
-- in: below bigint, most integer, state text, unit text, category text, region text, kind text, channel text,
--     overdue boolean, phone bytea, open_identity boolean, external_number text, likes text[]
-- out: number, state, version, channel, kind, urgency, category, region, title, received_us, lead_unit, is_overdue,
--      round, is_problem, closed_us, closed_tier
-- As ticket_list, driven by the keyed hash of a phone number: the few tickets of one citizen, each looked at for the
-- words in itself.
SELECT t.number, t.state, t.version, t.channel, t.kind, t.urgency, t.category, t.region, t.title, t.received_us,
       t.lead_unit, t.is_overdue, t.round, t.is_problem, t.closed_us, t.closed_tier
FROM requester r
JOIN ticket_listed t USING (number)
WHERE r.phone_index = $10::bytea AND r.number < coalesce($1::bigint, 9223372036854775807)
  AND ($3::text IS NULL OR t.state = $3)
  AND ($4::text IS NULL OR EXISTS (SELECT FROM assignment a WHERE a.number = t.number AND a.unit = $4))
  AND ($5::text IS NULL OR t.category IN (SELECT category_below($5)))
  AND ($6::text IS NULL OR t.region IN (SELECT region_below($6)))
  AND ($7::text IS NULL OR t.kind = $7)
  AND ($8::text IS NULL OR t.channel = $8)
  AND ($9::boolean IS NULL OR t.is_overdue = $9)
  AND ($12::text IS NULL OR t.external_number = $12)
  AND ($13::text[] IS NULL
       OR (SELECT search_fold(v.words) FROM ticket_words v WHERE v.number = t.number) LIKE ALL ($13))
  AND ($11::boolean OR NOT t.is_confidential)
ORDER BY r.number DESC
LIMIT $2::integer
