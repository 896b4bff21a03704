/*
 * simulate_desk.c - the desk's part of the demo day: answers, sends, reviews, calls back.
 */
#include <string.h>

#include "client/simulate.h"

static void begin(struct json_writer *w, struct sbuf *body)
{
    sbuf_init(body, 0);
    jw_init(w, body);
    jw_object(w, NULL);
}

static enum exit_code act(struct simulation *sim, struct sim_ticket *ticket, const char *action,
                          struct json_writer *w, struct sbuf *body, bool *done_r)
{
    enum exit_code code;

    jw_object_end(w);
    code = sim_desk_act(sim, ticket, action, body, done_r);
    sbuf_free(body);
    return code;
}

static enum exit_code act_text(struct simulation *sim, struct sim_ticket *ticket,
                               const char *action, const char *field, const char *text,
                               bool *done_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    if (field != NULL)
        jw_string(&w, field, text);
    return act(sim, ticket, action, &w, &body, done_r);
}

static enum exit_code end_at_desk(struct simulation *sim, struct sim_ticket *ticket,
                                  const char *action, const char *field, const char *text)
{
    bool done;
    enum exit_code code = act_text(sim, ticket, action, field, text, &done);

    if (code == EXIT_DONE && done)
        sim_settle(sim, ticket, true);
    return code;
}

static enum exit_code dispatch(struct simulation *sim, struct sim_ticket *ticket)
{
    const struct sim_unit *unit = sim_unit_any(sim);
    bool done;
    enum exit_code code = act_text(sim, ticket, "dispatch", "lead_unit", unit->code, &done);

    if (code == EXIT_DONE && done) {
        ticket->lead_unit = unit->code;
        sim_unit_notify(sim, unit->code);
    }
    return code;
}

static enum exit_code first_step(struct simulation *sim, struct sim_ticket *ticket)
{
    const char *answer = ticket->matter->answer;

    switch (ticket->plan) {
    case PLAN_ANSWER:
        return end_at_desk(sim, ticket, "answer", "reply",
                           answer != NULL ? answer : ticket->matter->public_reply);
    case PLAN_REJECT:
        return end_at_desk(sim, ticket, "reject", "ground",
                           "诉求不属于热线受理范围，已告知其他途径");
    case PLAN_REFER:
        return end_at_desk(sim, ticket, "refer", "to", "110");
    case PLAN_WITHDRAW:
        return end_at_desk(sim, ticket, "withdraw", NULL, NULL);
    case PLAN_CLOSE:
    case PLAN_REVIEW_FAIL:
    case PLAN_REDO:
    case PLAN_LEFT_UNSIGNED:
    case PLAN_LEFT_WORKING:
    case PLAN_LEFT_REVIEW:
    case PLAN_LEFT_CALLBACK:
    case PLAN_COUNT:
        break;
    }
    return ticket->lead_unit == NULL ? dispatch(sim, ticket) : EXIT_DONE;
}

enum exit_code sim_desk_first(struct simulation *sim)
{
    for (size_t i = 0; i < sim->created; i++) {
        struct sim_ticket *ticket = &sim->tickets[i];
        enum exit_code code;

        if (ticket->number == NULL) {
            sim_settle(sim, ticket, false);
            continue;
        }
        code = first_step(sim, ticket);
        if (code != EXIT_DONE)
            return code;
        /* Without the unit's token nobody can go on. */
        if (ticket->stage == STAGE_NEW &&
            (ticket->lead_unit == NULL || sim_unit_find(sim, ticket->lead_unit) == NULL ||
             !sim_unit_find(sim, ticket->lead_unit)->has_token))
            sim_settle(sim, ticket, ticket->plan == PLAN_LEFT_UNSIGNED);
    }
    return EXIT_DONE;
}

/* ---- review and call-back ----------------------------------------------------------------------
 */

static enum exit_code review(struct simulation *sim, struct sim_ticket *ticket, bool pass,
                             bool *done_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    jw_bool(&w, "pass", pass);
    jw_string(&w, "text", pass ? "情况属实，答复规范，同意办结" : "未附现场情况，请补充后再报");
    return act(sim, ticket, "review", &w, &body, done_r);
}

static enum exit_code nobody_answers(struct simulation *sim, struct sim_ticket *ticket,
                                     bool *done_r)
{
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    jw_bool(&w, "reached", false);
    jw_string(&w, "text", "第一次拨打无人接听");
    return act(sim, ticket, "callback", &w, &body, done_r);
}

static enum exit_code call_back(struct simulation *sim, struct sim_ticket *ticket, bool content,
                                bool *done_r)
{
    static const int grades[] = {5, 5, 4, 5, 4, 3};
    struct json_writer w;
    struct sbuf body;

    begin(&w, &body);
    jw_bool(&w, "reached", true);
    jw_bool(&w, "contacted", true);
    jw_bool(&w, "solved", content);
    jw_int(&w, "satisfied", content ? grades[sim_random(sim, ARRAY_LEN(grades))] : 2);
    jw_string(&w, "text", content ? "市民表示问题已经解决" : "市民表示问题仍然存在，要求继续处理");
    return act(sim, ticket, "callback", &w, &body, done_r);
}

static enum exit_code fail_review(struct simulation *sim, struct sim_ticket *ticket)
{
    bool done;
    enum exit_code code = review(sim, ticket, false, &done);

    if (code == EXIT_DONE && done) {
        ticket->review_failed_once = true;
        ticket->stage = STAGE_REWORK;
        sim_unit_notify(sim, ticket->lead_unit);
    }
    return code;
}

static enum exit_code ask_citizen(struct simulation *sim, struct sim_ticket *ticket)
{
    bool content = ticket->plan != PLAN_REDO || ticket->round > 1, done = true;
    enum exit_code code = EXIT_DONE;

    if (sim_random(sim, 9) == 0)
        code = nobody_answers(sim, ticket, &done);
    if (code == EXIT_DONE && done)
        code = call_back(sim, ticket, content, &done);
    if (code != EXIT_DONE || !done)
        return code;
    if (content) {
        sim_settle(sim, ticket, true);
        return EXIT_DONE;
    }
    ticket->round++;
    ticket->stage = STAGE_NEW;
    sim_unit_notify(sim, ticket->lead_unit);
    return EXIT_DONE;
}

static enum exit_code look_at_report(struct simulation *sim, struct sim_ticket *ticket)
{
    enum exit_code code;
    bool done;

    if (ticket->plan == PLAN_LEFT_REVIEW) {
        sim_settle(sim, ticket, true);
        return EXIT_DONE;
    }
    if (ticket->plan == PLAN_REVIEW_FAIL && !ticket->review_failed_once)
        return fail_review(sim, ticket);
    code = review(sim, ticket, true, &done);
    if (code != EXIT_DONE || !done)
        return code;
    if (ticket->plan == PLAN_LEFT_CALLBACK) {
        sim_settle(sim, ticket, true);
        return EXIT_DONE;
    }
    return ask_citizen(sim, ticket);
}

enum exit_code sim_desk_review(struct simulation *sim)
{
    for (size_t i = 0; i < sim->created; i++) {
        struct sim_ticket *ticket = &sim->tickets[i];

        if (ticket->stage == STAGE_REPORTED) {
            enum exit_code code = look_at_report(sim, ticket);

            if (code != EXIT_DONE)
                return code;
        }
    }
    return EXIT_DONE;
}
