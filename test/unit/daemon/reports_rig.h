/*
 * reports_rig.h - what the tests of the figures share: a migrated database with a small city, and
 * the statements asked through a pool as the daemon asks them.
 */
#ifndef TEST_REPORTS_RIG_H
#define TEST_REPORTS_RIG_H

#include "base/alloc.h"
#include "hotline/measures.h"
#include "unit/pg/pg_rig.h"

struct reports {
    struct rig rig;
    struct bench bench;
};

/*
 * Categories A (A1 below it) and B; regions 320281000000 with the towns ...001000 (village
 * ...001001 below it) and ...002000; units ZJ (city), CG (town), JW (village).
 */
void reports_start(struct reports *r);
void reports_stop(struct reports *r);
void reports_sql(const struct reports *r, const char *sql);
/* Microseconds of an instant that is known to be one. */
int64_t reports_instant(const char *text);

/* Submits and runs `read` on the result, which must be rows. */
void reports_ask(struct reports *r, const struct pg_stmt *stmt, const struct pg_params *params,
                 void (*read)(void *ctx, const struct pg_result *res), void *ctx);
/* One fold with its tidying up, as one transaction; returns the rows it summed. */
int64_t reports_fold(struct reports *r, int64_t most);
/* Folds until so many rows are summed: a transaction of the server itself may hold it up. */
void reports_fold_all(struct reports *r, int64_t rows);

#endif
