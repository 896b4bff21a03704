/*
 * migrate.h - forward-only migrations, synchronous, on a connection of their own.
 *
 * Files NNNN_name.sql, gapless from 0001. Ledger: schema_migration(version, name, sha256,
 * applied_at, duration_ms, applied_by). Each file runs in one transaction together with its ledger
 * row, under pg_advisory_lock, with lock_timeout. A changed checksum, a gap, or a newer unknown
 * version is refused.
 */
#ifndef PG_MIGRATE_H
#define PG_MIGRATE_H

#include <stdbool.h>

#include "base/attr.h"

struct migration {
    int version;
    const char *name;
    const char *sql; /* the file's bytes, embedded by the build */
};
/* Made by the build from migrations/, in order. */
extern const struct migration migrations[];
extern const int migration_count;

enum migrate_state {
    MIGRATE_CURRENT,  /* schema is what this build expects */
    MIGRATE_BEHIND,   /* hotlined migrate has to run */
    MIGRATE_MISMATCH, /* changed checksum, gap, or newer than this build */
    MIGRATE_UNREACHABLE,
};
/* text_r always says why in words (caller frees). timeout_ms bounds the whole check, connecting
 * included. */
enum migrate_state migrate_check(const char *conninfo, int timeout_ms, char **text_r);
/* Applies what is missing; progress(ctx, migration, duration_ms) after each. */
MUST_CHECK bool migrate_run(const char *conninfo,
                            void (*progress)(void *ctx, const struct migration *m, int duration_ms),
                            void *ctx, char **error_r);

#endif
