-- Another calendar came into force: every open deadline is computed again, by one daemon, which may be killed meanwhile.

CREATE TABLE recalendar (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    calendar_set bigint NOT NULL,
    is_done      boolean NOT NULL DEFAULT false,
    holder       smallint NOT NULL,
    beat         bigint NOT NULL DEFAULT 0,
    tickets      bigint NOT NULL DEFAULT 0,
    moved        bigint NOT NULL DEFAULT 0,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    CHECK (is_done = (ended_at IS NOT NULL))
);
COMMENT ON TABLE recalendar IS '时限重算: which calendar all open deadlines follow from, or by whom they are being computed again';
COMMENT ON COLUMN recalendar.holder IS 'instance of the daemon that does it; one whose beat stands still is relieved';
