/*
 * The migration runner: from empty, twice, two at once, and everything it has to refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pg/migrate_private.h"
#include "pg/pg_sync.h"
#include "unit/pg/pg_rig.h"

#define CHECK_MS 30000

static struct rig rig;

static const struct migration good[] = {
    {1, "0001_table", "CREATE TABLE thing (id integer);\nCREATE TABLE log (what text);\n"},
    {2, "0002_rows",
     "INSERT INTO thing SELECT generate_series(1, 3);\n"
     "INSERT INTO log VALUES ('0002');\n"},
    {3, "0003_function",
     "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$\n"
     "BEGIN RETURN 'a;b'; END $$;\nINSERT INTO log VALUES ('0003');\n-- nothing follows\n"},
};
#define LIST(array) ((struct migration_list){array, ARRAY_LEN(array)})
#define FIRST(array, n) ((struct migration_list){array, n})

static int group_setup(void **state)
{
    (void)state;
    rig_start(&rig);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static int empty_database(void **state)
{
    (void)state;
    rig_sql(&rig, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    return 0;
}

static enum migrate_state check(struct migration_list list, const char *says)
{
    char *text = NULL;
    enum migrate_state state = migrate_check_list(rig_conninfo(&rig), list, CHECK_MS, &text);

    assert_non_null(text);
    if (strstr(text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, says);
    free(text);
    return state;
}

struct progress {
    int count;
    int last_version;
};

static void note_progress(void *ctx, const struct migration *m, int duration_ms)
{
    struct progress *p = ctx;

    assert_true(duration_ms >= 0);
    assert_int_equal(m->version, p->last_version + 1);
    p->last_version = m->version;
    p->count++;
}

static int run_from(struct migration_list list, int already)
{
    struct progress p = {.last_version = already};
    char *error = NULL;

    if (!migrate_run_list(rig_conninfo(&rig), list, note_progress, &p, &error))
        fail_msg("%s", error);
    return p.count;
}

static void run_fails(struct migration_list list, const char *says)
{
    char *error = NULL;

    assert_false(migrate_run_list(rig_conninfo(&rig), list, NULL, NULL, &error));
    assert_non_null(error);
    if (strstr(error, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, says);
    free(error);
}

/* ---- the good way -------------------------------------------------------------------------------
 */

static void test_from_empty_then_twice(void **state)
{
    char *ledger;

    (void)state;
    assert_int_equal(check(LIST(good), "empty"), MIGRATE_BEHIND);
    assert_int_equal(run_from(LIST(good), 0), 3);
    assert_int_equal(check(LIST(good), "all 3"), MIGRATE_CURRENT);
    assert_int_equal(run_from(LIST(good), 3), 0);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM thing"), 3);
    ledger = rig_scalar(&rig, "SELECT string_agg(version || ' ' || name || ' ' || length(sha256) ||"
                              " ' ' || applied_by, ', ' ORDER BY version) FROM schema_migration");
    assert_string_equal(ledger, "1 0001_table 64 hotline, 2 0002_rows 64 hotline,"
                                " 3 0003_function 64 hotline");
    free(ledger);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM schema_migration"
                                     " WHERE duration_ms >= 0 AND applied_at <= now()"),
                     3);
}

static void test_only_what_is_missing(void **state)
{
    (void)state;
    assert_int_equal(run_from(FIRST(good, 1), 0), 1);
    assert_int_equal(check(LIST(good), "next is 0002_rows"), MIGRATE_BEHIND);
    assert_int_equal(run_from(LIST(good), 1), 2);
}

/* ---- refusals
 * -------------------------------------------------------------------------------------- */

static void test_changed_checksum_is_refused(void **state)
{
    struct migration changed[ARRAY_LEN(good)];

    (void)state;
    memcpy(changed, good, sizeof(good));
    changed[1].sql = "INSERT INTO thing VALUES (4);\n";
    (void)run_from(FIRST(good, 2), 0);
    assert_int_equal(check(LIST(changed), "0002_rows was changed"), MIGRATE_MISMATCH);
    run_fails(LIST(changed), "0002_rows was changed");
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM schema_migration"), 2);
}

static void test_gap_in_the_ledger_is_refused(void **state)
{
    (void)state;
    (void)run_from(LIST(good), 0);
    rig_sql(&rig, "DELETE FROM schema_migration WHERE version = 2");
    assert_int_equal(check(LIST(good), "gap: 3 follows where 2"), MIGRATE_MISMATCH);
    run_fails(LIST(good), "gap");
}

static void test_gap_in_the_list_is_refused(void **state)
{
    const struct migration list[] = {good[0], good[2]};

    (void)state;
    assert_int_equal(check(LIST(list), "0003_function is number 2"), MIGRATE_MISMATCH);
    run_fails(LIST(list), "gap");
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM pg_class WHERE relname = 'thing'"), 0);
}

static void test_newer_database_is_refused(void **state)
{
    (void)state;
    (void)run_from(LIST(good), 0);
    assert_int_equal(check(FIRST(good, 2), "newer than this program"), MIGRATE_MISMATCH);
    run_fails(FIRST(good, 2), "newer than this program");
}

static void test_unreachable(void **state)
{
    char *text = NULL;

    (void)state;
    assert_int_equal(migrate_check_list("host=/nonexistent", LIST(good), 1000, &text),
                     MIGRATE_UNREACHABLE);
    assert_non_null(strstr(text, "/nonexistent"));
    free(text);
    text = NULL;
    assert_false(migrate_run_list("host=/nonexistent", LIST(good), NULL, NULL, &text));
    assert_non_null(text);
    free(text);
}

/* ---- failures
 * ---------------------------------------------------------------------------------------- */

static void test_failing_file_is_rolled_back_and_named(void **state)
{
    const struct migration list[] = {
        good[0],
        {2, "0002_bad", "INSERT INTO log VALUES ('中文');\n\nSELECT 1 FROM nowhere;\n"},
        {3, "0003_never", "INSERT INTO log VALUES ('never');"},
    };

    (void)state;
    run_fails(LIST(list), "0002_bad.sql:3: 42P01");
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM log"), 0);
    assert_int_equal(rig_count(&rig, "SELECT max(version) FROM schema_migration"), 1);
    /* mended, it goes on from there */
    (void)run_from(LIST(good), 1);
}

static void test_file_that_commits_is_refused(void **state)
{
    const struct migration list[] = {good[0], {2, "0002_commit", "COMMIT; BEGIN; SELECT 1"}};
    const struct migration ends[] = {good[0], {2, "0002_ends", "COMMIT"}};

    (void)state;
    run_fails(LIST(list), "ends the transaction");
    run_fails(LIST(ends), "ends the transaction");
    assert_int_equal(rig_count(&rig, "SELECT max(version) FROM schema_migration"), 1);
}

static void test_file_does_not_wait_long_for_locks(void **state)
{
    const struct migration list[] = {good[0], {2, "0002_alter", "ALTER TABLE thing ADD x text"}};
    PGconn *holder = pg_sync_connect(rig_conninfo(&rig), "holder", clk_mono_us() + RIG_WAIT_US);
    char *error = NULL;

    (void)state;
    (void)run_from(FIRST(list, 1), 0);
    assert_true(
        pg_sync_exec(holder, "BEGIN; LOCK TABLE thing", clk_mono_us() + RIG_WAIT_US, &error));
    run_fails(LIST(list), "0002_alter.sql: 55P03");
    PQfinish(holder);
    (void)run_from(LIST(list), 1);
}

/* ---- two at once
 * -------------------------------------------------------------------------------------- */

#define RUNNERS 4

static void test_concurrent_runners_apply_each_file_once(void **state)
{
    pid_t runner[RUNNERS];

    (void)state;
    for (int i = 0; i < RUNNERS; i++) {
        runner[i] = fork();
        assert_true(runner[i] >= 0);
        if (runner[i] == 0) {
            char *error = NULL;
            bool ok = migrate_run_list(rig_conninfo(&rig), LIST(good), NULL, NULL, &error);

            if (!ok)
                fprintf(stderr, "runner: %s\n", error);
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < RUNNERS; i++) {
        int status;

        assert_int_equal(waitpid(runner[i], &status, 0), runner[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM schema_migration"), 3);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM log"), 2);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM thing"), 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, empty_database)
    const struct CMUnitTest tests[] = {
        CASE(test_from_empty_then_twice),
        CASE(test_only_what_is_missing),
        CASE(test_changed_checksum_is_refused),
        CASE(test_gap_in_the_ledger_is_refused),
        CASE(test_gap_in_the_list_is_refused),
        CASE(test_newer_database_is_refused),
        cmocka_unit_test(test_unreachable),
        CASE(test_failing_file_is_rolled_back_and_named),
        CASE(test_file_that_commits_is_refused),
        CASE(test_file_does_not_wait_long_for_locks),
        CASE(test_concurrent_runners_apply_each_file_once),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
