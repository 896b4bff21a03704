/*
 * The private cluster: made, stopped, started again, taken over, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "unit/pg/pg_rig.h"

static struct rig rig;

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

static void stop(void)
{
    char *error = NULL;

    if (!pg_cluster_stop(&rig.cluster, &error))
        fail_msg("%s", error);
    assert_null(rig.cluster);
}

static void start(void)
{
    char *error = NULL;

    rig.cluster = pg_cluster_start(rig.dir, &error);
    if (rig.cluster == NULL)
        fail_msg("%s", error);
}

static void refused(const char *dir, const char *says)
{
    char *error = NULL;
    struct pg_cluster *cluster = pg_cluster_start(dir, &error);

    assert_null(cluster);
    assert_non_null(error);
    if (strstr(error, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, says);
    free(error);
}

/* The pid of the postmaster, from the file it keeps. */
static pid_t server_pid(void)
{
    char *path = xasprintf("%s/pg/data/postmaster.pid", rig.dir);
    FILE *file = fopen(path, "re");
    char line[32] = "";

    free(path);
    if (file == NULL)
        return 0;
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    return (pid_t)strtol(line, NULL, 10);
}

/* ---- life
 * ------------------------------------------------------------------------------------------- */

static void check_setting(const char *name, const char *value)
{
    char *sql = xasprintf("SELECT current_setting('%s')", name), *text = rig_scalar(&rig, sql);

    assert_string_equal(text, value);
    free(sql);
    free(text);
}

static void test_is_what_the_header_says(void **state)
{
    char *text;
    struct stat st;

    (void)state;
    check_setting("listen_addresses", "");
    check_setting("data_checksums", "on");
    check_setting("fsync", "on");
    check_setting("synchronous_commit", "on");
    check_setting("server_encoding", "UTF8");
    check_setting("max_connections", "100");
    check_setting("shared_buffers", "256MB");
    check_setting("log_error_verbosity", "terse");
    text = rig_scalar(&rig, "SELECT datcollate || ' ' || datctype || ' ' || current_user FROM"
                            " pg_database WHERE datname = current_database()");
    assert_string_equal(text, "C C.UTF-8 hotline");
    free(text);
    assert_int_equal(rig_count(&rig, "SELECT count(*) FROM pg_roles WHERE rolname = current_user"
                                     " AND NOT rolsuper AND NOT rolcreaterole"),
                     1);
    /* the character type has to know Chinese letters, or searching by trigrams finds nothing */
    assert_int_equal(rig_count(&rig, "SELECT ('噪音' ~ '^\\w+$')::integer"), 1);
    assert_int_equal(stat(rig.cluster->socket_dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(st.st_uid, rig.cluster->owner.uid);
}

static void test_data_survive_stop_and_start(void **state)
{
    (void)state;
    rig_sql(&rig, "CREATE TABLE kept AS SELECT 42 AS n");
    stop();
    assert_int_equal(server_pid(), 0);
    start();
    assert_int_equal(rig_count(&rig, "SELECT n FROM kept"), 42);
}

static void test_two_users_of_one_folder_are_refused(void **state)
{
    (void)state;
    refused(rig.dir, "in use by another process");
    assert_int_equal(rig_count(&rig, "SELECT 1"), 1);
}

static void test_running_server_is_taken_over(void **state)
{
    pid_t before = server_pid();

    (void)state;
    pg_cluster_forget(&rig.cluster); /* killed, the daemon leaves its server behind */
    start();
    assert_int_equal(server_pid(), before);
    assert_int_equal(rig_count(&rig, "SELECT 1"), 1);
}

static void test_killed_server_is_recovered(void **state)
{
    pid_t before = server_pid();

    (void)state;
    rig_sql(&rig, "CREATE TABLE survived AS SELECT 7 AS n");
    pg_cluster_forget(&rig.cluster);
    assert_int_equal(kill(before, SIGKILL), 0);
    start();
    assert_int_not_equal(server_pid(), before);
    assert_int_equal(rig_count(&rig, "SELECT n FROM survived"), 7);
}

static void test_stop_of_a_dead_server_is_fine(void **state)
{
    pid_t pid = server_pid();

    (void)state;
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (kill(pid, 0) == 0)
        usleep(10000); /* its parent, init, collects it */
    stop();
    start();
}

static void test_interrupted_initdb_is_done_again(void **state)
{
    char *dir = rig_make_folder(), *error = NULL;
    char *draft = xasprintf("%s/pg/data.new", dir), *parent = xasprintf("%s/pg", dir);
    char *junk = xasprintf("%s/junk", draft);
    struct pg_cluster *cluster;

    (void)state;
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(mkdir(draft, 0700), 0);
    assert_int_equal(mkdir(junk, 0700), 0);
    if (rig.cluster->owner.drop) {
        assert_int_equal(chown(parent, rig.cluster->owner.uid, rig.cluster->owner.gid), 0);
        assert_int_equal(chown(draft, rig.cluster->owner.uid, rig.cluster->owner.gid), 0);
        assert_int_equal(chown(junk, rig.cluster->owner.uid, rig.cluster->owner.gid), 0);
    }
    cluster = pg_cluster_start(dir, &error);
    if (cluster == NULL)
        fail_msg("%s", error);
    assert_int_equal(access(draft, F_OK), -1);
    assert_true(pg_cluster_stop(&cluster, &error));
    rig_remove_folder(dir);
    free(dir);
    free(draft);
    free(parent);
    free(junk);
}

static void test_long_folder_gets_a_short_socket(void **state)
{
    char *dir = rig_make_folder(), *error = NULL;
    char *deep = xasprintf("%s/%0100d", dir, 7);
    struct pg_cluster *cluster;

    (void)state;
    cluster = pg_cluster_start(deep, &error);
    if (cluster == NULL)
        fail_msg("%s", error);
    assert_true(strlen(cluster->socket_dir) < 60);
    assert_null(strstr(cluster->socket_dir, deep));
    assert_int_equal(rmdir(cluster->socket_dir), -1); /* the socket is in it */
    assert_int_equal(errno, ENOTEMPTY);
    free(error);
    error = xstrdup(cluster->socket_dir);
    {
        char *why = NULL;

        assert_true(pg_cluster_stop(&cluster, &why));
    }
    assert_int_equal(rmdir(error), 0);
    rig_remove_folder(dir);
    free(error);
    free(deep);
    free(dir);
}

/* ---- refusals
 * ---------------------------------------------------------------------------------------- */

/* A folder that looks like a cluster of some version. */
static char *fake_cluster(const char *version)
{
    char *dir = rig_make_folder();
    char *paths[] = {xasprintf("%s/pg", dir), xasprintf("%s/pg/data", dir),
                     xasprintf("%s/pg/data/global", dir), xasprintf("%s/pg/data/PG_VERSION", dir),
                     xasprintf("%s/pg/data/global/pg_control", dir)};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (i < 3) {
            assert_int_equal(mkdir(paths[i], 0700), 0);
        } else if (version != NULL) {
            int fd = open(paths[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

            assert_int_equal(write(fd, version, strlen(version)), strlen(version));
            close(fd);
        }
        if (rig.cluster->owner.drop && (i < 3 || version != NULL))
            assert_int_equal(chown(paths[i], rig.cluster->owner.uid, rig.cluster->owner.gid), 0);
        free(paths[i]);
    }
    return dir;
}

static void fake_refused(const char *version, const char *says)
{
    char *dir = fake_cluster(version);

    refused(dir, says);
    rig_remove_folder(dir);
    free(dir);
}

static void test_other_versions_are_refused(void **state)
{
    (void)state;
    fake_refused("13\n", "PostgreSQL 13, at least 15");
    fake_refused("99\n", "PostgreSQL 99, which is not installed");
}

static void test_half_made_is_refused(void **state)
{
    (void)state;
    fake_refused(NULL, "not a complete PostgreSQL cluster");
    fake_refused("", "not a complete PostgreSQL cluster");
}

static void test_foreign_owner_is_refused(void **state)
{
    char *dir, *path;

    (void)state;
    if (!rig.cluster->owner.drop) {
        /* Only root can give folders away; a link into root's own serves an ordinary user. */
        dir = rig_make_folder();
        path = xasprintf("%s/pg", dir);
        assert_int_equal(symlink("/root", path), 0);
        refused(dir, "is not a folder");
    } else {
        dir = fake_cluster("15\n");
        path = xasprintf("%s/pg", dir);
        assert_int_equal(chown(path, 1, 1), 0);
        refused(dir, "belongs to user 1, it has to belong to postgres");
        assert_int_equal(chown(path, rig.cluster->owner.uid, rig.cluster->owner.gid), 0);
        assert_int_equal(chmod(path, 0755), 0);
        refused(dir, "open to other users");
    }
    rig_remove_folder(dir);
    free(path);
    free(dir);
}

static void test_unreachable_folder_is_refused(void **state)
{
    char *dir = rig_make_folder(), *inner = xasprintf("%s/inner", dir);

    (void)state;
    assert_int_equal(chmod(dir, 0700), 0); /* root's own: postgres cannot pass */
    if (rig.cluster->owner.drop)
        refused(inner, "cannot enter");
    else
        refused("/nonexistent/inner", "cannot make");
    rig_remove_folder(dir);
    free(inner);
    free(dir);
}

/* In a child with a mount namespace of its own; without the right to make one it reports so. */
#define CANNOT_MOUNT 77

static int full_disk_child(const char *dir)
{
    char *error = NULL;
    struct pg_cluster *cluster;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("small", dir, "tmpfs", 0, "size=100m,mode=0755") != 0)
        return CANNOT_MOUNT;
    cluster = pg_cluster_start(dir, &error);
    if (cluster != NULL)
        return 1;
    return strstr(error, "MB free, a database needs at least 512 MB") != NULL ? 0 : 2;
}

static void test_too_little_space_is_refused(void **state)
{
    char *dir = rig_make_folder();
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(full_disk_child(dir));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (rig.cluster->owner.drop)
        assert_int_equal(WEXITSTATUS(status), 0);
    else
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CANNOT_MOUNT);
    rig_remove_folder(dir);
    free(dir);
}

static void test_server_that_cannot_start_says_why(void **state)
{
    char *path = xasprintf("%s/pg/data/local.conf", rig.dir);
    int fd;

    (void)state;
    stop();
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "no_such_setting = 1\n", 20), 20);
    close(fd);
    refused(rig.dir, "no_such_setting");
    assert_int_equal(unlink(path), 0);
    free(path);
    start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_what_the_header_says),
        cmocka_unit_test(test_data_survive_stop_and_start),
        cmocka_unit_test(test_two_users_of_one_folder_are_refused),
        cmocka_unit_test(test_running_server_is_taken_over),
        cmocka_unit_test(test_killed_server_is_recovered),
        cmocka_unit_test(test_stop_of_a_dead_server_is_fine),
        cmocka_unit_test(test_interrupted_initdb_is_done_again),
        cmocka_unit_test(test_long_folder_gets_a_short_socket),
        cmocka_unit_test(test_other_versions_are_refused),
        cmocka_unit_test(test_half_made_is_refused),
        cmocka_unit_test(test_foreign_owner_is_refused),
        cmocka_unit_test(test_unreachable_folder_is_refused),
        cmocka_unit_test(test_too_little_space_is_refused),
        cmocka_unit_test(test_server_that_cannot_start_says_why),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
