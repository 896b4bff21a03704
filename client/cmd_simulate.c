/*
 * cmd_simulate.c - hotline simulate --day: plays a demo day and says what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "client/commands.h"
#include "client/simulate.h"

#define DEFAULT_TICKETS 60
#define MAX_TICKETS 100000
#define MAX_ROUNDS 6 /* a redo needs two, a failed review one more */
#define BAR_WIDTH 30

/* splitmix64: small, seeded, the same everywhere. */
uint64_t sim_random(struct simulation *sim, uint64_t below)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? z : z % below;
}

/* ---- steps -------------------------------------------------------------------------------------
 */

enum exit_code sim_post(struct simulation *sim, const char *who, const char *path,
                        const struct sbuf *body, const char *key, struct api_answer *answer_r,
                        bool *refused_r)
{
    struct api_request request = {.method = "POST",
                                  .path = path,
                                  .who = who,
                                  .body = body->data,
                                  .body_len = body->len,
                                  .key = key,
                                  .is_patient = true};
    struct api_answer answer;
    enum exit_code code = EXIT_DONE;

    api_exchange(sim->client, &request, &answer);
    *refused_r = answer.status == 409;
    if (!*refused_r)
        code = api_check(sim->client, &request, &answer);
    if (answer_r != NULL && code == EXIT_DONE && !*refused_r)
        *answer_r = answer;
    else
        api_answer_free(&answer);
    return code;
}

enum exit_code sim_desk_act(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                            const struct sbuf *body, bool *done_r)
{
    enum exit_code code;
    struct sbuf path;
    bool refused;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/tickets/");
    path_segment(&path, ticket->number);
    sbuf_addf(&path, "/%s", action);
    code = sim_post(sim, "desk", path.data, body, NULL, NULL, &refused);
    sbuf_free(&path);
    *done_r = code == EXIT_DONE && !refused;
    if (code == EXIT_DONE && refused) {
        sim->refused++;
        sim_settle(sim, ticket, false);
    }
    return code;
}

void sim_settle(struct simulation *sim, struct sim_ticket *ticket, bool as_planned)
{
    if (ticket->stage == STAGE_SETTLED)
        return;
    ticket->stage = STAGE_SETTLED;
    ticket->as_planned = as_planned;
    sim->settled++;
    sim_progress(sim);
}

/* ---- progress ----------------------------------------------------------------------------------
 */

static void draw_bar(const struct client *client, size_t done, size_t total)
{
    char bar[BAR_WIDTH + 1];
    size_t filled = done * BAR_WIDTH / total;

    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = '\0';
    fprintf(client->err, "\r%s [%s] %3zu%%", client_text(client, T_SIM_PROGRESS), bar,
            done * 100 / total);
    if (done == total)
        fputc('\n', client->err);
    fflush(client->err);
}

/* Making a ticket and bringing it where it belongs count the same. */
void sim_progress(struct simulation *sim)
{
    const struct client *client = sim->client;
    size_t total = sim->ticket_count * 2, done = sim->created + sim->settled, tenths;

    if (client->err_is_terminal) {
        draw_bar(client, done, total);
        return;
    }
    tenths = done * 10 / total;
    if (tenths > sim->shown_tenths) {
        sim->shown_tenths = tenths;
        fprintf(client->err, "%s %zu%%\n", client_text(client, T_SIM_PROGRESS), tenths * 10);
        fflush(client->err);
    }
}

/* ---- summary -----------------------------------------------------------------------------------
 */

static const struct {
    const char *key;
    enum text_id label;
    unsigned plans; /* bits 1 << enum sim_plan that ended there */
} outcomes[] = {
    {"answered", T_SIM_ANSWERED, 1u << PLAN_ANSWER},
    {"closed", T_SIM_CLOSED, 1u << PLAN_CLOSE | 1u << PLAN_REVIEW_FAIL | 1u << PLAN_REDO},
    {"redone", T_SIM_REDONE, 1u << PLAN_REDO},
    {"rejected", T_SIM_REJECTED, 1u << PLAN_REJECT},
    {"referred", T_SIM_REFERRED, 1u << PLAN_REFER},
    {"withdrawn", T_SIM_WITHDRAWN, 1u << PLAN_WITHDRAW},
};

static size_t count_outcome(const struct simulation *sim, unsigned plans)
{
    size_t n = 0;

    for (size_t i = 0; i < sim->created; i++)
        if (sim->tickets[i].as_planned && (plans & (1u << sim->tickets[i].plan)) != 0)
            n++;
    return n;
}

static size_t count_open(const struct simulation *sim)
{
    const unsigned left = 1u << PLAN_LEFT_UNSIGNED | 1u << PLAN_LEFT_WORKING |
                          1u << PLAN_LEFT_REVIEW | 1u << PLAN_LEFT_CALLBACK;
    size_t n = 0;

    for (size_t i = 0; i < sim->created; i++)
        if (!sim->tickets[i].as_planned || (left & (1u << sim->tickets[i].plan)) != 0)
            n++;
    return n;
}

static size_t count_channel(const struct simulation *sim, enum ticket_channel channel)
{
    size_t n = 0;

    for (size_t i = 0; i < sim->created; i++)
        if (sim->tickets[i].channel == channel)
            n++;
    return n;
}

static void summary_json(const struct simulation *sim)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "tickets", (int64_t)sim->created);
    jw_object(&w, "channels");
    for (unsigned c = 0; c < CHANNEL_COUNT; c++)
        if (count_channel(sim, (enum ticket_channel)c) > 0)
            jw_int(&w, channel_words[c].code, (int64_t)count_channel(sim, (enum ticket_channel)c));
    jw_object_end(&w);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        jw_int(&w, outcomes[i].key, (int64_t)count_outcome(sim, outcomes[i].plans));
    jw_int(&w, "open", (int64_t)count_open(sim));
    jw_int(&w, "refused_steps", (int64_t)sim->refused);
    jw_object_end(&w);
    fprintf(sim->client->out, "%s\n", out.data);
    sbuf_free(&out);
}

static void summary_line(const struct client *client, enum text_id label, size_t n)
{
    char number[24];

    snprintf(number, sizeof(number), "%zu", n);
    client_say(client, label, number, NULL);
}

static void summary_text(const struct simulation *sim)
{
    const struct client *client = sim->client;
    struct sbuf line;

    summary_line(client, T_SIM_TICKETS, sim->created);
    sbuf_init(&line, 0);
    for (unsigned c = 0; c < CHANNEL_COUNT; c++) {
        size_t n = count_channel(sim, (enum ticket_channel)c);

        if (n > 0)
            sbuf_addf(&line, "%s%s %zu", line.len > 0 ? ", " : "",
                      client->lang == LANG_ZH ? channel_words[c].zh : channel_words[c].en, n);
    }
    client_say(client, T_SIM_CHANNELS, line.data, NULL);
    sbuf_free(&line);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        summary_line(client, outcomes[i].label, count_outcome(sim, outcomes[i].plans));
    summary_line(client, T_SIM_OPEN, count_open(sim));
    if (sim->refused > 0)
        summary_line(client, T_SIM_REFUSED, sim->refused);
}

/* ---- the day -----------------------------------------------------------------------------------
 */

static enum exit_code play(struct simulation *sim)
{
    enum exit_code code = sim_load_city(sim);

    if (code == EXIT_DONE)
        code = sim_create_tickets(sim);
    if (code == EXIT_DONE)
        code = sim_desk_first(sim);
    for (int round = 0; code == EXIT_DONE && round < MAX_ROUNDS && sim->settled < sim->created;
         round++) {
        code = sim_units_work(sim);
        if (code == EXIT_DONE)
            code = sim_desk_review(sim);
    }
    for (size_t i = 0; code == EXIT_DONE && i < sim->created; i++)
        sim_settle(sim, &sim->tickets[i], false);
    return code;
}

static enum exit_code run_simulate(struct client *client, const struct args *args)
{
    struct simulation sim = {.client = client, .arena = arena_new(), .by_number = map_new()};
    enum exit_code code;

    client->token = NULL; /* one token cannot play everybody's part */
    crypto_token(sim.run);
    sim.random = (uint64_t)args_int(args, "seed", 1);
    sim.ticket_count = (size_t)args_int(args, "tickets", DEFAULT_TICKETS);
    sim.tickets = arena_alloc(sim.arena, sim.ticket_count * sizeof(sim.tickets[0]));
    code = play(&sim);
    if (code == EXIT_DONE && client->json)
        summary_json(&sim);
    else if (code == EXIT_DONE)
        summary_text(&sim);
    sim_free_city(&sim);
    map_free(&sim.by_number);
    arena_free(&sim.arena);
    return code;
}

static const struct option simulate_options[] = {
    {.name = "day", .kind = OPTION_FLAG, .flags = OPTION_REQUIRED, .help = T_OPT_DAY},
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
