-- name: report_measures
-- in: from_at timestamptz, to_at timestamptz, by text, after text, most integer, satisfied_from integer, unit text,
--     region text, category text, kind text, channel text, level text, depth integer, offset_minutes integer
-- out: is_total, key, name, on_time_closing_n, on_time_closing_d, closing_n, closing_d, on_time_signing_n,
--      on_time_signing_d, response_n, response_d, solved_n, solved_d, solved_first_n, solved_first_d, solved_final_n,
--      solved_final_d, satisfied_n, satisfied_d, satisfied_first_n, satisfied_first_d, satisfied_final_n,
--      satisfied_final_d, return_n, return_d, redo_n, redo_d, once_done_n, once_done_d
-- Numerator and denominator of every measure: the total first, then by key, `most` keys behind `after`. Definitions, as
-- people read them, stand in measures.c. With `level` a place counts for the nearest region at or above it of this level
-- or a higher one, with `depth` a matter for its ancestor at that depth (1 = the first level).
-- Every fact has a mask of the measures in whose numerator (n) and denominator (d) it is, bit i for the i-th of the list
-- above; equal ones are counted together, so a fact costs one look-up however many measures there are.
-- The ticket's own promise is its resolve clock of assignment 0; co-units may have clocks of their own. Taken back
-- unsigned and in time is as if it had never been dispatched; handed on counts for both units. Where a policy has no such
-- clock, nothing was due. (round <= 1 and not = 1 keeps a planner without statistics off the partial index by deadline,
-- which it would read from end to end for each ticket.) A redo is the first lead assignment of a later round.
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
region_up (code, key) AS (
    SELECT code, code FROM region WHERE parent IS NULL AND $3::text = 'region' AND $12::text IS NOT NULL
    UNION ALL
    SELECT r.code,
           CASE WHEN array_position('{grid,village,town,county,city}'::text[], r.level)
                     >= array_position('{grid,village,town,county,city}'::text[], $12) THEN r.code ELSE u.key END
    FROM region r JOIN region_up u ON r.parent = u.code
),
category_up (code, key, depth) AS (
    SELECT code, code, 1 FROM category WHERE parent IS NULL AND $3 = 'category' AND $13::integer IS NOT NULL
    UNION ALL
    SELECT c.code, CASE WHEN u.depth < $13 THEN c.code ELSE u.key END, u.depth + 1
    FROM category c JOIN category_up u ON c.parent = u.code
),
up (code, key) AS (SELECT code, key FROM region_up UNION ALL SELECT code, key FROM category_up),
due AS (
    SELECT t.lead_unit AS unit, t.region, t.category, t.kind, t.channel, k.due_at AS at,
           t.closed_at IS NOT NULL AS is_closed, coalesce(t.closed_on_time, false) AS is_on_time
    FROM ticket_clock k JOIN ticket t USING (number)
    WHERE k.clock = 'resolve' AND k.round = 1 AND k.assignment = 0
      AND k.due_at >= $1::timestamptz AND k.due_at < $2::timestamptz
      AND (k.state <> 'stopped' OR t.closed_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM ticket_clock l
                      WHERE l.number = k.number AND l.clock = 'resolve' AND l.round <= 1 AND l.assignment = 0
                        AND l.ordinal > k.ordinal)
),
sent AS MATERIALIZED (
    SELECT a.number, a.ordinal, a.unit, a.role, a.round, t.region, t.category, t.kind, t.channel, a.created_at AS at,
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
    SELECT DISTINCT ON (number) unit, region, category, kind, channel, at
    FROM sent
    WHERE role = 'lead' AND round > 1
      AND NOT EXISTS (SELECT FROM assignment b
                      WHERE b.number = sent.number AND b.role = 'lead' AND b.round = sent.round
                        AND b.ordinal < sent.ordinal)
    ORDER BY number, ordinal DESC
),
done AS (
    SELECT closed_unit AS unit, region, category, kind, channel, closed_at AS at, round
    FROM ticket
    WHERE closed_at >= $1 AND closed_at < $2
),
asked AS MATERIALIZED (
    SELECT t.lead_unit AS unit, t.region, t.category, t.kind, t.channel, b.at, b.solved,
           b.satisfied >= $6::integer AS is_satisfied,
           NOT EXISTS (SELECT FROM callback o WHERE o.number = b.number AND o.seq < b.seq AND o.reached) AS is_first,
           NOT EXISTS (SELECT FROM callback o WHERE o.number = b.number AND o.seq > b.seq AND o.reached) AS is_final
    FROM callback b JOIN ticket t USING (number)
    WHERE b.reached AND b.at >= $1 AND b.at < $2
),
fact AS (
    SELECT unit, region, category, kind, channel, at, is_on_time::int + is_closed::int * 2 AS n, 3 AS d
    FROM due
    UNION ALL
    SELECT unit, region, category, kind, channel, at,
           (has_sign AND is_signed)::int * 4 + (has_contact AND is_contacted)::int * 8 + is_returned::int * 1024,
           has_sign::int * 4 + has_contact::int * 8 + 1024
    FROM sent
    WHERE NOT is_void
    UNION ALL
    SELECT unit, region, category, kind, channel, at, (round = 1)::int * 4096, 2048 + 4096
    FROM done
    UNION ALL
    SELECT unit, region, category, kind, channel, at, 2048, 0
    FROM redone
    UNION ALL
    SELECT unit, region, category, kind, channel, at,
           (16 + is_first::int * 32 + is_final::int * 64) * coalesce(solved, false)::int
           + (128 + is_first::int * 256 + is_final::int * 512) * coalesce(is_satisfied, false)::int,
           (16 + is_first::int * 32 + is_final::int * 64) * (solved IS NOT NULL)::int
           + (128 + is_first::int * 256 + is_final::int * 512) * (is_satisfied IS NOT NULL)::int
    FROM asked
    WHERE solved IS NOT NULL OR is_satisfied IS NOT NULL
),
keyed AS (
    SELECT coalesce(CASE $3
                        WHEN 'unit' THEN unit
                        WHEN 'region' THEN region
                        WHEN 'category' THEN category
                        WHEN 'kind' THEN kind
                        WHEN 'channel' THEN channel
                        WHEN 'day' THEN to_char(at AT TIME ZONE 'UTC' + make_interval(mins => $14::integer),
                                                'YYYY-MM-DD')
                        WHEN 'month' THEN to_char(at AT TIME ZONE 'UTC' + make_interval(mins => $14), 'YYYY-MM')
                    END, '') AS key,
           n, d, count(*) AS many
    FROM fact
    WHERE ($7::text IS NULL OR unit = $7)
      AND ($8 IS NULL OR region IN (SELECT code FROM place))
      AND ($9 IS NULL OR category IN (SELECT code FROM matter))
      AND ($10::text IS NULL OR kind = $10)
      AND ($11::text IS NULL OR channel = $11)
    GROUP BY 1, n, d
),
rolled AS (
    SELECT coalesce(up.key, k.key) COLLATE "C" AS key, n, d, many
    FROM keyed k LEFT JOIN up ON up.code = k.key
),
summed AS (
    SELECT grouping(key) = 1 AS is_total, key,
           sum(many) FILTER (WHERE n & 1 <> 0) AS on_time_closing_n,
           sum(many) FILTER (WHERE d & 1 <> 0) AS on_time_closing_d,
           sum(many) FILTER (WHERE n & 2 <> 0) AS closing_n,
           sum(many) FILTER (WHERE d & 2 <> 0) AS closing_d,
           sum(many) FILTER (WHERE n & 4 <> 0) AS on_time_signing_n,
           sum(many) FILTER (WHERE d & 4 <> 0) AS on_time_signing_d,
           sum(many) FILTER (WHERE n & 8 <> 0) AS response_n,
           sum(many) FILTER (WHERE d & 8 <> 0) AS response_d,
           sum(many) FILTER (WHERE n & 16 <> 0) AS solved_n,
           sum(many) FILTER (WHERE d & 16 <> 0) AS solved_d,
           sum(many) FILTER (WHERE n & 32 <> 0) AS solved_first_n,
           sum(many) FILTER (WHERE d & 32 <> 0) AS solved_first_d,
           sum(many) FILTER (WHERE n & 64 <> 0) AS solved_final_n,
           sum(many) FILTER (WHERE d & 64 <> 0) AS solved_final_d,
           sum(many) FILTER (WHERE n & 128 <> 0) AS satisfied_n,
           sum(many) FILTER (WHERE d & 128 <> 0) AS satisfied_d,
           sum(many) FILTER (WHERE n & 256 <> 0) AS satisfied_first_n,
           sum(many) FILTER (WHERE d & 256 <> 0) AS satisfied_first_d,
           sum(many) FILTER (WHERE n & 512 <> 0) AS satisfied_final_n,
           sum(many) FILTER (WHERE d & 512 <> 0) AS satisfied_final_d,
           sum(many) FILTER (WHERE n & 1024 <> 0) AS return_n,
           sum(many) FILTER (WHERE d & 1024 <> 0) AS return_d,
           sum(many) FILTER (WHERE n & 2048 <> 0) AS redo_n,
           sum(many) FILTER (WHERE d & 2048 <> 0) AS redo_d,
           sum(many) FILTER (WHERE n & 4096 <> 0) AS once_done_n,
           sum(many) FILTER (WHERE d & 4096 <> 0) AS once_done_d
    FROM rolled
    GROUP BY GROUPING SETS ((key), ())
    HAVING grouping(key) = 1 OR ($3 <> 'total' AND ($4::text IS NULL OR key > $4))
    ORDER BY 1 DESC, 2
    LIMIT $5::integer + 1
)
SELECT is_total, key,
       CASE $3 WHEN 'unit' THEN (SELECT name FROM unit WHERE code = key)
               WHEN 'region' THEN (SELECT name FROM region WHERE code = key)
               WHEN 'category' THEN (SELECT name FROM category WHERE code = key) END AS name,
       coalesce(on_time_closing_n, 0)::bigint AS on_time_closing_n,
       coalesce(on_time_closing_d, 0)::bigint AS on_time_closing_d,
       coalesce(closing_n, 0)::bigint AS closing_n,
       coalesce(closing_d, 0)::bigint AS closing_d,
       coalesce(on_time_signing_n, 0)::bigint AS on_time_signing_n,
       coalesce(on_time_signing_d, 0)::bigint AS on_time_signing_d,
       coalesce(response_n, 0)::bigint AS response_n,
       coalesce(response_d, 0)::bigint AS response_d,
       coalesce(solved_n, 0)::bigint AS solved_n,
       coalesce(solved_d, 0)::bigint AS solved_d,
       coalesce(solved_first_n, 0)::bigint AS solved_first_n,
       coalesce(solved_first_d, 0)::bigint AS solved_first_d,
       coalesce(solved_final_n, 0)::bigint AS solved_final_n,
       coalesce(solved_final_d, 0)::bigint AS solved_final_d,
       coalesce(satisfied_n, 0)::bigint AS satisfied_n,
       coalesce(satisfied_d, 0)::bigint AS satisfied_d,
       coalesce(satisfied_first_n, 0)::bigint AS satisfied_first_n,
       coalesce(satisfied_first_d, 0)::bigint AS satisfied_first_d,
       coalesce(satisfied_final_n, 0)::bigint AS satisfied_final_n,
       coalesce(satisfied_final_d, 0)::bigint AS satisfied_final_d,
       coalesce(return_n, 0)::bigint AS return_n,
       coalesce(return_d, 0)::bigint AS return_d,
       coalesce(redo_n, 0)::bigint AS redo_n,
       coalesce(redo_d, 0)::bigint AS redo_d,
       coalesce(once_done_n, 0)::bigint AS once_done_n,
       coalesce(once_done_d, 0)::bigint AS once_done_d
FROM summed
