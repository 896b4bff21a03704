-- name: recount
-- in: most integer
-- out: groups, differing, unit, tier, region, category, kind, channel, figure, counted, recounted
-- The full recount: what the tickets, their assignments, clocks and events say, against what was counted along the way
-- (folded and not). Not one figure here is taken from a column that the count was written from in the same breath where
-- another witness exists: who got it from the event of dispatch or the newest assignment, the tier from the closing
-- event, lateness from the clocks. One row with no figure = all equal. `stock_...` compares the stock with the days.
-- A reopened ticket's closing is undone: the last one counts, and only while the ticket is closed. A co-unit's own clock
-- makes nobody late. What came in incomplete was received by nobody: its second event is no dispatch.
WITH lead AS (
    SELECT DISTINCT ON (number) number, unit FROM assignment WHERE role = 'lead' ORDER BY number, ordinal DESC
),
late AS (
    SELECT DISTINCT number FROM ticket_clock WHERE clock = 'resolve' AND assignment = 0 AND breached_at IS NOT NULL
),
closing AS (
    SELECT DISTINCT ON (number) number, detail ->> 'tier' AS tier
    FROM ticket_event
    WHERE type = 'ticket.closed'
    ORDER BY number, seq DESC
),
seen AS (
    SELECT coalesce(e.detail ->> 'lead_unit', '') AS unit, '' AS tier, t.region, t.category, t.kind, t.channel,
           1 AS received, 0 AS desk, 0 AS dispatched, 0 AS open, 0 AS closed, 0 AS on_time, 0 AS overdue
    FROM ticket t
    LEFT JOIN ticket_event e ON e.number = t.number AND e.seq = 2 AND e.type = 'ticket.dispatched'
    UNION ALL
    SELECT l.unit, '', t.region, t.category, t.kind, t.channel, 0, 0, 1, 0, 0, 0, 0
    FROM ticket t JOIN lead l USING (number)
    WHERE t.dispatched_at IS NOT NULL
    UNION ALL
    SELECT coalesce(t.lead_unit, ''), '', t.region, t.category, t.kind, t.channel, 0, 0, 0, 1, 0, 0,
           (l.number IS NOT NULL)::int
    FROM ticket t LEFT JOIN late l USING (number)
    WHERE t.state IN ('incomplete', 'accepted', 'handling', 'review', 'callback')
    UNION ALL
    SELECT coalesce(t.closed_unit, ''), c.tier, t.region, t.category, t.kind, t.channel, 0, (c.tier = 'desk')::int, 0, 0,
           1, (l.number IS NULL)::int, 0
    FROM closing c JOIN ticket t USING (number) LEFT JOIN late l USING (number)
    WHERE t.state IN ('closed', 'archived')
),
truth AS (
    SELECT unit, tier, coalesce(region, '') AS region, category, kind, channel, sum(received) AS received,
           sum(desk) AS desk, sum(dispatched) AS dispatched, sum(open) AS open, sum(closed) AS closed,
           sum(on_time) AS on_time, sum(overdue) AS overdue
    FROM seen
    GROUP BY 1, 2, 3, 4, 5, 6
),
counted AS (
    SELECT unit, tier, region, category, kind, channel, sum(received) AS received, sum(desk) AS desk,
           sum(dispatched) AS dispatched, sum(open) AS open, sum(closed) AS closed, sum(on_time) AS on_time,
           sum(overdue) AS overdue
    FROM (SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue
          FROM tally_day
          UNION ALL
          SELECT unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue
          FROM tally
          WHERE xid >= (SELECT folded FROM tally_fold) AND xid < pg_snapshot_xmax(pg_current_snapshot())) AS c
    GROUP BY 1, 2, 3, 4, 5, 6
),
pair AS (
    SELECT unit, tier, region, category, kind, channel, v.figure, coalesce(v.counted, 0) AS counted,
           coalesce(v.recounted, 0) AS recounted
    FROM counted c FULL JOIN truth t USING (unit, tier, region, category, kind, channel),
         LATERAL (VALUES ('received', c.received, t.received), ('desk', c.desk, t.desk),
                         ('dispatched', c.dispatched, t.dispatched), ('open', c.open, t.open),
                         ('closed', c.closed, t.closed), ('on_time', c.on_time, t.on_time),
                         ('overdue', c.overdue, t.overdue)) AS v (figure, counted, recounted)
),
stock AS (
    SELECT unit, '' AS tier, region, category, kind, channel, v.figure, coalesce(v.counted, 0) AS counted,
           coalesce(v.recounted, 0) AS recounted
    FROM tally_stock s
         FULL JOIN (SELECT unit, region, category, kind, channel, sum(open) AS open, sum(overdue) AS overdue
                    FROM tally_day
                    GROUP BY 1, 2, 3, 4, 5
                    HAVING sum(open) <> 0 OR sum(overdue) <> 0) d USING (unit, region, category, kind, channel),
         LATERAL (VALUES ('stock_open', s.open, d.open), ('stock_overdue', s.overdue, d.overdue))
             AS v (figure, counted, recounted)
),
difference AS (
    SELECT count(*) OVER () AS differing, unit, tier, region, category, kind, channel, figure, counted::bigint,
           recounted::bigint
    FROM (SELECT * FROM pair UNION ALL SELECT * FROM stock) AS p
    WHERE counted <> recounted
    ORDER BY unit, tier, region, category, kind, channel, figure
    LIMIT $1::integer
)
SELECT g.groups, coalesce(d.differing, 0) AS differing, d.unit, d.tier, d.region, d.category, d.kind, d.channel,
       d.figure, d.counted, d.recounted
FROM (SELECT count(*) / 7 AS groups FROM pair) AS g LEFT JOIN difference AS d ON true
