/*
 * simulate_summary.c - how far the day is, and what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "base/clk.h"
#include "base/utf8.h"
#include "client/simulate.h"

#define NARROW_COLUMNS 79 /* of a terminal whose width is not known */
#define TERMINAL_EVERY_US INT64_C(100000)

static const struct {
    const char *key;
    enum text_id label;
} figures[FIGURE_COUNT] = {
    [FIGURE_CALLS] = {"calls", T_SIM_FIGURE_CALLS},
    [FIGURE_ABANDONED] = {"calls_lost", T_SIM_FIGURE_ABANDONED},
    [FIGURE_CALLED_BACK] = {"called_back", T_SIM_FIGURE_CALLED_BACK},
    [FIGURE_MESSAGES] = {"messages", T_SIM_FIGURE_MESSAGES},
    [FIGURE_PRESSES] = {"presses", T_SIM_FIGURE_PRESSES},
    [FIGURE_HEARTBEATS] = {"heartbeats", T_SIM_FIGURE_HEARTBEATS},
    [FIGURE_LOOKED_UP] = {"looked_up", T_SIM_FIGURE_LOOKED_UP},
    [FIGURE_POPS] = {"screen_pops", T_SIM_FIGURE_POPS},
    [FIGURE_UNANSWERED] = {"unanswered", T_SIM_FIGURE_UNANSWERED},
    [FIGURE_SILENT] = {"silent_devices", T_SIM_FIGURE_SILENT},
    [FIGURE_WARNED] = {"warned", T_SIM_FIGURE_WARNED},
    [FIGURE_BREACHED] = {"breached", T_SIM_FIGURE_BREACHED},
};

static const struct {
    const char *key;
    enum text_id label;
    unsigned ends; /* bits 1 << enum sim_end */
    bool is_redo;
} outcomes[] = {
    {"answered", T_SIM_ANSWERED, 1u << END_ANSWERED, false},
    {"closed", T_SIM_CLOSED, 1u << END_CLOSED, false},
    {"redone", T_SIM_REDONE, 1u << END_CLOSED, true},
    {"rejected", T_SIM_REJECTED, 1u << END_REJECTED, false},
    {"referred", T_SIM_REFERRED, 1u << END_REFERRED, false},
    {"withdrawn", T_SIM_WITHDRAWN, 1u << END_WITHDRAWN, false},
    {"false_alarms", T_SIM_FALSE_ALARMS, 1u << END_FALSE_ALARM, false},
    {"open", T_SIM_OPEN, 1u << END_OPEN, false},
};

static bool is_counted(const struct sim_ticket *ticket)
{
    return ticket->number != NULL && ticket->is_ours;
}

static size_t count_ends(const struct simulation *sim, size_t outcome)
{
    size_t n = 0;

    for (size_t i = 0; i < sim->ticket_count; i++) {
        const struct sim_ticket *t = sim->tickets[i];

        if (is_counted(t) && (outcomes[outcome].ends & 1u << t->end) != 0 &&
            (!outcomes[outcome].is_redo || t->round > 1))
            n++;
    }
    return n;
}

struct door_count {
    size_t in, ended;
};

static void count_doors(const struct simulation *sim, struct door_count counts[DOOR_COUNT])
{
    memset(counts, 0, DOOR_COUNT * sizeof(counts[0]));
    for (size_t i = 0; i < sim->ticket_count; i++)
        if (is_counted(sim->tickets[i])) {
            counts[sim->tickets[i]->door].in++;
            counts[sim->tickets[i]->door].ended += sim->tickets[i]->end != END_OPEN;
        }
}

/* As the report of tiers counts them: closed by a unit or answered, nothing else. */
static size_t count_tier(const struct simulation *sim, enum tier tier)
{
    size_t n = 0;

    for (size_t i = 0; i < sim->ticket_count; i++) {
        const struct sim_ticket *t = sim->tickets[i];

        n += t->end == END_ANSWERED ? tier == TIER_DESK
                                    : t->end == END_CLOSED && t->end_tier == tier;
    }
    return n;
}

static const char *door_name(const struct client *client, unsigned door)
{
    const struct word *word = &channel_words[sim_doors[door].channel];

    return client->lang == LANG_ZH ? word->zh : word->en;
}

/* ---- progress ----------------------------------------------------------------------------------
 */

static void write_progress(const struct simulation *sim, struct sbuf *line)
{
    const struct client *client = sim->client;
    struct door_count doors[DOOR_COUNT];
    int32_t days = civil_local_day(sim->now_us, SIM_OFFSET_MIN) -
                   civil_local_day(sim->begin_us, SIM_OFFSET_MIN);
    char now[CIVIL_INSTANT_SIZE], more[16] = "";

    civil_format_instant(sim->now_us / 1000000 * 1000000, SIM_OFFSET_MIN, now);
    if (days > 0)
        snprintf(more, sizeof(more), "+%d", (int)days);
    sbuf_addf(line, "%s %.5s%s  %s %zu  %s %zu  %s %zu", client_text(client, T_SIM_PROGRESS),
              now + 11, more, client_text(client, T_SIM_IN), sim->received,
              client_text(client, T_SIM_IS_CLOSED), sim->ended, client_text(client, T_SIM_IS_OPEN),
              sim->received - sim->ended);
    sbuf_adds(line, "  |");
    count_doors(sim, doors);
    for (unsigned d = 0; d < DOOR_COUNT; d++)
        if ((sim->doors & 1u << d) != 0)
            sbuf_addf(line, " %s %zu",
                      client->lang == LANG_ZH ? door_name(client, d) : sim_doors[d].code,
                      doors[d].in);
}

/* On a terminal the line is written over, so it must not break. */
static void print_progress(const struct simulation *sim)
{
    const struct client *client = sim->client;
    size_t columns = client->columns > 1 ? client->columns - 1 : NARROW_COLUMNS;
    struct sbuf line;

    sbuf_init(&line, 0);
    write_progress(sim, &line);
    if (client->err_is_terminal)
        fprintf(client->err, "\r%.*s\033[K",
                (int)utf8_prefix_of_width(line.data, line.len, columns), line.data);
    else
        fprintf(client->err, "%s\n", line.data);
    fflush(client->err);
    sbuf_free(&line);
}

/* A tenth of what will happen, coming in and ending counted the same. */
static bool is_next_tenth(struct simulation *sim)
{
    size_t tenths = (sim->received + sim->settled) * 5 / sim->planned_count;

    if (tenths <= sim->shown || tenths > 10)
        return false;
    sim->shown = tenths;
    return true;
}

void sim_progress(struct simulation *sim)
{
    int64_t now_us = clk_mono_us();

    if (sim->client->err_is_terminal) {
        if (now_us - sim->shown_mono_us < TERMINAL_EVERY_US)
            return;
        sim->shown_mono_us = now_us;
        print_progress(sim);
    } else if (is_next_tenth(sim)) {
        print_progress(sim);
    }
}

void sim_progress_end(struct simulation *sim)
{
    if (!sim->client->err_is_terminal)
        return;
    print_progress(sim);
    fputc('\n', sim->client->err);
}

/* ---- summary -----------------------------------------------------------------------------------
 */

static void write_doors(const struct simulation *sim, struct json_writer *w)
{
    struct door_count doors[DOOR_COUNT];

    count_doors(sim, doors);
    jw_object(w, "channels");
    for (unsigned d = 0; d < DOOR_COUNT; d++)
        if (doors[d].in > 0)
            jw_int(w, channel_words[sim_doors[d].channel].code, (int64_t)doors[d].in);
    jw_object_end(w);
    jw_object(w, "doors");
    for (unsigned d = 0; d < DOOR_COUNT; d++)
        if ((sim->doors & 1u << d) != 0) {
            jw_object(w, sim_doors[d].code);
            jw_int(w, "received", (int64_t)doors[d].in);
            jw_int(w, "ended", (int64_t)doors[d].ended);
            jw_int(w, "open", (int64_t)(doors[d].in - doors[d].ended));
            jw_object_end(w);
        }
    jw_object_end(w);
}

static void summary_json(const struct simulation *sim)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "tickets", (int64_t)sim->received);
    if (sim->is_whole_day) {
        jw_instant(&w, "from", sim->begin_us, SIM_OFFSET_MIN);
        jw_instant(&w, "to", sim->end_us, SIM_OFFSET_MIN);
    }
    write_doors(sim, &w);
    jw_object(&w, "tiers");
    for (unsigned t = 0; t < TIER_COUNT; t++)
        if (count_tier(sim, (enum tier)t) > 0)
            jw_int(&w, tier_words[t].code, (int64_t)count_tier(sim, (enum tier)t));
    jw_object_end(&w);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        jw_int(&w, outcomes[i].key, (int64_t)count_ends(sim, i));
    for (size_t f = 0; f < FIGURE_COUNT; f++)
        jw_int(&w, figures[f].key, (int64_t)sim->figures[f]);
    jw_int(&w, "overtaken", (int64_t)sim->overtaken);
    jw_int(&w, "refused_steps", (int64_t)sim->wrong);
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

static void number_cell(struct table *table, size_t n)
{
    char number[24];

    snprintf(number, sizeof(number), "%zu", n);
    table_cell(table, number, STYLE_PLAIN);
}

static void doors_text(const struct simulation *sim)
{
    const struct client *client = sim->client;
    struct door_count doors[DOOR_COUNT];
    struct table *table = table_new();

    count_doors(sim, doors);
    table_column(table, client_text(client, T_SIM_BY_DOOR), 0);
    table_column(table, client_text(client, T_SIM_IN), TABLE_RIGHT);
    table_column(table, client_text(client, T_SIM_IS_CLOSED), TABLE_RIGHT);
    table_column(table, client_text(client, T_SIM_IS_OPEN), TABLE_RIGHT);
    for (unsigned d = 0; d < DOOR_COUNT; d++) {
        if ((sim->doors & 1u << d) == 0)
            continue;
        table_cell(table, door_name(client, d), STYLE_PLAIN);
        number_cell(table, doors[d].in);
        number_cell(table, doors[d].ended);
        number_cell(table, doors[d].in - doors[d].ended);
    }
    client_print_table(client, table);
    table_free(&table);
}

static void tiers_text(const struct simulation *sim)
{
    const struct client *client = sim->client;
    struct sbuf line;

    sbuf_init(&line, 0);
    sbuf_adds(&line, client_text(client, T_SIM_BY_TIER));
    for (unsigned t = 0; t < TIER_COUNT; t++) {
        size_t n = count_tier(sim, (enum tier)t);

        if (n > 0)
            sbuf_addf(&line, " %s %zu",
                      client->lang == LANG_ZH ? tier_words[t].zh : tier_words[t].en, n);
    }
    fprintf(client->out, "%s\n", line.data);
    sbuf_free(&line);
}

static void summary_text(const struct simulation *sim)
{
    const struct client *client = sim->client;

    summary_line(client, T_SIM_TICKETS, sim->received);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
        summary_line(client, outcomes[i].label, count_ends(sim, i));
    for (size_t f = 0; f < FIGURE_COUNT; f++)
        if (sim->figures[f] > 0)
            summary_line(client, figures[f].label, sim->figures[f]);
    if (sim->overtaken > 0)
        summary_line(client, T_SIM_OVERTAKEN, sim->overtaken);
    if (sim->wrong > 0)
        summary_line(client, T_SIM_REFUSED, sim->wrong);
    fputc('\n', client->out);
    doors_text(sim);
    tiers_text(sim);
}

void sim_summary(const struct simulation *sim)
{
    if (sim->client->json)
        summary_json(sim);
    else
        summary_text(sim);
}
