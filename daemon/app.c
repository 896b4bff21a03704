/*
 * app.c - wiring.
 */
#include "daemon/app.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/log.h"
#include "daemon/activation.h"
#include "daemon/audit.h"
#include "daemon/auth.h"
#include "daemon/batches.h"
#include "daemon/calls.h"
#include "daemon/cloud.h"
#include "daemon/config.h"
#include "daemon/deadlines.h"
#include "daemon/desk_event.h"
#include "daemon/device.h"
#include "daemon/device_mqtt.h"
#include "daemon/devices.h"
#include "daemon/events.h"
#include "daemon/fold.h"
#include "daemon/indexer.h"
#include "daemon/intake.h"
#include "daemon/number_reserve.h"
#include "daemon/pid_file.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "daemon/queue.h"
#include "daemon/recalendar.h"
#include "daemon/request.h"
#include "daemon/revive.h"
#include "daemon/ticket_bulk.h"
#include "daemon/webhook.h"
#include "daemon/wechat.h"
#include "pg/cluster.h"
#include "pg/migrate.h"
#include "sql_catalogue.h"

#define MIGRATE_CHECK_TIMEOUT_MS 10000
/* A month of a city of a million fits; with the 4 MiB of the server its joins went to disk and took
 * twice as long. */
#define REPORT_WORK_MEM_MB 32
#define PUBLIC_QUEUED_MOST 100
/* Of the longest, the bulletin; the others have deadlines of their own. */
#define REPORT_STATEMENT_TIMEOUT_MS 60000

struct app {
    struct daemon d;
    const struct app_options *options;
    struct pg_cluster *cluster; /* NULL with a database of one's own */
    struct pid_file *pid_file;
    struct revive *revive;
    struct event *signals[3];
    struct event *config_retry;
    struct webhooks *webhooks;
    bool is_serving; /* configuration loaded once, listening */
    int exit_code;
};

/* ---- small steps; each says on stderr what is wrong
 * ------------------------------------------------ */

static bool complain(const char *what, char *why)
{
    log_error("hotlined", "%s: %s", what, why ? why : "unknown");
    free(why);
    return false;
}

static bool make_data_folder(const char *data)
{
    if (mkdir(data, 0755) == 0 || errno == EEXIST)
        return true;
    return complain(data, xstrdup(strerror(errno)));
}

static bool start_cluster(struct app *app, const char **conninfo_r)
{
    const struct settings *s = &app->d.settings;
    char *why = NULL;

    *conninfo_r = s->database;
    if (s->database[0])
        return true;
    app->cluster = pg_cluster_start(s->data, &why);
    if (!app->cluster)
        return complain("private PostgreSQL", why);
    *conninfo_r = pg_cluster_conninfo(app->cluster);
    if (app->pid_file && !pid_file_note(app->pid_file, *conninfo_r))
        return complain("hotlined.pid", xstrdup(strerror(errno)));
    return true;
}

static bool stop_cluster(struct app *app)
{
    char *why = NULL;

    if (!app->cluster || pg_cluster_stop(&app->cluster, &why))
        return true;
    return complain("private PostgreSQL did not stop", why);
}

static bool check_schema(const char *conninfo)
{
    char *text = NULL;
    enum migrate_state state = migrate_check(conninfo, MIGRATE_CHECK_TIMEOUT_MS, &text);

    if (state == MIGRATE_CURRENT) {
        free(text);
        return true;
    }
    (void)complain("schema", text);
    if (state == MIGRATE_BEHIND)
        log_error("hotlined", "run `hotlined migrate` with the same settings first");
    return false;
}

static bool reserve_ticks(void *ctx, int64_t tick)
{
    const struct daemon *d = ctx;
    return number_reserve_write(d->settings.data, tick);
}

static bool start_numbers(struct daemon *d)
{
    char *why = NULL;
    int64_t tick;

    if (!number_reserve_read(d->settings.data, &tick, &why))
        return complain("ticket numbers", why);
    ticket_numbers_init(&d->numbers, (int)d->settings.instance, CIVIL_OFFSET_SHANGHAI_MIN, tick,
                        reserve_ticks, d);
    return true;
}

/* ---- database
 * -------------------------------------------------------------------------------------- */

static void stop(struct app *app, int exit_code);

static bool listen_http(struct app *app)
{
    struct daemon *d = &app->d;
    char *why = NULL;

    if (d->settings.tls_cert[0] &&
        !http_server_load_tls(d->http, d->settings.tls_cert, d->settings.tls_key, &why))
        return complain("TLS", why);
    if (!device_mqtt_listen(d->device_mqtt, &why))
        return complain("MQTT", why);
    if (!http_server_listen(d->http, d->settings.listen, (uint16_t)d->settings.port, &why))
        return complain("listen", why);
    log_info("hotlined", "ready address=%s port=%u", d->settings.listen,
             (unsigned)http_server_port(d->http));
    return true;
}

/* What fell due, or was left half done, while the database or we were away. */
static void look_for_work(struct app *app)
{
    sweeper_kick(app->d.sweeper);
    device_matters_kick(app->d.device_matters);
    device_watch_kick(app->d.device_watch);
    wechat_start(app->d.wechat);
}

/* From now on devices are heard. */
static void come_back(struct app *app)
{
    device_watch_back(app->d.device_watch);
    look_for_work(app);
}

static const struct timeval config_retry_after = {5, 0};

/* What fell due while nobody was there is in force before the doors open. */
static void open_doors(void *ctx, bool ok)
{
    struct app *app = ctx;

    if (app->d.is_stopping || app->is_serving)
        return;
    if (!ok) {
        stop(app, 1);
        return;
    }
    app->is_serving = true;
    fold_start(app->d.fold);
    indexer_start(app->d.indexer);
    webhooks_start(app->webhooks);
    if (listen_http(app))
        come_back(app);
    else
        stop(app, 1);
}

static void on_config(void *ctx, bool ok)
{
    struct app *app = ctx;

    if (app->d.is_stopping) /* the pool is being freed, or about to be */
        return;
    if (!ok && !app->is_serving) {
        stop(app, 1);
        return;
    }
    if (!app->is_serving) {
        activation_settle(app->d.activation, open_doors, app);
        return;
    }
    if (!ok) { /* what we were told of must not be forgotten */
        log_warn("config", "could not be loaded, the old one stays; again in %lld s",
                 (long long)config_retry_after.tv_sec);
        (void)event_add(app->config_retry, &config_retry_after);
        return;
    }
    look_for_work(app);
    push_stir(app->d.push, NULL); /* whose token ended need not wait any longer */
}

static void on_config_retry(evutil_socket_t fd, short what, void *ctx)
{
    struct app *app = ctx;

    (void)fd;
    (void)what;
    config_load(&app->d, on_config, app);
}

static void on_up(void *ctx)
{
    struct app *app = ctx;

    log_info("hotlined", "database is there");
    revive_up(app->revive);
    if (!app->is_serving)
        config_load(&app->d, on_config, app);
    else
        come_back(app);
}

static void on_down(void *ctx)
{
    struct app *app = ctx;

    revive_down(app->revive);
    device_watch_away(app->d.device_watch);
    log_warn("hotlined", "database is away");
}

static void on_config_error(void *ctx, const char *text)
{
    (void)ctx;
    log_error("hotlined", "database: %s", text);
}

static void on_notify(void *ctx, const char *channel, const char *payload)
{
    struct app *app = ctx;
    bool is_config = strcmp(channel, "hotline_config") == 0;

    (void)payload;
    if (!is_config)
        push_look(app->d.push);
    else if (app->is_serving) /* told of a change, or listening anew: one may have been missed */
        config_load(&app->d, on_config, app);
}

static void make_pools(struct app *app, const char *conninfo)
{
    struct daemon *d = &app->d;
    struct pg_pool_config config;
    const struct pg_pool_events quiet = {.on_config_error = on_config_error, .ctx = app};
    const struct pg_pool_events events = {on_up, on_down, on_config_error, on_notify, app};

    pg_pool_config_defaults(&config);
    const struct pg_pool_config usual = config;
    config.conninfo = conninfo;
    config.stmts = sql_catalogue;
    config.stmt_count = sql_catalogue_count;
    config.name = "report";
    config.connections = (int)d->settings.report_connections;
    config.is_snapshot = true;
    config.work_mem_mb = REPORT_WORK_MEM_MB;
    config.statement_timeout_ms = REPORT_STATEMENT_TIMEOUT_MS;
    d->report_pool = pg_pool_new(d->base, &config, &quiet);
    config.name = "public";
    config.connections = 1;
    config.max_in_flight = 1; /* who has gone meanwhile is never asked for */
    config.max_queued = PUBLIC_QUEUED_MOST;
    config.statement_timeout_ms = DAEMON_READ_TIMEOUT_US / 1000;
    d->public_pool = pg_pool_new(d->base, &config, &quiet);
    config.max_in_flight = usual.max_in_flight;
    config.max_queued = usual.max_queued;
    config.is_snapshot = false;
    config.work_mem_mb = 0;
    config.statement_timeout_ms = usual.statement_timeout_ms;
    config.is_generic = true;
    config.name = "intake";
    config.connections = (int)d->settings.intake_connections;
    d->intake_pool = pg_pool_new(d->base, &config, &quiet);
    config.name = "device";
    config.connections = (int)d->settings.device_connections;
    d->device_pool = pg_pool_new(d->base, &config, &quiet);
    config.name = "bulk";
    config.connections = (int)d->settings.bulk_connections;
    d->bulk_pool = pg_pool_new(d->base, &config, &quiet);
    config.name = "work";
    config.connections = (int)d->settings.work_connections;
    d->work_pool = pg_pool_new(d->base, &config, &events);
    config.name = "event";
    config.connections = 1;
    d->event_pool = pg_pool_new(d->base, &config, &quiet);
    pg_pool_listen(d->work_pool, "hotline_event");
    pg_pool_listen(d->work_pool, "hotline_config");
}

/* ---- signals
 * --------------------------------------------------------------------------------------------- */

static void on_drained(void *ctx)
{
    struct app *app = ctx;
    event_base_loopbreak(app->d.base);
}

static void stop(struct app *app, int exit_code)
{
    struct daemon *d = &app->d;

    bool is_again = d->is_stopping;
    app->exit_code = exit_code;
    d->is_stopping = true;
    if (is_again || !app->is_serving) {
        event_base_loopbreak(d->base);
        return;
    }
    log_info("hotlined", "stopping");
    http_server_drain(d->http, d->settings.drain_seconds * US_PER_SECOND, on_drained, app);
    push_wake_all(d->push);
}

static void on_stop_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)number;
    (void)what;
    stop(ctx, 0);
}

static void use_settings(struct daemon *d)
{
    const struct settings *s = &d->settings;
    int level = log_level_parse(s->log_level);

    if (level >= 0)
        log_set_level((enum log_level)level);
    d->plan_rules = (struct plan_rules){
        .max_rounds = (int)s->max_rounds,
        .max_callback_attempts = (int)s->max_callback_attempts,
        .satisfied_from = (int)s->satisfied_from,
        .dissatisfied_to = (int)s->dissatisfied_to,
        .max_transfers = (int)s->max_transfers,
        .max_extensions = (int)s->max_extensions,
        .max_extension_days = (int)s->max_extension_days,
        .max_suspension_days = (int)s->max_suspension_days,
    };
}

static void reload_tls(struct daemon *d)
{
    char *why = NULL;

    if (d->settings.tls_cert[0] &&
        !http_server_load_tls(d->http, d->settings.tls_cert, d->settings.tls_key, &why))
        (void)complain("TLS: the old certificate stays", why);
    why = NULL;
    if (!device_mqtt_load_tls(d->device_mqtt, &why))
        (void)complain("TLS of MQTT: the old certificate stays", why);
}

/* What the table of settings cannot tell. */
static bool settings_sound(const struct settings *s, char **why_r)
{
    if (net_networks_ok(s->trusted_proxies))
        return true;
    *why_r = xstrdup("trusted_proxies: not a list of addresses and networks");
    return false;
}

/* As at the start: defaults, the file, the command line. */
static bool read_settings(const struct app_options *options, struct settings *fresh, char **why_r)
{
    memset(fresh, 0, sizeof(*fresh));
    settings_defaults(settings_table, settings_table_count, fresh);
    if (options->settings_file && !settings_load_file(settings_table, settings_table_count, fresh,
                                                      options->settings_file, why_r))
        return false;
    for (size_t i = 0; i < options->override_count; i++) {
        const struct app_override *o = &options->overrides[i];
        if (!settings_set(settings_table, settings_table_count, fresh, o->name, o->value, why_r))
            return false;
    }
    return settings_sound(fresh, why_r);
}

/* The old settings stay if anything in the new ones is wrong. */
static void on_reload_signal(evutil_socket_t number, short what, void *ctx)
{
    struct app *app = ctx;
    struct settings fresh;
    char *why = NULL;

    (void)number;
    (void)what;
    if (!read_settings(app->options, &fresh, &why)) {
        (void)complain("reload: the old settings stay", why);
        settings_free(settings_table, settings_table_count, &fresh);
        return;
    }
    char *fixed = settings_unreloadable_changes(settings_table, settings_table_count,
                                                &app->d.settings, &fresh);
    if (fixed)
        log_warn("hotlined", "reload: needs a restart to change: %s", fixed);
    free(fixed);
    settings_keep_unreloadable(settings_table, settings_table_count, &fresh, &app->d.settings);
    settings_free(settings_table, settings_table_count, &app->d.settings);
    app->d.settings = fresh;
    use_settings(&app->d);
    reload_tls(&app->d);
    log_info("hotlined", "settings reloaded");
}

static void watch_signals(struct app *app)
{
    static const struct {
        int number;
        event_callback_fn handler;
    } watched[] = {{SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal}, {SIGHUP, on_reload_signal}};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
        app->signals[i] = evsignal_new(app->d.base, watched[i].number, watched[i].handler, app);
        INVARIANT(app->signals[i] && event_add(app->signals[i], NULL) == 0);
    }
}

/* ---- life
 * -----------------------------------------------------------------------------------------------
 */

static void register_metrics(void)
{
    request_register_metrics();
    throttle_register_metrics();
    problem_register_metrics();
    store_register_metrics();
    bulk_register_metrics();
    batches_register_metrics();
    recalendar_register_metrics();
    intake_register_metrics();
    device_register_metrics();
    notices_register_metrics();
    sweeper_register_metrics();
    activation_register_metrics();
    push_register_metrics();
    events_register_metrics();
    desk_event_register_metrics();
    calls_register_metrics();
    queue_register_metrics();
    fold_register_metrics();
    indexer_register_metrics();
    wechat_register_metrics();
    clouds_register_metrics();
    audit_register_metrics();
    webhooks_register_metrics();
    revive_register_metrics();
}

static void make_http(struct daemon *d)
{
    struct http_server_config config;
    struct http_handler handler = request_handler(d);

    http_server_config_defaults(&config);
    config.max_connections = (size_t)d->settings.max_connections;
    config.max_connections_per_address = (size_t)d->settings.max_connections_per_address;
    d->http = http_server_new(d->base, &config, &handler);
}

/* An unreadable file of authorities must not pass for "trust nobody, quietly". */
static struct webhooks *make_webhooks(struct daemon *d)
{
    char *why = NULL;
    struct webhooks *webhooks = webhooks_new(d, &why);

    if (!webhooks)
        (void)complain("webhooks", why);
    return webhooks;
}

static bool make_parts(struct app *app, const char *conninfo)
{
    struct daemon *d = &app->d;

    register_metrics();
    app->revive = revive_new(d->base, app->cluster);
    app->config_retry = evtimer_new(d->base, on_config_retry, app);
    INVARIANT(app->config_retry != NULL);
    make_pools(app, conninfo);
    d->auth = auth_new();
    d->throttle = throttle_new();
    d->push = push_new(d);
    d->store = store_new();
    d->sweeper = sweeper_new(d);
    d->recalendar = recalendar_new(d);
    d->batches = batches_new();
    d->activation = activation_new(d);
    d->intake = intake_new(d, d->intake_pool, (int)d->settings.intake_connections);
    d->device_intake = intake_new(d, d->device_pool, (int)d->settings.device_connections);
    d->device_lane = device_lane_new(d);
    d->device_matters = device_matters_new(d);
    d->device_watch = device_watch_new(d);
    d->wechat = wechat_new(d);
    d->clouds = clouds_new(d);
    d->fold = fold_new(d);
    d->indexer = indexer_new(d);
    d->device_mqtt = device_mqtt_new(d);
    make_http(d);
    app->webhooks = make_webhooks(d);
    return app->webhooks != NULL;
}

/* In the order of who calls whom: first the doors, then the use cases, then what they stand on. */
static void free_parts(struct app *app)
{
    struct daemon *d = &app->d;

    webhooks_free(&app->webhooks);
    http_server_free(&d->http);
    wechat_free(&d->wechat);
    device_mqtt_free(&d->device_mqtt);
    device_lane_free(&d->device_lane);
    device_matters_free(&d->device_matters);
    clouds_free(&d->clouds); /* orders of the lane tell its pushes how they ended */
    device_watch_free(&d->device_watch);
    batches_free(&d->batches);
    recalendar_free(&d->recalendar);
    sweeper_free(&d->sweeper);
    activation_free(&d->activation);
    store_free(&d->store);
    intake_free(&d->intake);
    intake_free(&d->device_intake);
    fold_free(&d->fold);
    indexer_free(&d->indexer);
    push_free(&d->push);
    pg_pool_free(&d->intake_pool);
    pg_pool_free(&d->work_pool);
    pg_pool_free(&d->event_pool);
    pg_pool_free(&d->report_pool);
    pg_pool_free(&d->public_pool);
    pg_pool_free(&d->device_pool);
    pg_pool_free(&d->bulk_pool);
    event_free(app->config_retry);
    revive_free(&app->revive);
    auth_free(&d->auth);
    throttle_free(&d->throttle);
    city_unref(&d->city);
    free(d->city_bundle);
    config_next_clear(&d->next);
    for (size_t i = 0; i < ARRAY_LEN(app->signals); i++) {
        if (app->signals[i])
            event_free(app->signals[i]);
    }
    event_base_free(d->base);
}

static void run_loop(struct app *app, const char *conninfo)
{
    struct daemon *d = &app->d;

    d->base = event_base_new();
    INVARIANT(d->base != NULL);
    if (!make_parts(app, conninfo)) {
        free_parts(app);
        return;
    }
    watch_signals(app);
    pg_pool_start(d->intake_pool);
    pg_pool_start(d->work_pool);
    pg_pool_start(d->event_pool);
    pg_pool_start(d->report_pool);
    pg_pool_start(d->public_pool);
    pg_pool_start(d->device_pool);
    pg_pool_start(d->bulk_pool);
    (void)event_base_dispatch(d->base);
    free_parts(app);
}

static bool prepare(struct app *app, const char **conninfo_r)
{
    struct daemon *d = &app->d;
    char *why = NULL;

    if (!settings_sound(&d->settings, &why))
        return complain("settings", why);
    if (!make_data_folder(d->settings.data))
        return false;
    app->pid_file = pid_file_lock(d->settings.data, &why);
    if (!app->pid_file)
        return complain("another hotlined", why);
    if (!pii_load_keys(d, &why))
        return complain("keys", why);
    return start_numbers(d) && start_cluster(app, conninfo_r) && check_schema(*conninfo_r);
}

int app_run(const struct app_options *options)
{
    struct app app = {.options = options, .d = {.settings = options->settings}};
    const char *conninfo = NULL;

    use_settings(&app.d);
    clk_init_real(&app.d.clk);
    if (options->is_test_clock)
        clk_init_test(&app.d.clk,
                      options->test_now_us ? options->test_now_us : clk_now_us(&app.d.clk));
    app.exit_code = 1;
    if (prepare(&app, &conninfo))
        run_loop(&app, conninfo);
    if (!stop_cluster(&app))
        app.exit_code = 1;
    pid_file_unlock(&app.pid_file);
    settings_free(settings_table, settings_table_count, &app.d.settings);
    return app.exit_code;
}

/* ---- subcommands that need the database
 * ------------------------------------------------------------------ */

/* A daemon runs on this folder: its cluster is used and left alone. */
static int beside_daemon(const struct settings *settings,
                         int (*fn)(void *ctx, const char *conninfo), void *ctx)
{
    char *conninfo =
        settings->database[0] ? xstrdup(settings->database) : pid_file_read_note(settings->data);
    int code = 1;

    if (conninfo)
        code = fn(ctx, conninfo);
    else
        log_error("hotlined", "a daemon is starting or stopping here; try again");
    free(conninfo);
    return code;
}

int app_with_database(const struct settings *settings, int (*fn)(void *ctx, const char *conninfo),
                      void *ctx)
{
    struct app app = {.d = {.settings = *settings}};
    const char *conninfo = NULL;
    char *why = NULL;
    int code = 1;

    if (!make_data_folder(settings->data))
        return 1;
    app.pid_file = pid_file_lock(settings->data, &why);
    free(why);
    if (!app.pid_file)
        return beside_daemon(settings, fn, ctx);
    if (start_cluster(&app, &conninfo))
        code = fn(ctx, conninfo);
    if (!stop_cluster(&app))
        code = 1;
    pid_file_unlock(&app.pid_file);
    return code;
}

static void say_migration(void *ctx, const struct migration *m, int duration_ms)
{
    (void)ctx;
    printf("%s %d ms\n", m->name, duration_ms);
    (void)fflush(stdout);
}

static int migrate(void *ctx, const char *conninfo)
{
    char *why = NULL;

    (void)ctx;
    if (migrate_run(conninfo, say_migration, NULL, &why))
        return 0;
    (void)complain("migrate", why);
    return 1;
}

int app_migrate(const struct settings *settings)
{
    return app_with_database(settings, migrate, NULL);
}
