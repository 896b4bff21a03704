#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pg/pg_sync.h"
#include "unit/pg/pg_rig.h"

#define SQL_TIMEOUT_US (60 * US_PER_SECOND)

/* ---- folders -----------------------------------------------------------------------------------
 */

char *rig_make_folder(void)
{
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *dir;

    assert_true(len > 0);
    exe[len] = '\0';
    dir = xasprintf("%s/test-pg-XXXXXX", dirname(exe));
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0755), 0); /* user postgres has to get through */
    return dir;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void rig_remove_folder(const char *dir)
{
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- cluster
 * -------------------------------------------------------------------------------------- */

/* Reads until our end closes; a byte before says that all is tidied up. */
static void guardian_main(int fd, const char *dir)
{
    char byte;
    char *error = NULL;
    struct pg_cluster *cluster;

    if (read(fd, &byte, 1) == 1)
        _exit(0);
    cluster = pg_cluster_start(dir, &error); /* takes the orphan over */
    if (cluster != NULL && pg_cluster_stop(&cluster, &error))
        rig_remove_folder(dir);
    _exit(1);
}

static void guardian_start(struct rig *rig)
{
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[1]);
        signal(SIGINT, SIG_IGN);
        guardian_main(fds[0], rig->dir);
    }
    close(fds[0]);
    rig->guardian_fd = fds[1];
}

static int free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    close(fd);
    return ntohs(addr.sin_port);
}

static void rig_start_any(struct rig *rig, bool tcp)
{
    char *error = NULL;

    rig->dir = rig_make_folder();
    guardian_start(rig);
    if (tcp) {
        rig->port = free_port();
        rig->cluster = pg_cluster_start_tcp(rig->dir, rig->port, RIG_TCP_PASSWORD, &error);
    } else {
        rig->cluster = pg_cluster_start(rig->dir, &error);
    }
    if (rig->cluster == NULL)
        fail_msg("no cluster: %s", error);
}

void rig_start(struct rig *rig)
{
    rig_start_any(rig, false);
}

void rig_start_tcp(struct rig *rig)
{
    rig_start_any(rig, true);
}

void rig_stop(struct rig *rig)
{
    char *error = NULL;

    if (rig->cluster != NULL && !pg_cluster_stop(&rig->cluster, &error))
        fail_msg("cluster does not stop: %s", error);
    rig_remove_folder(rig->dir);
    assert_int_equal(write(rig->guardian_fd, "", 1), 1);
    close(rig->guardian_fd);
    free(rig->dir);
}

const char *rig_conninfo(const struct rig *rig)
{
    return pg_cluster_conninfo(rig->cluster);
}

static PGresult *sql_result(PGconn *conn, const char *sql)
{
    PGresult *res;

    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("cannot connect: %s", PQerrorMessage(conn));
    res = pg_sync_query(conn, sql, 0, NULL, clk_mono_us() + SQL_TIMEOUT_US);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    return res;
}

static char *sql_scalar(const char *conninfo, const char *sql)
{
    PGconn *conn = pg_sync_connect(conninfo, "test", clk_mono_us() + SQL_TIMEOUT_US);
    PGresult *res = sql_result(conn, sql);
    char *text = xstrdup(PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");

    PQclear(res);
    PQfinish(conn);
    return text;
}

void rig_sql(const struct rig *rig, const char *sql)
{
    free(sql_scalar(rig_conninfo(rig), sql));
}

void rig_admin_sql(const struct rig *rig, const char *sql)
{
    free(sql_scalar(pg_cluster_admin_conninfo(rig->cluster), sql));
}

char *rig_scalar(const struct rig *rig, const char *sql)
{
    return sql_scalar(rig_conninfo(rig), sql);
}

int64_t rig_count(const struct rig *rig, const char *sql)
{
    char *text = rig_scalar(rig, sql);
    int64_t count = strtoll(text, NULL, 10);

    free(text);
    return count;
}

/* ---- loop
 * ---------------------------------------------------------------------------------------------- */

static void wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void rig_turn(struct event_base *base)
{
    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

struct condition {
    const bool *flag;
    const int *count;
    int at_least;
};

static bool holds(const struct condition *c)
{
    return (c->flag != NULL && *c->flag) || (c->count != NULL && *c->count >= c->at_least);
}

static bool run(struct event_base *base, const struct condition *c, int64_t limit_us)
{
    int64_t deadline_us = clk_mono_us() + limit_us;
    struct timeval tick = {0, 20000};
    struct event *timer = event_new(base, -1, EV_PERSIST, wake, NULL);
    bool ok;

    assert_non_null(timer);
    event_add(timer, &tick);
    while (!(ok = holds(c)) && clk_mono_us() < deadline_us)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    return ok;
}

void rig_run_until(struct event_base *base, const bool *flag)
{
    struct condition c = {.flag = flag};

    if (!run(base, &c, RIG_WAIT_US))
        fail_msg("what the test waits for did not happen");
}

void rig_run_until_count(struct event_base *base, const int *count, int at_least)
{
    struct condition c = {.count = count, .at_least = at_least};

    if (!run(base, &c, RIG_WAIT_US))
        fail_msg("%d of %d happened", *count, at_least);
}

void rig_run_for(struct event_base *base, int64_t us)
{
    struct condition c = {.flag = NULL};

    (void)run(base, &c, us);
}

/* ---- answers
 * -------------------------------------------------------------------------------------------- */

void answer_keep(void *ctx, const struct pg_result *res)
{
    struct answer *a = ctx;

    a->done = true;
    a->calls++;
    a->outcome = pg_result_outcome(res);
    snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", pg_result_sqlstate(res));
    snprintf(a->message, sizeof(a->message), "%s", pg_result_message(res));
    snprintf(a->constraint, sizeof(a->constraint), "%s", pg_result_constraint(res));
    a->rows = pg_result_rows(res);
    a->parts = pg_result_count(res);
    if (a->rows > 0) {
        snprintf(a->text, sizeof(a->text), "%s", pg_result_text(res, 0, 0));
        a->length = pg_result_length(res, 0, 0);
    }
}

/* ---- pool
 * -------------------------------------------------------------------------------------------------
 */

static void told_up(void *ctx)
{
    struct told *told = ctx;

    told->up++;
    told->is_up = true;
}

static void told_down(void *ctx)
{
    struct told *told = ctx;

    told->down++;
    told->is_up = false;
}

static void told_config_error(void *ctx, const char *text)
{
    struct told *told = ctx;

    told->config_errors++;
    snprintf(told->config_text, sizeof(told->config_text), "%s", text);
}

static void told_notify(void *ctx, const char *channel, const char *payload)
{
    struct told *told = ctx;

    assert_string_equal(channel, "look");
    if (payload == NULL) {
        told->listening++;
        return;
    }
    told->notified++;
    snprintf(told->payload, sizeof(told->payload), "%s", payload);
}

struct pg_pool_config bench_config(const struct rig *rig, const struct pg_stmt *const *stmts,
                                   size_t count)
{
    struct pg_pool_config config;

    pg_pool_config_defaults(&config);
    config.name = "test";
    config.conninfo = rig_conninfo(rig);
    config.connections = 1;
    config.backoff_base_us = 10 * US_PER_MS;
    config.backoff_cap_us = 100 * US_PER_MS;
    config.stmts = stmts;
    config.stmt_count = count;
    return config;
}

void bench_open(struct bench *bench, const struct pg_pool_config *config)
{
    struct pg_pool_events events = {.on_up = told_up,
                                    .on_down = told_down,
                                    .on_config_error = told_config_error,
                                    .on_notify = told_notify,
                                    .ctx = &bench->told};

    memset(bench, 0, sizeof(*bench));
    bench->base = event_base_new();
    assert_non_null(bench->base);
    bench->pool = pg_pool_new(bench->base, config, &events);
    pg_pool_start(bench->pool);
}

void bench_wait_up(struct bench *bench)
{
    rig_run_until(bench->base, &bench->told.is_up);
}

void bench_close(struct bench *bench)
{
    pg_pool_free(&bench->pool);
    assert_null(bench->pool);
    event_base_free(bench->base);
}

struct answer bench_ask(struct bench *bench, const struct pg_stmt *stmt,
                        const struct pg_params *params)
{
    struct answer answer = {.done = false};

    (void)pg_submit(bench->pool, stmt, params, RIG_WAIT_US, answer_keep, &answer);
    assert_int_equal(answer.calls, 0); /* never inside pg_submit() */
    rig_run_until(bench->base, &answer.done);
    assert_int_equal(answer.calls, 1);
    return answer;
}

struct answer bench_ask_text(struct bench *bench, const struct pg_stmt *stmt, const char *a,
                             const char *b)
{
    struct pg_params params;

    pg_params_init(&params, NULL); /* texts need no arena */
    if (a != NULL)
        pg_param_text(&params, a);
    if (b != NULL)
        pg_param_text(&params, b);
    return bench_ask(bench, stmt, &params);
}
