-- Whom somebody has to call back is asked for of the last weeks only: missed callers who got through later stay in the index
-- of the list, so its walk has to end somewhere.
CREATE INDEX call_missed_ended ON call (ended_at, id)
    WHERE ended_at IS NOT NULL AND answered_at IS NULL AND returned_at IS NULL AND direction IS DISTINCT FROM 'outbound';
