/*
 * cmd_simulate.c - hotline simulate: plays a city's day and says what became of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/crypto.h"
#include "client/commands.h"
#include "client/simulate.h"

#define DEMO_TICKETS 60
#define DAY_TICKETS 1555 /* of a day in Jiangyin (DOMAIN 1) */
#define MAX_TICKETS 100000
#define MAX_SPEED 100000

/* In hundredths of what comes: mostly calls (DOMAIN 1). */
const struct sim_door_play sim_doors[DOOR_COUNT] = {
    [DOOR_PHONE] = {"phone", CHANNEL_PHONE, 58, sim_phone_ready, sim_phone_begin, sim_phone_arrive},
    [DOOR_WECHAT] = {"wechat", CHANNEL_WECHAT, 14, sim_wechat_ready, sim_wechat_begin,
                     sim_wechat_arrive},
    [DOOR_DEVICE] = {"device", CHANNEL_DEVICE, 5, sim_device_ready, sim_device_begin,
                     sim_device_arrive},
    [DOOR_OPEN311] = {"open311", CHANNEL_OPEN311, 4, sim_open311_ready, NULL, sim_open311_arrive},
    [DOOR_WEB] = {"web", CHANNEL_WEB, 9, sim_web_ready, NULL, sim_web_arrive},
    [DOOR_GRID] = {"grid", CHANNEL_GRID, 7, sim_desk_ready, NULL, sim_web_arrive},
    [DOOR_UPSTREAM] = {"upstream", CHANNEL_UPSTREAM, 3, sim_desk_ready, NULL, sim_web_arrive},
};

bool sim_has_token(const struct simulation *sim, const char *who)
{
    return client_token(sim->client, who) != NULL;
}

const struct json_value *sim_credential(const struct simulation *sim, const char *key)
{
    const struct json_doc *doc = sim->client->credentials;

    return doc == NULL ? NULL : json_get(json_root(doc), key);
}

/* ---- what was asked for ------------------------------------------------------------------------
 */

static bool read_speed(struct simulation *sim, const char *text)
{
    char *end;
    long long n;

    if (text == NULL || strcmp(text, "max") == 0)
        return true;
    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < 1 || n > MAX_SPEED) {
        client_complain(sim->client, T_ERR_NOT_SPEED, NULL, NULL);
        return false;
    }
    sim->speed = n;
    return true;
}

static int find_door(const char *name, size_t len)
{
    for (int d = 0; d < DOOR_COUNT; d++)
        if (strlen(sim_doors[d].code) == len && memcmp(sim_doors[d].code, name, len) == 0)
            return d;
    return -1;
}

static void complain_door(const struct simulation *sim, const char *name, size_t len)
{
    struct sbuf there;
    char *wrong = xstrndup(name, len);

    sbuf_init(&there, 0);
    for (unsigned d = 0; d < DOOR_COUNT; d++)
        sbuf_addf(&there, "%s%s", d == 0 ? "" : ", ", sim_doors[d].code);
    client_complain(sim->client, T_ERR_NOT_DOOR, wrong, there.data);
    sbuf_free(&there);
    free(wrong);
}

/* What is named has to be possible; else everything that is. */
static bool read_doors(struct simulation *sim, const char *list)
{
    for (unsigned d = 0; list == NULL && d < DOOR_COUNT; d++)
        if (sim_doors[d].is_ready(sim))
            sim->doors |= 1u << d;
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");
        int door = find_door(list, len);

        if (door < 0) {
            complain_door(sim, list, len);
            return false;
        }
        if (!sim_doors[door].is_ready(sim)) {
            client_complain(sim->client, T_ERR_DOOR_NOT_READY, sim_doors[door].code, NULL);
            return false;
        }
        sim->doors |= 1u << door;
        list += len + (list[len] == ',');
    }
    if (sim->doors == 0)
        client_complain(sim->client, T_ERR_NO_DOOR, NULL, NULL);
    return sim->doors != 0;
}

static bool read_options(struct simulation *sim, const struct args *args, int32_t *day_r)
{
    const char *day = args_get(args, "day");

    *day_r = INT32_MIN;
    if (day != NULL && day[0] != '\0' && !civil_parse_date(day, strlen(day), day_r))
        return false;
    sim->is_whole_day = *day_r != INT32_MIN || args_get(args, "speed") != NULL;
    sim->is_shared = args_get(args, "shared") != NULL;
    sim->random = (uint64_t)args_int(args, "seed", 1);
    sim->planned_count =
        (size_t)args_int(args, "tickets", sim->is_whole_day ? DAY_TICKETS : DEMO_TICKETS);
    return read_speed(sim, args_get(args, "speed")) && read_doors(sim, args_get(args, "doors"));
}

/* ---- the day -----------------------------------------------------------------------------------
 */

static void play(struct simulation *sim, int32_t day)
{
    sim_load_city(sim);
    if (sim->code == EXIT_DONE)
        sim_time_begin(sim, day);
    if (sim->code == EXIT_DONE)
        sim_watch_begin(sim);
    if (sim->code != EXIT_DONE)
        return;
    sim_plan_day(sim);
    sim_agenda_run(sim);
    sim_progress_end(sim);
}

static void free_simulation(struct simulation *sim)
{
    sim_wechat_free(sim);
    sim_device_free(sim);
    sim_agenda_free(sim);
    sim_free_city(sim);
    map_free(&sim->by_number);
    free(sim->tickets);
    free(sim->event_cursor);
    arena_free(&sim->arena);
}

static enum exit_code conclude(const struct simulation *sim)
{
    char count[24];

    if (sim->code != EXIT_DONE)
        return sim->code;
    sim_summary(sim);
    if (sim->wrong == 0)
        return EXIT_DONE;
    snprintf(count, sizeof(count), "%zu", sim->wrong);
    client_complain(sim->client, T_ERR_SIM_FAILED, count, NULL);
    return EXIT_REFUSED;
}

static enum exit_code run_simulate(struct client *client, const struct args *args)
{
    struct simulation sim = {.client = client, .arena = arena_new(), .by_number = map_new()};
    enum exit_code code = EXIT_USAGE;
    int32_t day;

    client->token = NULL; /* one token cannot play everybody's part */
    crypto_token(sim.run);
    sim_agenda_new(&sim);
    if (read_options(&sim, args, &day)) {
        play(&sim, day);
        code = conclude(&sim);
    }
    free_simulation(&sim);
    return code;
}

static const struct option simulate_options[] = {
    {.name = "day", .kind = OPTION_DATE_OR_NONE, .hint = "[YYYY-MM-DD]", .help = T_OPT_DAY},
    {.name = "speed", .kind = OPTION_TEXT, .hint = "N|max", .help = T_OPT_SPEED},
    {.name = "tickets",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_TICKETS,
     .min = 1,
     .max = MAX_TICKETS},
    {.name = "seed",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_SEED,
     .min = 0,
     .max = INT64_MAX},
    {.name = "doors", .kind = OPTION_LIST, .hint = "DOOR,...", .help = T_OPT_DOORS},
    {.name = "shared", .kind = OPTION_FLAG, .help = T_OPT_SHARED},
};

const struct command simulate_commands[] = {
    {.path = "simulate",
     .operands = "",
     .summary = T_CMD_SIMULATE,
     .as = "admin",
     .needs_all_tokens = true,
     .options = simulate_options,
     .option_count = ARRAY_LEN(simulate_options),
     .run = run_simulate},
};
const size_t simulate_command_count = ARRAY_LEN(simulate_commands);
