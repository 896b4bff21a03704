-- name: report_measures
-- in: from_at timestamptz, to_at timestamptz, by text, after text, most integer, satisfied_from integer, unit text,
--     region text, category text, kind text, channel text
-- out: is_total, key, name, on_time_closing_n, on_time_closing_d, closing_n, closing_d, on_time_signing_n,
--      on_time_signing_d, response_n, response_d, solved_n, solved_d, solved_first_n, solved_first_d, solved_final_n,
--      solved_final_d, satisfied_n, satisfied_d, satisfied_first_n, satisfied_first_d, satisfied_final_n,
--      satisfied_final_d, return_n, return_d, redo_n, redo_d, once_done_n, once_done_d
-- Numerator and denominator of every measure: the total first, then by key, `most` keys behind `after`. Definitions, as
-- people read them, stand in measures.c.
-- Taken back unsigned and in time is as if it had never been dispatched. Where a policy has no such clock, nothing was
-- due. A redo is a lead assignment of a later round.
WITH RECURSIVE place (code) AS (
    SELECT $8::text WHERE $8 IS NOT NULL
    UNION
    SELECT r.code FROM region r JOIN place ON r.parent = place.code
),
matter (code) AS (
    SELECT $9::text WHERE $9 IS NOT NULL
    UNION
    SELECT c.code FROM category c JOIN matter ON c.parent = matter.code
),
due AS (
    SELECT t.lead_unit AS unit, t.region, t.category, t.kind, t.channel, t.closed_at IS NOT NULL AS is_closed,
           coalesce(t.closed_on_time, false) AS is_on_time
    FROM ticket_clock k JOIN ticket t USING (number)
    WHERE k.clock = 'resolve' AND k.round = 1 AND k.due_at >= $1::timestamptz AND k.due_at < $2::timestamptz
      AND (k.state <> 'stopped' OR t.closed_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM ticket_clock l
                      WHERE l.number = k.number AND l.clock = 'resolve' AND l.round = 1 AND l.ordinal > k.ordinal)
),
sent AS MATERIALIZED (
    SELECT a.number, a.ordinal, a.unit, a.role, a.round, t.region, t.category, t.kind, t.channel,
           a.state = 'returned' AS is_returned,
           a.state = 'recalled' AND a.signed_at IS NULL AND s.breached_at IS NULL AS is_void,
           s.number IS NOT NULL AS has_sign, coalesce(s.met_at <= s.due_at, false) AS is_signed,
           c.number IS NOT NULL AS has_contact, coalesce(c.met_at <= c.due_at, false) AS is_contacted
    FROM assignment a JOIN ticket t USING (number)
    LEFT JOIN ticket_clock s ON s.number = a.number AND s.assignment = a.ordinal AND s.clock = 'sign'
    LEFT JOIN ticket_clock c ON c.number = a.number AND c.assignment = a.ordinal AND c.clock = 'first_contact'
    WHERE a.created_at >= $1 AND a.created_at < $2
),
redone AS (
    SELECT DISTINCT ON (number) unit, region, category, kind, channel
    FROM sent
    WHERE role = 'lead' AND round > 1
    ORDER BY number, ordinal DESC
),
done AS (
    SELECT closed_unit AS unit, region, category, kind, channel, round
    FROM ticket
    WHERE closed_at >= $1 AND closed_at < $2
),
asked AS (
    SELECT t.lead_unit AS unit, t.region, t.category, t.kind, t.channel, b.solved,
           b.satisfied >= $6::integer AS is_satisfied,
           NOT EXISTS (SELECT FROM callback o WHERE o.number = b.number AND o.seq < b.seq AND o.reached) AS is_first,
           NOT EXISTS (SELECT FROM callback o WHERE o.number = b.number AND o.seq > b.seq AND o.reached) AS is_final
    FROM callback b JOIN ticket t USING (number)
    WHERE b.reached AND b.at >= $1 AND b.at < $2
),
fact AS (
    SELECT unit, region, category, kind, channel, m.measure, m.n, m.d
    FROM due, LATERAL (VALUES ('on_time_closing', is_on_time, true), ('closing', is_closed, true)) AS m (measure, n, d)
    UNION ALL
    SELECT unit, region, category, kind, channel, m.measure, m.n, m.d
    FROM sent, LATERAL (VALUES ('on_time_signing', is_signed, has_sign), ('response', is_contacted, has_contact),
                               ('return', is_returned, true)) AS m (measure, n, d)
    WHERE NOT is_void
    UNION ALL
    SELECT unit, region, category, kind, channel, m.measure, m.n, m.d
    FROM done, LATERAL (VALUES ('redo', false, true), ('once_done', round = 1, true)) AS m (measure, n, d)
    UNION ALL
    SELECT unit, region, category, kind, channel, 'redo', true, false
    FROM redone
    UNION ALL
    SELECT unit, region, category, kind, channel, m.measure, m.n, m.d
    FROM asked, LATERAL (VALUES ('solved', solved, solved IS NOT NULL),
                                ('solved_first', solved, is_first AND solved IS NOT NULL),
                                ('solved_final', solved, is_final AND solved IS NOT NULL),
                                ('satisfied', is_satisfied, is_satisfied IS NOT NULL),
                                ('satisfied_first', is_satisfied, is_first AND is_satisfied IS NOT NULL),
                                ('satisfied_final', is_satisfied, is_final AND is_satisfied IS NOT NULL))
                            AS m (measure, n, d)
    WHERE m.d
),
keyed AS (
    SELECT coalesce(CASE $3::text WHEN 'unit' THEN unit WHEN 'region' THEN region WHEN 'category' THEN category
                                  WHEN 'kind' THEN kind WHEN 'channel' THEN channel END, '') COLLATE "C" AS key,
           measure, coalesce(n, false) AS n, d
    FROM fact
    WHERE ($7::text IS NULL OR unit = $7)
      AND ($8 IS NULL OR region IN (SELECT code FROM place))
      AND ($9 IS NULL OR category IN (SELECT code FROM matter))
      AND ($10::text IS NULL OR kind = $10)
      AND ($11::text IS NULL OR channel = $11)
),
summed AS (
    SELECT grouping(key) = 1 AS is_total, key,
           count(*) FILTER (WHERE measure = 'on_time_closing' AND n) AS on_time_closing_n,
           count(*) FILTER (WHERE measure = 'on_time_closing' AND d) AS on_time_closing_d,
           count(*) FILTER (WHERE measure = 'closing' AND n) AS closing_n,
           count(*) FILTER (WHERE measure = 'closing' AND d) AS closing_d,
           count(*) FILTER (WHERE measure = 'on_time_signing' AND n) AS on_time_signing_n,
           count(*) FILTER (WHERE measure = 'on_time_signing' AND d) AS on_time_signing_d,
           count(*) FILTER (WHERE measure = 'response' AND n) AS response_n,
           count(*) FILTER (WHERE measure = 'response' AND d) AS response_d,
           count(*) FILTER (WHERE measure = 'solved' AND n) AS solved_n,
           count(*) FILTER (WHERE measure = 'solved' AND d) AS solved_d,
           count(*) FILTER (WHERE measure = 'solved_first' AND n) AS solved_first_n,
           count(*) FILTER (WHERE measure = 'solved_first' AND d) AS solved_first_d,
           count(*) FILTER (WHERE measure = 'solved_final' AND n) AS solved_final_n,
           count(*) FILTER (WHERE measure = 'solved_final' AND d) AS solved_final_d,
           count(*) FILTER (WHERE measure = 'satisfied' AND n) AS satisfied_n,
           count(*) FILTER (WHERE measure = 'satisfied' AND d) AS satisfied_d,
           count(*) FILTER (WHERE measure = 'satisfied_first' AND n) AS satisfied_first_n,
           count(*) FILTER (WHERE measure = 'satisfied_first' AND d) AS satisfied_first_d,
           count(*) FILTER (WHERE measure = 'satisfied_final' AND n) AS satisfied_final_n,
           count(*) FILTER (WHERE measure = 'satisfied_final' AND d) AS satisfied_final_d,
           count(*) FILTER (WHERE measure = 'return' AND n) AS return_n,
           count(*) FILTER (WHERE measure = 'return' AND d) AS return_d,
           count(*) FILTER (WHERE measure = 'redo' AND n) AS redo_n,
           count(*) FILTER (WHERE measure = 'redo' AND d) AS redo_d,
           count(*) FILTER (WHERE measure = 'once_done' AND n) AS once_done_n,
           count(*) FILTER (WHERE measure = 'once_done' AND d) AS once_done_d
    FROM keyed
    GROUP BY GROUPING SETS ((key), ())
    HAVING grouping(key) = 1 OR $4::text IS NULL OR key > $4
    ORDER BY 1 DESC, 2
    LIMIT $5::integer + 1
)
SELECT is_total, key,
       CASE $3 WHEN 'unit' THEN (SELECT name FROM unit WHERE code = key)
               WHEN 'region' THEN (SELECT name FROM region WHERE code = key)
               WHEN 'category' THEN (SELECT name FROM category WHERE code = key) END AS name,
       on_time_closing_n, on_time_closing_d, closing_n, closing_d, on_time_signing_n, on_time_signing_d, response_n,
       response_d, solved_n, solved_d, solved_first_n, solved_first_d, solved_final_n, solved_final_d, satisfied_n,
       satisfied_d, satisfied_first_n, satisfied_first_d, satisfied_final_n, satisfied_final_d, return_n, return_d,
       redo_n, redo_d, once_done_n, once_done_d
FROM summed
