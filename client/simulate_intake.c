/*
 * simulate_intake.c - the day's tickets: who says what, where, over which channel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/simulate.h"

/* How many of a hundred; they add up to 100. */
static const unsigned plan_weights[PLAN_COUNT] = {
    [PLAN_ANSWER] = 26,     [PLAN_CLOSE] = 46,        [PLAN_REVIEW_FAIL] = 3,
    [PLAN_REDO] = 4,        [PLAN_REJECT] = 2,        [PLAN_WITHDRAW] = 3,
    [PLAN_REFER] = 1,       [PLAN_LEFT_UNSIGNED] = 5, [PLAN_LEFT_WORKING] = 5,
    [PLAN_LEFT_REVIEW] = 2, [PLAN_LEFT_CALLBACK] = 3,
};

static const struct {
    enum ticket_channel channel;
    const char *who;
    unsigned weight;
} channels[] = {
    {CHANNEL_PHONE, "phone", 62},
    {CHANNEL_WEB, "web", 20},
    {CHANNEL_GRID, "desk", 12},
    {CHANNEL_UPSTREAM, "desk", 6},
};

static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "周",
                                       "吴", "徐", "孙", "朱", "高", "林", "何", "郭"};

/* Stepping by a number prime to 100 spreads every kind of plan over the day, even a short one. */
static enum sim_plan choose_plan(size_t index, uint64_t offset)
{
    unsigned point = (unsigned)((index * 37 + offset) % 100), sum = 0;

    for (unsigned p = 0; p < PLAN_COUNT; p++) {
        sum += plan_weights[p];
        if (point < sum)
            return (enum sim_plan)p;
    }
    return PLAN_CLOSE;
}

static size_t choose_channel(size_t index, uint64_t offset)
{
    unsigned point = (unsigned)((index * 61 + offset) % 100), sum = 0;

    for (size_t c = 0; c < ARRAY_LEN(channels); c++) {
        sum += channels[c].weight;
        if (point < sum)
            return c;
    }
    return 0;
}

/* What the desk answers at once are enquiries; the rest is for units. */
static size_t choose_case(struct simulation *sim, enum sim_plan plan)
{
    size_t start = (size_t)sim_random(sim, sim_case_count);

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < sim_case_count; i++) {
            size_t c = (start + i) % sim_case_count;
            bool fits = (sim_cases[c].answer != NULL) == (plan == PLAN_ANSWER);

            if (sim->case_codes[c] != NULL && (fits || pass == 1))
                return c;
        }
    /* A city without any of the matters was refused on loading. */
    invariant_failed("a case for every ticket", __FILE__, __LINE__);
}

static void write_filled(struct json_writer *w, const char *key, const char *text,
                         const char *place, const char *number)
{
    const char *const arguments[] = {place, number};
    struct sbuf filled;

    sbuf_init(&filled, 0);
    text_fill_in(&filled, text, arguments, ARRAY_LEN(arguments));
    jw_string(w, key, filled.data);
    sbuf_free(&filled);
}

static void write_requester(struct simulation *sim, struct json_writer *w, enum ticket_kind kind)
{
    uint64_t who = sim_random(sim, ARRAY_LEN(surnames)), dice = sim_random(sim, 100);
    char text[64];

    jw_object(w, "requester");
    if (dice < 15) {
        jw_bool(w, "anonymous", true);
    } else {
        snprintf(text, sizeof(text), "%s%s", surnames[who], dice % 2 == 0 ? "女士" : "先生");
        jw_string(w, "name", text);
    }
    /* A number range of the examples in this program, not of a person. */
    snprintf(text, sizeof(text), "1380000%04llu", (unsigned long long)sim_random(sim, 10000));
    jw_string(w, "phone", text);
    if (kind == KIND_REPORT)
        jw_bool(w, "confidential", true);
    jw_object_end(w);
}

static void write_ticket(struct simulation *sim, struct sbuf *body, size_t which,
                         enum ticket_channel channel)
{
    const struct sim_case *c = &sim_cases[which];
    const struct sim_place *place = &sim->places[sim_random(sim, sim->place_count)];
    char number[8], address[256];
    struct json_writer w;

    snprintf(number, sizeof(number), "%d", (int)sim_random(sim, 7) + 2);
    snprintf(address, sizeof(address), "%.200s%d号", place->name, (int)sim_random(sim, 200) + 1);
    jw_init(&w, body);
    jw_object(&w, NULL);
    jw_string(&w, "channel", channel_words[channel].code);
    jw_string(&w, "kind", kind_words[c->kind].code);
    jw_string(&w, "urgency", urgency_words[c->urgency].code);
    jw_string(&w, "category", sim->case_codes[which]);
    jw_string(&w, "region", place->code);
    jw_string(&w, "address", address);
    write_filled(&w, "title", c->title, place->name, number);
    write_filled(&w, "text", c->text, place->name, number);
    write_requester(sim, &w, c->kind);
    jw_object_end(&w);
}

static void take_receipt(struct simulation *sim, struct sim_ticket *ticket,
                         const struct json_value *receipt)
{
    const char *number = json_string(json_get(receipt, "number"), NULL);
    const struct json_value *route = json_get(receipt, "route");
    const struct json_value *co_units = json_get(route, "co_units");
    const char *lead = json_string(json_get(route, "lead_unit"), NULL);

    if (number == NULL)
        return;
    ticket->number = arena_strdup(sim->arena, number);
    map_puts(sim->by_number, ticket->number, ticket);
    if (lead != NULL) {
        ticket->lead_unit = arena_strdup(sim->arena, lead);
        sim_unit_notify(sim, lead);
    }
    for (size_t i = 0; i < json_array_length(co_units); i++)
        if (json_string(json_at(co_units, i), NULL) != NULL)
            sim_unit_notify(sim, json_string(json_at(co_units, i), NULL));
}

/* The channel's own token if there is one, the desk's otherwise. */
static const char *channel_who(const struct simulation *sim, size_t c)
{
    if (sim->channel_uses_desk[channels[c].channel] ||
        client_token(sim->client, channels[c].who) == NULL)
        return "desk";
    return channels[c].who;
}

static enum exit_code create(struct simulation *sim, size_t index, const struct sbuf *body,
                             size_t channel, struct api_answer *answer)
{
    char *key = arena_printf(sim->arena, "demo-%s-%zu", sim->run, index);
    struct api_request request = {.method = "POST",
                                  .path = "/v1/tickets",
                                  .who = channel_who(sim, channel),
                                  .body = body->data,
                                  .body_len = body->len,
                                  .key = key,
                                  .is_patient = true};

    api_exchange(sim->client, &request, answer);
    if (answer->status == 403 && strcmp(request.who, "desk") != 0) {
        api_answer_free(answer);
        sim->channel_uses_desk[channels[channel].channel] = true;
        request.who = "desk";
        api_exchange(sim->client, &request, answer);
    }
    return api_check(sim->client, &request, answer);
}

static enum exit_code create_ticket(struct simulation *sim, size_t index, uint64_t plan_offset,
                                    uint64_t channel_offset)
{
    struct sim_ticket *ticket = &sim->tickets[index];
    size_t channel = choose_channel(index, channel_offset), which;
    struct api_answer answer;
    enum exit_code code;
    struct sbuf body;

    *ticket = (struct sim_ticket){.plan = choose_plan(index, plan_offset), .round = 1};
    which = choose_case(sim, ticket->plan);
    ticket->matter = &sim_cases[which];
    ticket->channel = channels[channel].channel;
    sbuf_init(&body, 0);
    write_ticket(sim, &body, which, ticket->channel);
    code = create(sim, index, &body, channel, &answer);
    sbuf_free(&body);
    if (code == EXIT_DONE)
        take_receipt(sim, ticket, api_root(&answer));
    api_answer_free(&answer);
    return code;
}

enum exit_code sim_create_tickets(struct simulation *sim)
{
    uint64_t plan_offset = sim_random(sim, 100), channel_offset = sim_random(sim, 100);

    for (size_t i = 0; i < sim->ticket_count; i++) {
        enum exit_code code = create_ticket(sim, i, plan_offset, channel_offset);

        if (code != EXIT_DONE)
            return code;
        sim->created++;
        sim_progress(sim);
    }
    return EXIT_DONE;
}
