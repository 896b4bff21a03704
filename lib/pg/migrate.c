#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clk.h"
#include "base/crypto.h"
#include "pg/migrate_private.h"
#include "pg/pg_sync.h"

#define HASH_TEXT_SIZE (2 * CRYPTO_SHA256_SIZE + 1)
#define CONNECT_TIMEOUT_US (10 * US_PER_SECOND)
/* Another runner may be at work; then we wait for it rather than fail the restart of a whole fleet.
 */
#define RUNNER_LOCK_TIMEOUT "120s"
/* A migration that cannot get its locks fails quickly instead of queueing all traffic behind
 * itself. */
#define FILE_LOCK_TIMEOUT "5s"
#define STEP_TIMEOUT_US (150 * US_PER_SECOND)
#define FILE_TIMEOUT_US US_PER_HOUR
/* Any number that no other user of advisory locks in this database takes: "hotmigr8" in ASCII. */
#define RUNNER_LOCK_KEY "7525362547443954744"

static const char ledger_sql[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
                                 " version integer PRIMARY KEY CHECK (version > 0),"
                                 " name text NOT NULL,"
                                 " sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),"
                                 " applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
                                 " duration_ms integer NOT NULL,"
                                 " applied_by text NOT NULL DEFAULT session_user)";

static void migration_hash(const struct migration *m, char hash_r[HASH_TEXT_SIZE])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];

    crypto_sha256(m->sql, strlen(m->sql), digest);
    crypto_hex(digest, sizeof(digest), hash_r);
}

/* ---- comparing the ledger with the list -------------------------------------------------------
 */

/* Row i of the ledger (version, name, sha256), ordered by version. NULL if it fits, else why not.
 */
static char *row_misfit(const PGresult *ledger, int i, struct migration_list list)
{
    const char *version = PQgetvalue(ledger, i, 0), *name = PQgetvalue(ledger, i, 1);
    char expected[16], hash[HASH_TEXT_SIZE];

    snprintf(expected, sizeof(expected), "%d", i + 1);
    if (strcmp(version, expected) != 0)
        return xasprintf("the database's ledger has a gap: %s follows where %s should be", version,
                         expected);
    if (i >= list.count)
        return xasprintf("the database is newer than this program: it has %s (%s), we know %d",
                         version, name, list.count);
    migration_hash(&list.item[i], hash);
    if (strcmp(PQgetvalue(ledger, i, 2), hash) != 0)
        return xasprintf("%s was changed after it had been applied (checksum differs)",
                         list.item[i].name);
    return NULL;
}

static enum migrate_state ledger_compare(const PGresult *ledger, struct migration_list list,
                                         char **text_r)
{
    int applied = PQntuples(ledger);

    for (int i = 0; i < applied; i++) {
        *text_r = row_misfit(ledger, i, list);
        if (*text_r != NULL)
            return MIGRATE_MISMATCH;
    }
    if (applied < list.count) {
        *text_r = xasprintf("%d of %d migrations are applied; next is %s", applied, list.count,
                            list.item[applied].name);
        return MIGRATE_BEHIND;
    }
    *text_r = xasprintf("all %d migrations are applied", applied);
    return MIGRATE_CURRENT;
}

/* The build sees to it; a hand-made list that is wrong must not touch a database. */
static char *list_misfit(struct migration_list list)
{
    for (int i = 0; i < list.count; i++)
        if (list.item[i].version != i + 1)
            return xasprintf("the program's migrations have a gap: %s is number %d of the list",
                             list.item[i].name, i + 1);
    return NULL;
}

static enum migrate_state ledger_read(PGconn *conn, struct migration_list list, int64_t deadline_us,
                                      char **text_r)
{
    PGresult *res =
        pg_sync_query(conn, "SELECT version, name, sha256 FROM schema_migration ORDER BY version",
                      0, NULL, deadline_us);
    const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    enum migrate_state state = MIGRATE_UNREACHABLE;

    if (PQresultStatus(res) == PGRES_TUPLES_OK) {
        state = ledger_compare(res, list, text_r);
    } else if (sqlstate != NULL && strcmp(sqlstate, "42P01") == 0) {
        state = list.count == 0 ? MIGRATE_CURRENT : MIGRATE_BEHIND;
        *text_r = xstrdup("the database is empty: no migration was ever applied");
    } else {
        *text_r = pg_sync_error(conn, res);
    }
    PQclear(res);
    return state;
}

enum migrate_state migrate_check_list(const char *conninfo, struct migration_list list,
                                      int timeout_ms, char **text_r)
{
    int64_t deadline_us = clk_mono_us() + timeout_ms * US_PER_MS;
    enum migrate_state state = MIGRATE_UNREACHABLE;
    PGconn *conn;

    *text_r = list_misfit(list);
    if (*text_r != NULL)
        return MIGRATE_MISMATCH;
    conn = pg_sync_connect(conninfo, "hotlined/migrate-check", deadline_us);
    if (PQstatus(conn) == CONNECTION_OK)
        state = ledger_read(conn, list, deadline_us, text_r);
    else
        *text_r = pg_sync_error(conn, NULL);
    PQfinish(conn);
    return state;
}

/* ---- applying ----------------------------------------------------------------------------------
 */

/* Line of the file in which the server found the error; 0 if it did not say. */
static int error_line(const PGresult *res, const char *sql)
{
    const char *position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
    long left = position == NULL ? 0 : strtol(position, NULL, 10);
    int line = 1;

    if (left <= 0)
        return 0;
    for (; *sql != '\0' && left > 1; sql++) {
        if (((unsigned char)*sql & 0xc0) == 0x80)
            continue; /* positions count characters */
        left--;
        if (*sql == '\n')
            line++;
    }
    return line;
}

/* The transaction's number; NULL with a text if we are not in one. Caller frees. */
static char *transaction_id(PGconn *conn)
{
    PGresult *res = pg_sync_query(conn, "SELECT pg_current_xact_id()", 0, NULL,
                                  clk_mono_us() + STEP_TIMEOUT_US);
    char *id = NULL;

    if (PQresultStatus(res) == PGRES_TUPLES_OK && PQtransactionStatus(conn) == PQTRANS_INTRANS)
        id = xstrdup(PQgetvalue(res, 0, 0));
    PQclear(res);
    return id;
}

static bool apply_file(PGconn *conn, const struct migration *m, char **error_r)
{
    PGresult *res = pg_sync_query(conn, m->sql, 0, NULL, clk_mono_us() + FILE_TIMEOUT_US);
    ExecStatusType status = PQresultStatus(res);
    bool ok =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;

    if (!ok) {
        char *why = pg_sync_error(conn, res);

        if (error_line(res, m->sql) > 0)
            *error_r = xasprintf("%s.sql:%d: %s", m->name, error_line(res, m->sql), why);
        else
            *error_r = xasprintf("%s.sql: %s", m->name, why);
        free(why);
    }
    PQclear(res);
    return ok;
}

static bool record_file(PGconn *conn, const struct migration *m, int duration_ms, char **error_r)
{
    char version[16], duration[16], hash[HASH_TEXT_SIZE];
    const char *const values[] = {version, m->name, hash, duration};
    PGresult *res;
    bool ok;

    snprintf(version, sizeof(version), "%d", m->version);
    snprintf(duration, sizeof(duration), "%d", duration_ms);
    migration_hash(m, hash);
    res = pg_sync_query(conn,
                        "INSERT INTO schema_migration (version, name, sha256, duration_ms)"
                        " VALUES ($1, $2, $3, $4)",
                        4, values, clk_mono_us() + STEP_TIMEOUT_US);
    ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!ok)
        *error_r = pg_sync_error(conn, res);
    PQclear(res);
    return ok;
}

static bool apply_in_transaction(PGconn *conn, const struct migration *m, int *duration_ms_r,
                                 char **error_r)
{
    int64_t started_us = clk_mono_us();
    char *before, *after;
    bool same;

    if (!pg_sync_exec(conn, "BEGIN; SET LOCAL lock_timeout = '" FILE_LOCK_TIMEOUT "'",
                      clk_mono_us() + STEP_TIMEOUT_US, error_r))
        return false;
    before = transaction_id(conn);
    if (!apply_file(conn, m, error_r)) {
        free(before);
        return false;
    }
    after = transaction_id(conn);
    same = before != NULL && after != NULL && strcmp(before, after) == 0;
    free(before);
    free(after);
    if (!same) {
        *error_r = xasprintf("%s.sql ends the transaction it is run in; it must not", m->name);
        return false;
    }
    *duration_ms_r = (int)((clk_mono_us() - started_us) / US_PER_MS);
    return record_file(conn, m, *duration_ms_r, error_r) &&
           pg_sync_exec(conn, "COMMIT", clk_mono_us() + STEP_TIMEOUT_US, error_r);
}

struct run {
    PGconn *conn;
    struct migration_list list;
    void (*progress)(void *ctx, const struct migration *m, int duration_ms);
    void *ctx;
};

static int ledger_count(PGconn *conn)
{
    PGresult *res = pg_sync_query(conn, "SELECT count(*) FROM schema_migration", 0, NULL,
                                  clk_mono_us() + STEP_TIMEOUT_US);
    int count = -1;

    if (PQresultStatus(res) == PGRES_TUPLES_OK)
        count = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return count;
}

static bool run_missing(const struct run *run, char **error_r)
{
    int applied = ledger_count(run->conn);

    if (applied < 0) {
        *error_r = pg_sync_error(run->conn, NULL);
        return false;
    }
    for (int i = applied; i < run->list.count; i++) {
        const struct migration *m = &run->list.item[i];
        int duration_ms = 0;

        if (!apply_in_transaction(run->conn, m, &duration_ms, error_r))
            return false;
        if (run->progress != NULL)
            run->progress(run->ctx, m, duration_ms);
    }
    return true;
}

/* Under the runners' lock, which ends with the session. */
static bool run_locked(const struct run *run, char **error_r)
{
    enum migrate_state state;
    char *text;

    if (!pg_sync_exec(run->conn, ledger_sql, clk_mono_us() + STEP_TIMEOUT_US, error_r))
        return false;
    state = ledger_read(run->conn, run->list, clk_mono_us() + STEP_TIMEOUT_US, &text);
    if (state == MIGRATE_MISMATCH || state == MIGRATE_UNREACHABLE) {
        *error_r = text;
        return false;
    }
    free(text);
    return state == MIGRATE_CURRENT || run_missing(run, error_r);
}

static bool run_connected(const struct run *run, char **error_r)
{
    if (PQstatus(run->conn) != CONNECTION_OK) {
        *error_r = pg_sync_error(run->conn, NULL);
        return false;
    }
    return pg_sync_exec(run->conn,
                        "SET lock_timeout = '" RUNNER_LOCK_TIMEOUT "';"
                        "SET client_min_messages = warning;"
                        "SELECT pg_advisory_lock(" RUNNER_LOCK_KEY ")",
                        clk_mono_us() + STEP_TIMEOUT_US, error_r) &&
           run_locked(run, error_r);
}

bool migrate_run_list(const char *conninfo, struct migration_list list,
                      void (*progress)(void *ctx, const struct migration *m, int duration_ms),
                      void *ctx, char **error_r)
{
    struct run run = {NULL, list, progress, ctx};
    bool ok;

    *error_r = list_misfit(list);
    if (*error_r != NULL)
        return false;
    run.conn = pg_sync_connect(conninfo, "hotlined/migrate", clk_mono_us() + CONNECT_TIMEOUT_US);
    ok = run_connected(&run, error_r);
    PQfinish(run.conn);
    return ok;
}
