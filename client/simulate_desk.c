/*
 * simulate_desk.c - the desk's part of the day: looks at what came in, answers, sends, decides what
 * units ask for, reviews, calls back.
 */
#include <string.h>

#include "client/simulate.h"

#define NEVER_ANSWERED 9 /* the first call-back of one in so many */

void sim_settle(struct simulation *sim, struct sim_ticket *ticket, enum sim_end end)
{
    if (ticket->is_settled)
        return;
    ticket->is_settled = true;
    ticket->end = end;
    sim->settled++;
    if (end != END_OPEN)
        sim->ended++;
}

static bool is_urgent(const struct sim_ticket *ticket)
{
    return ticket->door == DOOR_DEVICE || ticket->matter->urgency != URGENCY_NORMAL;
}

/* ---- the first look ----------------------------------------------------------------------------
 */

/* With one text member, which may be absent. */
static void end_at_desk(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                        const char *key, const char *text, enum sim_end end)
{
    struct sim_body body;

    sim_body_begin(&body);
    if (key != NULL)
        jw_string(&body.w, key, text);
    if (sim_desk_act(sim, ticket, action, &body))
        sim_settle(sim, ticket, end);
}

static void answer(struct simulation *sim, struct sim_ticket *ticket)
{
    const char *reply = ticket->matter->answer;

    end_at_desk(sim, ticket, "answer", "reply",
                reply != NULL ? reply : ticket->matter->public_reply, END_ANSWERED);
}

static void reject(struct simulation *sim, struct sim_ticket *ticket)
{
    end_at_desk(sim, ticket, "reject", "ground", "诉求不属于热线受理范围，已告知其他途径",
                END_REJECTED);
}

static void refer(struct simulation *sim, struct sim_ticket *ticket)
{
    end_at_desk(sim, ticket, "refer", "to", ticket->door == DOOR_DEVICE ? "120" : "110",
                END_REFERRED);
}

static void withdraw(struct simulation *sim, struct sim_ticket *ticket)
{
    if (ticket->door == DOOR_WECHAT)
        sim_wechat_withdraw(sim, ticket);
    else
        end_at_desk(sim, ticket, "withdraw", NULL, NULL, END_WITHDRAWN);
}

static void false_alarm(struct simulation *sim, struct sim_ticket *ticket)
{
    end_at_desk(sim, ticket, "false-alarm", "text", "电话核实，老人误触，平安", END_FALSE_ALARM);
}

static void dispatch(struct simulation *sim, struct sim_ticket *ticket)
{
    struct sim_unit *unit = sim_unit_any(sim, NULL);
    struct sim_body body;

    sim_body_begin(&body);
    jw_string(&body.w, "lead_unit", unit->code);
    if (!sim_desk_act(sim, ticket, "dispatch", &body))
        return;
    ticket->lead_unit = unit->code;
    sim_unit_notify(sim, unit->code, is_urgent(ticket));
}

/* What the desk does by itself, and when: seconds after it came. */
static const struct {
    void (*act)(struct simulation *sim, struct sim_ticket *ticket); /* NULL: it is for a unit */
    int64_t least_s, most_s;
} firsts[PLAN_COUNT] = {
    [PLAN_ANSWER] = {answer, 20, 60},          [PLAN_REJECT] = {reject, 180, 600},
    [PLAN_WITHDRAW] = {withdraw, 1200, 2400},  [PLAN_REFER] = {refer, 30, 120},
    [PLAN_FALSE_ALARM] = {false_alarm, 9, 70},
};

static void first_step(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    const struct sim_unit *unit;

    if (ticket->is_settled)
        return;
    if (firsts[ticket->plan].act != NULL) {
        firsts[ticket->plan].act(sim, ticket);
        return;
    }
    if (ticket->lead_unit == NULL)
        dispatch(sim, ticket);
    /* Without the unit's token nobody can go on. */
    unit = sim_unit_find(sim, ticket->lead_unit);
    if (unit == NULL || !unit->has_token || ticket->plan == PLAN_LEFT_UNSIGNED)
        sim_settle(sim, ticket, END_OPEN);
}

static void take_in(struct simulation *sim, struct sim_ticket *ticket)
{
    int64_t least_s = firsts[ticket->plan].act == NULL ? 60 : firsts[ticket->plan].least_s;
    int64_t most_s = firsts[ticket->plan].act == NULL ? 600 : firsts[ticket->plan].most_s;

    sim->received++;
    if (ticket->lead_unit != NULL)
        sim_unit_notify(sim, ticket->lead_unit, is_urgent(ticket));
    sim_after(sim, least_s, most_s, first_step, ticket);
}

/* false: it joined another one, which goes on as it was going to. */
static bool number_is_new(struct simulation *sim, struct sim_ticket *ticket, const char *number)
{
    if (map_gets(sim->by_number, number) != NULL) {
        ticket->is_ours = false;
        sim_settle(sim, ticket, END_OPEN);
        return false;
    }
    ticket->number = arena_strdup(sim->arena, number);
    map_puts(sim->by_number, ticket->number, ticket);
    return true;
}

static void take_route(struct simulation *sim, struct sim_ticket *ticket,
                       const struct json_value *v)
{
    const struct json_value *route = json_get(v, "route"), *co = json_get(route, "co_units");
    const char *lead = json_string(json_get(route, "lead_unit"), NULL);
    const char *code = json_string(json_get(v, "query_code"), NULL);

    if (code != NULL)
        ticket->query_code = arena_strdup(sim->arena, code);
    if (lead != NULL)
        ticket->lead_unit = arena_strdup(sim->arena, lead);
    for (size_t i = 0; i < json_array_length(co); i++)
        sim_unit_notify(sim, json_string(json_at(co, i), NULL), is_urgent(ticket));
}

void sim_received_routed(struct simulation *sim, struct sim_ticket *ticket,
                         const struct json_value *receipt)
{
    const char *number = json_string(json_get(receipt, "number"), NULL);

    if (number == NULL) {
        sim_complain(sim, "POST /v1/tickets", "number");
        sim_settle(sim, ticket, END_OPEN);
    } else if (number_is_new(sim, ticket, number)) {
        take_route(sim, ticket, receipt);
        take_in(sim, ticket);
    }
}

void sim_received(struct simulation *sim, struct sim_ticket *ticket, const char *number)
{
    struct api_answer seen;

    if (!number_is_new(sim, ticket, number))
        return;
    if (sim_get(sim, "desk", sim_path(sim, "/v1/tickets/", number, ""), &seen) != SIM_DONE) {
        sim_settle(sim, ticket, END_OPEN);
        return;
    }
    take_route(sim, ticket, api_root(&seen));
    api_answer_free(&seen);
    take_in(sim, ticket);
}

/* ---- what units ask for ------------------------------------------------------------------------
 */

static const char *const requests[PLAN_COUNT] = {
    [PLAN_RETURN] = "return", [PLAN_RETURN_REFUSED] = "return", [PLAN_EXTEND] = "extension"};

static void decide(struct simulation *sim, void *subject)
{
    struct sim_work *work = subject;
    struct sim_ticket *ticket = work->ticket;
    bool is_return = ticket->plan == PLAN_RETURN, is_granted = ticket->plan != PLAN_RETURN_REFUSED;
    const struct sim_unit *other = is_return ? sim_unit_any(sim, work->unit->code) : NULL;
    struct sim_body body;

    sim_body_begin(&body);
    jw_string(&body.w, "request", requests[ticket->plan]);
    jw_bool(&body.w, "grant", is_granted);
    if (other != NULL)
        jw_string(&body.w, "lead_unit", other->code);
    jw_string(&body.w, "text", is_granted ? "情况属实，同意" : "属你单位职责，请按期办理");
    if (!sim_desk_act(sim, ticket, "decide", &body))
        return;
    if (other == NULL) {
        sim_unit_go_on(sim, work);
        return;
    }
    ticket->lead_unit = other->code;
    ticket->lead = NULL;
    sim_unit_notify(sim, other->code, is_urgent(ticket));
}

void sim_decide(struct simulation *sim, struct sim_work *work)
{
    sim_after(sim, 300, 1800, decide, work);
}

/* ---- review and call-back ----------------------------------------------------------------------
 */

static bool review(struct simulation *sim, struct sim_ticket *ticket, bool pass)
{
    struct sim_body body;

    sim_body_begin(&body);
    jw_bool(&body.w, "pass", pass);
    jw_string(&body.w, "text",
              pass ? "情况属实，答复规范，同意办结" : "未附现场情况，请补充后再报");
    return sim_desk_act(sim, ticket, "review", &body);
}

static bool nobody_answers(struct simulation *sim, struct sim_ticket *ticket)
{
    struct sim_body body;

    sim_body_begin(&body);
    jw_bool(&body.w, "reached", false);
    jw_string(&body.w, "text", "第一次拨打无人接听");
    return sim_desk_act(sim, ticket, "callback", &body);
}

void sim_called_back(struct simulation *sim, struct sim_ticket *ticket, bool is_content)
{
    const struct sim_unit *unit = sim_unit_find(sim, ticket->lead_unit);

    if (is_content) {
        ticket->end_tier = unit == NULL ? TIER_CITY : unit->tier;
        sim_settle(sim, ticket, END_CLOSED);
        return;
    }
    ticket->round++;
    ticket->lead = NULL;
    sim_unit_notify(sim, ticket->lead_unit, is_urgent(ticket));
}

static void call_back(struct simulation *sim, void *subject)
{
    static const int grades[] = {5, 5, 4, 5, 4, 3};
    struct sim_ticket *ticket = subject;
    bool is_content = ticket->plan != PLAN_REDO || ticket->round > 1;
    int grade = is_content ? grades[sim_random(sim, ARRAY_LEN(grades))] : 2;
    struct sim_body body;

    if (ticket->door == DOOR_WECHAT) {
        sim_wechat_rate(sim, ticket, grade, is_content);
        return;
    }
    sim_body_begin(&body);
    jw_bool(&body.w, "reached", true);
    jw_bool(&body.w, "contacted", true);
    jw_bool(&body.w, "solved", is_content);
    jw_int(&body.w, "satisfied", grade);
    jw_string(&body.w, "text",
              is_content ? "市民表示问题已经解决" : "市民表示问题仍然存在，要求继续处理");
    if (sim_desk_act(sim, ticket, "callback", &body))
        sim_called_back(sim, ticket, is_content);
}

static void first_call(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;

    if (ticket->door == DOOR_WECHAT || sim_random(sim, NEVER_ANSWERED) != 0)
        call_back(sim, ticket);
    else if (nobody_answers(sim, ticket))
        sim_in_office(sim, is_urgent(ticket), 1800, 3600, call_back, ticket);
}

static void look_at_report(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    bool fails = ticket->plan == PLAN_REVIEW_FAIL && !ticket->review_failed_once;

    if (!review(sim, ticket, !fails))
        return;
    if (fails) {
        ticket->review_failed_once = true;
        sim_unit_go_on(sim, ticket->lead);
    } else if (ticket->plan == PLAN_LEFT_CALLBACK) {
        sim_settle(sim, ticket, END_OPEN);
    } else {
        sim_in_office(sim, is_urgent(ticket), 600, 3600, first_call, ticket);
    }
}

void sim_reported(struct simulation *sim, struct sim_ticket *ticket)
{
    if (ticket->plan == PLAN_LEFT_REVIEW)
        sim_settle(sim, ticket, END_OPEN);
    else
        sim_in_office(sim, is_urgent(ticket), 300, 2400, look_at_report, ticket);
}
