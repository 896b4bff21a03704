/*
 * simulate_units.c - the units' part of the demo day: claim, sign, contact, report.
 */
#include <stdlib.h>
#include <string.h>

#include "client/simulate.h"

#define CLAIM_LIMIT 100
#define LEASE_SECONDS 600
#define MAX_CLAIMS_PER_LOOK 50 /* of 100 each: more than a demo day ever sends to one unit */

/* One assignment in a unit's hands. */
struct work {
    const char *who; /* "unit:CODE" */
    const char *unit;
    char *assignment;
    char *lease;
    struct sim_ticket *ticket; /* NULL: not one of ours */
};

struct work_list {
    struct work *items;
    size_t count, cap;
};

static void work_add(struct work_list *list, const struct work *work)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 64 : list->cap * 2;
        list->items = xrealloc_array(list->items, list->cap, sizeof(struct work));
    }
    list->items[list->count++] = *work;
}

static enum exit_code act(struct simulation *sim, const struct work *work, const char *action,
                          struct json_writer *w, struct sbuf *body, bool *refused_r)
{
    enum exit_code code;
    struct sbuf path;

    jw_object_end(w);
    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/assignments/");
    path_segment(&path, work->assignment);
    sbuf_addf(&path, "/%s", action);
    code = sim_post(sim, work->who, path.data, body, NULL, NULL, refused_r);
    sbuf_free(&path);
    sbuf_free(body);
    return code;
}

static void begin(struct json_writer *w, struct sbuf *body)
{
    sbuf_init(body, 0);
    jw_init(w, body);
    jw_object(w, NULL);
}

static enum exit_code act_lease(struct simulation *sim, const struct work *work, const char *action,
                                bool *refused_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    if (work->lease != NULL)
        jw_string(&w, "lease", work->lease);
    return act(sim, work, action, &w, &body, refused_r);
}

static enum exit_code contact(struct simulation *sim, const struct work *work, bool *refused_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    jw_string(&w, "text", "已电话联系诉求人，了解情况并告知办理安排");
    return act(sim, work, "contact", &w, &body, refused_r);
}

static enum exit_code report(struct simulation *sim, const struct work *work, bool *refused_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    jw_bool(&w, "solved", true);
    jw_string(&w, "internal", "工作人员已到现场核实处理，留有照片和记录");
    jw_string(&w, "public_reply", work->ticket->matter->public_reply);
    return act(sim, work, "report", &w, &body, refused_r);
}

static bool is_lead(const struct work *work)
{
    return work->ticket->lead_unit != NULL && strcmp(work->ticket->lead_unit, work->unit) == 0;
}

static void reported(const struct work *work)
{
    if (is_lead(work))
        work->ticket->stage = STAGE_REPORTED;
}

/* Signs, calls the citizen, and reports unless the plan leaves it there. */
static enum exit_code work_on(struct simulation *sim, const struct work *work,
                              struct work_list *again)
{
    struct sim_ticket *ticket = work->ticket;
    bool refused = false;
    enum exit_code code = act_lease(sim, work, "sign", &refused);

    if (code == EXIT_DONE && !refused)
        code = contact(sim, work, &refused);
    if (code != EXIT_DONE)
        return code;
    if (refused) {
        sim->refused++;
        sim_settle(sim, ticket, false);
        return EXIT_DONE;
    }
    if (is_lead(work)) {
        ticket->stage = STAGE_WORKING;
        ticket->lead_assignment = work->assignment;
    }
    if (ticket->plan == PLAN_LEFT_WORKING) {
        if (is_lead(work))
            sim_settle(sim, ticket, true);
        return EXIT_DONE;
    }
    code = report(sim, work, &refused);
    if (code == EXIT_DONE && refused)
        work_add(again, work); /* a lead may have to wait for its co-units */
    else if (code == EXIT_DONE)
        reported(work);
    return code;
}

/* "assignment" is the id, or an object that has it. */
static const char *assignment_id(const struct json_value *item)
{
    const struct json_value *v = json_get(item, "assignment");

    return json_string(json_type(v) == JSON_OBJECT ? json_get(v, "id") : v, NULL);
}

static const char *ticket_number(const struct json_value *item)
{
    const struct json_value *v = json_get(item, "ticket");

    return json_string(json_type(v) == JSON_OBJECT ? json_get(v, "number") : v, NULL);
}

static void take_items(struct simulation *sim, const struct work *unit,
                       const struct json_value *items, struct work_list *list)
{
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *item = json_at(items, i);
        const char *id = assignment_id(item), *number = ticket_number(item);
        const char *lease = json_string(json_get(item, "lease"), NULL);
        struct work work = *unit;

        if (id == NULL)
            continue;
        work.assignment = arena_strdup(sim->arena, id);
        work.lease = lease == NULL ? NULL : arena_strdup(sim->arena, lease);
        work.ticket = number == NULL ? NULL : map_gets(sim->by_number, number);
        work_add(list, &work);
    }
}

/* Leases everything in the unit's queue; what is not ours is given back afterwards. */
static enum exit_code claim_all(struct simulation *sim, const struct work *unit,
                                struct work_list *list)
{
    for (int claims = 0; claims < MAX_CLAIMS_PER_LOOK; claims++) {
        struct api_answer answer;
        struct json_writer w;
        enum exit_code code;
        struct sbuf body;
        bool refused;
        size_t before = list->count;

        begin(&w, &body);
        jw_int(&w, "limit", CLAIM_LIMIT);
        jw_int(&w, "lease_seconds", LEASE_SECONDS);
        jw_object_end(&w);
        code = sim_post(sim, unit->who, "/v1/queue/claim", &body, NULL, &answer, &refused);
        sbuf_free(&body);
        if (code != EXIT_DONE || refused)
            return code;
        take_items(sim, unit, json_get(api_root(&answer), "items"), list);
        api_answer_free(&answer);
        if (list->count == before)
            break;
    }
    return EXIT_DONE;
}

static enum exit_code give_back(struct simulation *sim, const struct work *work)
{
    bool refused;

    if (work->ticket != NULL && work->ticket->plan == PLAN_LEFT_UNSIGNED && is_lead(work))
        sim_settle(sim, work->ticket, true);
    return act_lease(sim, work, "release", &refused);
}

static enum exit_code unit_looks(struct simulation *sim, const struct sim_unit *unit,
                                 struct work_list *again)
{
    struct work who = {.who = arena_printf(sim->arena, "unit:%s", unit->code), .unit = unit->code};
    struct work_list list = {0};
    enum exit_code code = claim_all(sim, &who, &list);

    for (size_t i = 0; code == EXIT_DONE && i < list.count; i++) {
        const struct work *work = &list.items[i];
        bool is_ours = work->ticket != NULL && work->ticket->stage != STAGE_SETTLED &&
                       work->ticket->plan != PLAN_LEFT_UNSIGNED;

        code = is_ours ? work_on(sim, work, again) : give_back(sim, work);
    }
    free(list.items);
    return code;
}

/* Reports that had to wait for others. */
static enum exit_code report_again(struct simulation *sim, const struct work_list *again)
{
    enum exit_code code = EXIT_DONE;

    for (size_t i = 0; code == EXIT_DONE && i < again->count; i++) {
        bool refused;

        code = report(sim, &again->items[i], &refused);
        if (code == EXIT_DONE && refused) {
            sim->refused++;
            sim_settle(sim, again->items[i].ticket, false);
        } else if (code == EXIT_DONE) {
            reported(&again->items[i]);
        }
    }
    return code;
}

static enum exit_code rework(struct simulation *sim, struct work_list *again)
{
    for (size_t i = 0; i < sim->created; i++) {
        struct sim_ticket *ticket = &sim->tickets[i];
        struct work work = {
            .unit = ticket->lead_unit, .assignment = ticket->lead_assignment, .ticket = ticket};
        enum exit_code code;
        bool refused;

        if (ticket->stage != STAGE_REWORK)
            continue;
        work.who = arena_printf(sim->arena, "unit:%s", ticket->lead_unit);
        code = report(sim, &work, &refused);
        if (code != EXIT_DONE)
            return code;
        if (refused)
            work_add(again, &work);
        else
            reported(&work);
    }
    return EXIT_DONE;
}

enum exit_code sim_units_work(struct simulation *sim)
{
    struct work_list again = {0};
    enum exit_code code = rework(sim, &again);

    for (size_t i = 0; code == EXIT_DONE && i < sim->unit_count; i++) {
        struct sim_unit *unit = &sim->units[i];

        if (!unit->has_work || !unit->has_token)
            continue;
        unit->has_work = false;
        code = unit_looks(sim, unit, &again);
    }
    if (code == EXIT_DONE)
        code = report_again(sim, &again);
    free(again.items);
    return code;
}
