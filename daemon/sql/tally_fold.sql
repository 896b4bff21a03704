-- name: tally_fold
-- in: offset_minutes integer, most integer
-- out: folded
-- Moves the horizon: tally rows from `folded` up to the oldest transaction still running are summed into tally_day by
-- local day and into tally_stock. Every row below that transaction is visible to this snapshot, so none is missed. About
-- `most` rows at a time, whole transactions only; a single larger one is taken as a whole. Nothing while another daemon
-- folds. A fold that waited for the lock may work on an older snapshot: its horizon is then the older one too, and what
-- lies below the new `folded` is not summed again.
WITH f AS MATERIALIZED (SELECT folded, pg_snapshot_xmin(pg_current_snapshot()) AS oldest
                        FROM tally_fold FOR UPDATE SKIP LOCKED),
cut AS MATERIALIZED (
    SELECT f.folded, f.oldest,
           (SELECT xid FROM tally WHERE xid >= f.folded AND xid < f.oldest ORDER BY xid LIMIT 1) AS first,
           (SELECT xid FROM tally WHERE xid >= f.folded AND xid < f.oldest ORDER BY xid
            OFFSET $2::integer LIMIT 1) AS beyond
    FROM f
),
h AS MATERIALIZED (
    SELECT folded,
           CASE WHEN beyond IS NULL THEN oldest
                WHEN beyond > first THEN beyond
                ELSE coalesce((SELECT xid FROM tally WHERE xid > beyond AND xid < oldest ORDER BY xid LIMIT 1), oldest)
           END AS horizon
    FROM cut
    WHERE first IS NOT NULL
),
b AS MATERIALIZED (
    SELECT (t.at AT TIME ZONE 'UTC' + make_interval(mins => $1::integer))::date AS day, t.unit, t.tier, t.region,
           t.category, t.kind, t.channel, sum(t.received) AS received, sum(t.desk) AS desk,
           sum(t.dispatched) AS dispatched, sum(t.open) AS open, sum(t.closed) AS closed, sum(t.on_time) AS on_time,
           sum(t.overdue) AS overdue, count(*) AS rows
    FROM h JOIN tally t ON t.xid >= h.folded AND t.xid < h.horizon
    GROUP BY 1, t.unit, t.tier, t.region, t.category, t.kind, t.channel
),
day AS (
    INSERT INTO tally_day AS d (day, unit, tier, region, category, kind, channel, received, desk, dispatched, open,
                                closed, on_time, overdue)
    SELECT day, unit, tier, region, category, kind, channel, received, desk, dispatched, open, closed, on_time, overdue
    FROM b
    ON CONFLICT (day, unit, tier, region, category, kind, channel) DO UPDATE
    SET received = d.received + excluded.received, desk = d.desk + excluded.desk,
        dispatched = d.dispatched + excluded.dispatched, open = d.open + excluded.open,
        closed = d.closed + excluded.closed, on_time = d.on_time + excluded.on_time,
        overdue = d.overdue + excluded.overdue
),
stock AS (
    INSERT INTO tally_stock AS s (unit, region, category, kind, channel, open, overdue)
    SELECT unit, region, category, kind, channel, sum(open), sum(overdue)
    FROM b
    GROUP BY unit, region, category, kind, channel
    HAVING sum(open) <> 0 OR sum(overdue) <> 0
    ON CONFLICT (unit, region, category, kind, channel) DO UPDATE
    SET open = s.open + excluded.open, overdue = s.overdue + excluded.overdue
),
moved AS (UPDATE tally_fold SET folded = h.horizon FROM h)
SELECT coalesce(sum(rows), 0)::bigint AS folded FROM b
