-- What is in hand, without adding up every day there ever was: the folded rows summed over all time.
-- Rows that came to nothing are deleted, so the table is as large as what is in hand, not as the past.

CREATE TABLE tally_stock (
    unit     text NOT NULL,
    region   text NOT NULL,
    category text NOT NULL,
    kind     text NOT NULL,
    channel  text NOT NULL,
    open     bigint NOT NULL,
    overdue  bigint NOT NULL,
    PRIMARY KEY (unit, region, category, kind, channel)
);
COMMENT ON TABLE tally_stock IS '在办存量: sums of open and overdue over all of tally_day, kept by the fold';

INSERT INTO tally_stock (unit, region, category, kind, channel, open, overdue)
SELECT unit, region, category, kind, channel, sum(open), sum(overdue)
FROM tally_day
GROUP BY unit, region, category, kind, channel
HAVING sum(open) <> 0 OR sum(overdue) <> 0;

-- Reports ask for what happened in a period; both tables grow in that order.
CREATE INDEX assignment_created ON assignment USING brin (created_at);
CREATE INDEX callback_at ON callback USING brin (at);
