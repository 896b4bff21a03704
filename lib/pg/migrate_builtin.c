/*
 * migrate_builtin.c - the migrations the build embedded. A file of its own, so that programs
 * without migrations[] (tests of the runner) link.
 */
#include "pg/migrate_private.h"

static struct migration_list builtin(void)
{
    return (struct migration_list){migrations, migration_count};
}

enum migrate_state migrate_check(const char *conninfo, int timeout_ms, char **text_r)
{
    return migrate_check_list(conninfo, builtin(), timeout_ms, text_r);
}

bool migrate_run(const char *conninfo,
                 void (*progress)(void *ctx, const struct migration *m, int duration_ms), void *ctx,
                 char **error_r)
{
    return migrate_run_list(conninfo, builtin(), progress, ctx, error_r);
}
