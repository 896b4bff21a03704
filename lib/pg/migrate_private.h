/*
 * migrate_private.h - the migration runner over any list, for the tests; the program's own list is
 * migrations[] (migrate.h).
 */
#ifndef PG_MIGRATE_PRIVATE_H
#define PG_MIGRATE_PRIVATE_H

#include "pg/migrate.h"

struct migration_list {
    const struct migration *item;
    int count;
};

enum migrate_state migrate_check_list(const char *conninfo, struct migration_list list,
                                      int timeout_ms, char **text_r);
MUST_CHECK bool migrate_run_list(const char *conninfo, struct migration_list list,
                                 void (*progress)(void *ctx, const struct migration *m,
                                                  int duration_ms),
                                 void *ctx, char **error_r);

#endif
