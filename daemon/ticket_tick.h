/*
 * ticket_tick.h - what the passing of time needs to know of a ticket, and what it changes: the
 * narrow way for bulk runs. A holiday moves every open deadline, and a close of day breaks
 * thousands at once; neither touches what people said or sealed, and most of a ticket is that.
 *
 *   tick_load  -> tick_rows_read() -> ticket_plan_tick() -> tick_batch_add() -> tick_apply
 *
 * The plan is the same as on the wide way (ticket_record.h, change_json.h), and so is what is
 * stored; a test compares the rows.
 */
#ifndef DAEMON_TICKET_TICK_H
#define DAEMON_TICKET_TICK_H

#include "daemon/daemon.h"

#define TICK_LOAD_CALLS 3
/* One group reads tickets, their clocks and who has them; params lives as long as the calls. */
void tick_load_calls(struct pg_params *params, struct arena *arena, const int64_t *numbers,
                     size_t count, struct pg_call calls_r[TICK_LOAD_CALLS]);

/* What the group answered. */
struct tick_rows {
    const struct pg_result *tickets, *clocks, *assignments;
    int clock_at, assignment_at;
};
void tick_rows_init(struct tick_rows *rows, const struct pg_result *res);
/*
 * Rows have to be read in ascending order. The view has what ticket_plan_tick() and its change ask
 * for and no more: no clocks that are over, nothing that was said. Its strings are the result's,
 * its arrays the arena's.
 */
void tick_rows_read(struct tick_rows *rows, int row, struct arena *arena,
                    struct ticket_view *view_r);

/* Changes for one statement. */
struct tick_batch;
RETURNS_NONNULL struct tick_batch *tick_batch_new(void);
/*
 * false: not a change of clocks alone (the end of a suspension changes an assignment); nothing was
 * added then. Copies all that it needs.
 */
MUST_CHECK bool tick_batch_add(struct tick_batch *batch, const struct ticket_view *before,
                               const struct ticket_change *change);
/* The parameters of tick_apply; they live as long as the batch, which takes nothing more. */
void tick_batch_params(struct tick_batch *batch, struct pg_params *params);
/* NULL is fine. */
void tick_batch_free(struct tick_batch **batch);

#endif
