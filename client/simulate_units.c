/*
 * simulate_units.c - the units' part of the day: claim, sign, contact, report; sometimes give back,
 * ask for more days, hand down or up.
 */
#include <stdlib.h>
#include <string.h>

#include "client/simulate.h"

#define CLAIM_LIMIT 100
#define LEASE_SECONDS 600
#define MAX_CLAIMS_PER_LOOK 50 /* of 100 each: more than a day ever sends to one unit */
#define LONGEST_WORK_S 14400   /* between contact and report */
#define MOST_REPORTS 20        /* tries of a lead that waits for its co-units */

/* What a unit has leased. */
struct leased {
    struct sim_work work;
    char *lease; /* NULL: none */
};

struct lease_list {
    struct leased *items;
    size_t count, cap;
};

static void list_add(struct lease_list *list, const struct leased *leased)
{
    if (list->count == list->cap) {
        list->cap = list->cap == 0 ? 64 : list->cap * 2;
        list->items = xrealloc_array(list->items, list->cap, sizeof(*list->items));
    }
    list->items[list->count++] = *leased;
}

static bool is_urgent(const struct sim_work *work)
{
    return work->ticket->door == DOOR_DEVICE || work->ticket->matter->urgency != URGENCY_NORMAL;
}

static enum sim_answer act(struct simulation *sim, const struct sim_work *work, const char *action,
                           struct sim_body *body, const char *may)
{
    const char *after = arena_printf(sim->scratch, "/%s", action);

    return sim_post(sim, work->who, sim_path(sim, "/v1/assignments/", work->assignment, after),
                    body, may, NULL);
}

/* ---- work on one assignment --------------------------------------------------------------------
 */

static void report(struct simulation *sim, void *subject)
{
    struct sim_work *work = subject;
    struct sim_ticket *ticket = work->ticket;
    enum sim_answer said;
    struct sim_body body;

    if (ticket->is_settled && work->is_lead)
        return;
    sim_body_begin(&body);
    jw_bool(&body.w, "solved", true);
    jw_string(&body.w, "internal", "工作人员已到现场核实处理，留有照片和记录");
    jw_string(&body.w, "public_reply", ticket->matter->public_reply);
    said = act(sim, work, "report", &body, "co_units_pending");
    if (said == SIM_DONE && work->is_lead)
        sim_reported(sim, ticket);
    else if (said == SIM_NOT_NOW && ++ticket->tries < MOST_REPORTS)
        sim_in_office(sim, is_urgent(work), 900, 2400, report, work);
    else if (said != SIM_DONE && work->is_lead)
        sim_settle(sim, ticket, END_OPEN);
}

void sim_unit_go_on(struct simulation *sim, struct sim_work *work)
{
    sim_in_office(sim, is_urgent(work), 600, 5400, report, work);
}

static void give_back(struct simulation *sim, struct sim_work *work)
{
    struct sim_body body;

    sim_body_begin(&body);
    jw_string(&body.w, "ground", "not_own_duty");
    jw_string(&body.w, "text", "经核实该事项不属本单位职责，建议转由主管单位办理");
    if (act(sim, work, "return", &body, NULL) == SIM_DONE)
        sim_decide(sim, work);
    else
        sim_settle(sim, work->ticket, END_OPEN);
}

static void extend(struct simulation *sim, struct sim_work *work)
{
    struct sim_body body;

    sim_body_begin(&body);
    jw_int(&body.w, "days", 3);
    jw_string(&body.w, "ground", "需采购配件并协调多方，申请延期");
    if (act(sim, work, "extend", &body, NULL) == SIM_DONE)
        sim_decide(sim, work);
    else
        sim_settle(sim, work->ticket, END_OPEN);
}

static void hand_on(struct simulation *sim, struct sim_work *work, const char *action,
                    const struct sim_unit *to)
{
    struct sim_ticket *ticket = work->ticket;
    struct sim_body body;

    sim_body_begin(&body);
    if (ticket->plan == PLAN_FORWARD)
        jw_string(&body.w, "unit", to->code);
    jw_string(&body.w, "text",
              ticket->plan == PLAN_FORWARD ? "请就近办理并反馈" : "超出本级权限，请上级单位办理");
    if (act(sim, work, action, &body, NULL) != SIM_DONE) {
        sim_settle(sim, ticket, END_OPEN);
        return;
    }
    ticket->lead_unit = to->code;
    ticket->lead = NULL;
    sim_unit_notify(sim, to->code, is_urgent(work));
}

/* Up or down, if there is somebody; else it does the work itself. */
static bool tell_story(struct simulation *sim, struct sim_work *work)
{
    const struct sim_unit *below = NULL, *above = NULL;

    work->ticket->story_told = true;
    if (work->ticket->plan == PLAN_RETURN || work->ticket->plan == PLAN_RETURN_REFUSED)
        give_back(sim, work);
    else if (work->ticket->plan == PLAN_EXTEND)
        extend(sim, work);
    else if (work->ticket->plan == PLAN_FORWARD &&
             (below = sim_unit_below(sim, work->unit->code)) != NULL)
        hand_on(sim, work, "forward", below);
    else if (work->ticket->plan == PLAN_ESCALATE &&
             (above = sim_unit_find(sim, work->unit->parent)) != NULL && above->has_token)
        hand_on(sim, work, "escalate", above);
    else
        return false;
    return true;
}

static void go_on(struct simulation *sim, void *subject)
{
    struct sim_work *work = subject;

    if (work->ticket->is_settled && work->is_lead)
        return;
    if (work->is_lead && !work->ticket->story_told && tell_story(sim, work))
        return;
    sim_in_office(sim, is_urgent(work), 1200, LONGEST_WORK_S, report, work);
}

static void contact(struct simulation *sim, void *subject)
{
    struct sim_work *work = subject;
    struct sim_body body;

    if (work->ticket->is_settled && work->is_lead)
        return;
    sim_body_begin(&body);
    jw_string(&body.w, "text", "已电话联系诉求人，了解情况并告知办理安排");
    if (act(sim, work, "contact", &body, NULL) == SIM_DONE &&
        work->ticket->plan != PLAN_LEFT_WORKING)
        sim_after(sim, 60, 900, go_on, work);
    else if (work->is_lead)
        sim_settle(sim, work->ticket, END_OPEN);
}

/* ---- the queue ---------------------------------------------------------------------------------
 */

static enum sim_answer with_lease(struct simulation *sim, const struct leased *leased,
                                  const char *action)
{
    struct sim_body body;

    sim_body_begin(&body);
    if (leased->lease != NULL)
        jw_string(&body.w, "lease", leased->lease);
    return act(sim, &leased->work, action, &body, NULL);
}

static void sign(struct simulation *sim, const struct leased *leased)
{
    struct sim_work *work = arena_alloc(sim->arena, sizeof(*work));
    struct sim_ticket *ticket = leased->work.ticket;

    *work = leased->work;
    if (with_lease(sim, leased, "sign") != SIM_DONE) {
        if (work->is_lead)
            sim_settle(sim, ticket, END_OPEN);
        return;
    }
    if (work->is_lead) {
        ticket->lead = work;
        ticket->tries = 0;
    }
    sim_in_office(sim, is_urgent(work), 180, 1800, contact, work);
}

/* Only what a unit shall work on; the rest stays in its queue. */
static bool is_to_be_signed(const struct sim_work *work)
{
    static const bool is_for_desk[PLAN_COUNT] = {
        [PLAN_ANSWER] = true, [PLAN_REJECT] = true,      [PLAN_WITHDRAW] = true,
        [PLAN_REFER] = true,  [PLAN_FALSE_ALARM] = true, [PLAN_LEFT_UNSIGNED] = true,
    };

    return work->ticket != NULL && !is_for_desk[work->ticket->plan] &&
           (!work->ticket->is_settled || !work->is_lead);
}

static void take_items(struct simulation *sim, const struct sim_unit *unit,
                       const struct json_value *items, struct lease_list *list)
{
    const char *who = arena_printf(sim->arena, "unit:%s", unit->code);

    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *item = json_at(items, i);
        const char *id = json_string(json_get(item, "assignment"), NULL);
        const char *role = json_string(json_get(item, "role"), NULL);
        const char *lease = json_string(json_get(item, "lease"), NULL);
        const char *number = json_string(json_get(json_get(item, "ticket"), "number"), NULL);

        if (id == NULL || number == NULL)
            continue;
        list_add(
            list,
            &(struct leased){
                {unit, who, arena_strdup(sim->arena, id), map_gets(sim->by_number, number),
                 role != NULL && strcmp(role, assignment_role_words[ASSIGNMENT_LEAD].code) == 0},
                lease == NULL ? NULL : arena_strdup(sim->arena, lease)});
    }
}

/* Leases everything in the queue; what is not signed is given back afterwards. */
static void claim_all(struct simulation *sim, const struct sim_unit *unit, struct lease_list *list)
{
    const char *who = arena_printf(sim->scratch, "unit:%s", unit->code);

    for (int claims = 0; claims < MAX_CLAIMS_PER_LOOK; claims++) {
        size_t before = list->count;
        struct api_answer answer;
        struct sim_body body;

        sim_body_begin(&body);
        jw_int(&body.w, "limit", CLAIM_LIMIT);
        jw_int(&body.w, "lease_seconds", LEASE_SECONDS);
        if (sim_post(sim, who, "/v1/queue/claim", &body, NULL, &answer) != SIM_DONE)
            return;
        take_items(sim, unit, json_get(api_root(&answer), "items"), list);
        api_answer_free(&answer);
        if (list->count - before < CLAIM_LIMIT)
            return;
    }
}

static void look(struct simulation *sim, void *subject)
{
    struct sim_unit *unit = subject;
    struct lease_list list = {0};

    unit->will_look = false;
    claim_all(sim, unit, &list);
    for (size_t i = 0; i < list.count && sim->code == EXIT_DONE; i++) {
        if (is_to_be_signed(&list.items[i].work))
            sign(sim, &list.items[i]);
        else
            with_lease(sim, &list.items[i], "release");
    }
    free(list.items);
}

/* An urgent matter rings; the rest is seen when somebody looks. */
void sim_unit_notify(struct simulation *sim, const char *code, bool is_urgent_one)
{
    struct sim_unit *unit = sim_unit_find(sim, code);

    if (unit == NULL || !unit->has_token || (unit->will_look && !is_urgent_one))
        return;
    unit->will_look = true;
    if (is_urgent_one)
        sim_after(sim, 120, 900, look, unit);
    else
        sim_in_office(sim, false, 300, 3600, look, unit);
}
