/*
 * ticket_machine.c - the rows, their names, and what is derived from them.
 */
#include "hotline/ticket_machine.h"

#include "base/attr.h"

#define S(state) (1u << TICKET_##state)
#define A(state) (1u << ASSIGNMENT_##state)
#define R(role) (1u << ROLE_##role)
#define NEW_TICKET (1u << STATE_NONE)
#define OPEN (S(INCOMPLETE) | S(ACCEPTED) | S(HANDLING) | S(REVIEW) | S(CALLBACK))
#define DESK (R(DESK) | R(SUPERVISOR))
#define INTAKE (R(DESK) | R(SUPERVISOR) | R(GATEWAY) | R(WEB) | R(ADMIN))
#define LIVE (A(UNSIGNED) | A(WORKING) | A(REPORTED))

#define ROW_TICKET(from_, action_, roles_, guard_, to_, effect_, event_, sla_, comment_)           \
    {                                                                                              \
        .from = (from_), .action = ACTION_##action_, .roles = (roles_), .guard = GUARD_##guard_,   \
        .to = (to_), .effect = EFFECT_##effect_, .assignment_to = STATE_KEEP,                      \
        .event = EVENT_##event_, .sla = SLA_##sla_, .comment = (comment_)                          \
    }
#define ROW_UNIT(action_, from_, guard_, ticket_to_, to_, event_, sla_, comment_)                  \
    {                                                                                              \
        .from = S(HANDLING), .action = ACTION_##action_, .roles = R(UNIT),                         \
        .assignment_from = (from_), .guard = GUARD_##guard_, .to = (ticket_to_),                   \
        .effect = EFFECT_SELF, .assignment_to = (to_), .event = EVENT_##event_, .sla = SLA_##sla_, \
        .comment = (comment_)                                                                      \
    }

const struct machine_row machine_rows[] = {
    ROW_TICKET(NEW_TICKET, RECEIVE, INTAKE, ROUTED, TICKET_HANDLING, CREATE, DISPATCHED, DISPATCHED,
               "a rule names the unit: dispatched at once"),
    ROW_TICKET(NEW_TICKET, RECEIVE, INTAKE, NONE, TICKET_ACCEPTED, NONE, POOLED, NEVER,
               "no rule, no place or nobody over it: the dispatch pool of the desk"),

    ROW_TICKET(S(INCOMPLETE), COMPLETE, DESK, NONE, TICKET_ACCEPTED, NONE, COMPLETED, RECEIVED,
               "what was missing is there: the clocks start"),

    ROW_TICKET(S(ACCEPTED), ANSWER, DESK, NONE, TICKET_CLOSED, NONE, ANSWERED, CLOSED,
               "answered on the spot"),
    ROW_TICKET(S(HANDLING), ANSWER, DESK, NOBODY_SIGNED, TICKET_CLOSED, RECALL, ANSWERED, CLOSED,
               "answered on the spot although a rule had dispatched it already"),

    ROW_TICKET(S(ACCEPTED), DISPATCH, DESK, NOT_PROBLEM, TICKET_HANDLING, CREATE, DISPATCHED,
               DISPATCHED, "a dispatcher chooses the unit"),
    ROW_TICKET(S(ACCEPTED), DISPATCH, R(SUPERVISOR), PROBLEM, TICKET_HANDLING, CREATE, DISPATCHED,
               DISPATCHED, "a problem ticket is assigned by a supervisor only"),
    ROW_TICKET(S(HANDLING), DISPATCH, DESK, UNSIGNED_ORDINARY, TICKET_HANDLING, REPLACE, DISPATCHED,
               DISPATCHED, "sent to another unit before anybody has begun"),
    ROW_TICKET(S(HANDLING), DISPATCH, R(SUPERVISOR), NOBODY_SIGNED, TICKET_HANDLING, REPLACE,
               DISPATCHED, DISPATCHED, "a problem ticket is sent elsewhere by a supervisor only"),

    ROW_TICKET(S(INCOMPLETE) | S(ACCEPTED), REJECT, DESK, NONE, TICKET_REJECTED, NONE, REJECTED,
               CLOSED, "not accepted, with a ground that the citizen is told"),
    ROW_TICKET(S(HANDLING), REJECT, DESK, NOBODY_SIGNED, TICKET_REJECTED, RECALL, REJECTED, CLOSED,
               "not accepted although a rule had dispatched it already"),
    ROW_TICKET(OPEN, REFER, DESK, NONE, TICKET_REFERRED, RECALL, REFERRED, CLOSED,
               "handed to 110, 119, 120 or another line, at any moment"),
    ROW_TICKET(OPEN, WITHDRAW, DESK, NONE, TICKET_WITHDRAWN, RECALL, WITHDRAWN, CLOSED,
               "the citizen takes it back"),

    ROW_TICKET(S(REVIEW), REVIEW, DESK, PASS, TICKET_CALLBACK, PASS, REVIEW_PASSED, REVIEWED,
               "the result stands"),
    ROW_TICKET(S(REVIEW), REVIEW, DESK, FAIL, TICKET_HANDLING, LEAD_BACK, REVIEW_FAILED, REVIEWED,
               "the result is not good enough: same round, same unit"),

    ROW_TICKET(S(CALLBACK), CALLBACK, DESK, UNREACHED, STATE_KEEP, NONE, CALLED_BACK, NEVER,
               "nobody answered: tried again later"),
    ROW_TICKET(S(CALLBACK), CALLBACK, DESK, UNREACHED_LAST, TICKET_CLOSED, NONE, CALLED_BACK,
               CALLED_BACK, "nobody answered for the last time: closed without a rating"),
    ROW_TICKET(S(CALLBACK), CALLBACK, DESK, CONTENT, TICKET_CLOSED, NONE, CALLED_BACK, CALLED_BACK,
               "solved and not dissatisfied"),
    ROW_TICKET(S(CALLBACK), CALLBACK, DESK, REDO_LEFT, TICKET_HANDLING, REDO, CALLED_BACK,
               CALLED_BACK, "not solved or dissatisfied: a new round for the same unit"),
    ROW_TICKET(S(CALLBACK), CALLBACK, DESK, REDO_SPENT, TICKET_ACCEPTED, NONE, CALLED_BACK,
               CALLED_BACK, "rounds used up: a problem ticket, a supervisor assigns it"),

    ROW_TICKET(OPEN | S(CLOSED), NOTE, DESK | R(UNIT), NONE, STATE_KEEP, NONE, NOTED, NEVER,
               "a remark for those who work on it"),
    ROW_TICKET(OPEN, URGE, DESK, NONE, STATE_KEEP, NONE, URGED, NEVER, "before expiry"),
    ROW_TICKET(OPEN, SUPERVISE, R(SUPERVISOR), NONE, STATE_KEEP, NONE, SUPERVISED, NEVER,
               "after expiry, or a matter of weight"),
    ROW_TICKET(S(CLOSED), ARCHIVE, R(SUPERVISOR) | R(SYSTEM), NONE, TICKET_ARCHIVED, NONE, ARCHIVED,
               NEVER, "kept for the record, nothing more happens"),

    ROW_UNIT(SIGN, A(UNSIGNED), NONE, STATE_KEEP, ASSIGNMENT_WORKING, SIGNED, SIGNED,
             "the unit takes it"),
    ROW_UNIT(CONTACT, A(WORKING), NONE, STATE_KEEP, ASSIGNMENT_WORKING, CONTACTED, CONTACTED,
             "the unit has spoken with the citizen"),
    ROW_UNIT(REPORT, A(WORKING), IS_LEAD_READY, TICKET_REVIEW, ASSIGNMENT_REPORTED, REPORTED,
             REPORTED, "the lead gives the result of all"),
    ROW_UNIT(REPORT, A(WORKING), IS_CO, STATE_KEEP, ASSIGNMENT_REPORTED, REPORTED, REPORTED,
             "a co-unit answers the lead"),
};
const size_t machine_row_count = ARRAY_LEN(machine_rows);

const struct word action_words[ACTION_COUNT] = {
    [ACTION_RECEIVE] = {"receive", "受理", "receive"},
    [ACTION_ANSWER] = {"answer", "直接答复", "answer on the spot"},
    [ACTION_COMPLETE] = {"complete", "补充", "complete"},
    [ACTION_DISPATCH] = {"dispatch", "派单", "dispatch"},
    [ACTION_REJECT] = {"reject", "不予受理", "reject"},
    [ACTION_REFER] = {"refer", "转出", "refer"},
    [ACTION_WITHDRAW] = {"withdraw", "撤销", "withdraw"},
    [ACTION_REVIEW] = {"review", "审核", "review"},
    [ACTION_CALLBACK] = {"callback", "回访", "call back"},
    [ACTION_NOTE] = {"note", "备注", "note"},
    [ACTION_URGE] = {"urge", "催办", "urge"},
    [ACTION_SUPERVISE] = {"supervise", "督办", "supervise"},
    [ACTION_ARCHIVE] = {"archive", "归档", "archive"},
    [ACTION_SIGN] = {"sign", "签收", "sign"},
    [ACTION_CONTACT] = {"contact", "首次联系", "contact"},
    [ACTION_REPORT] = {"report", "反馈", "report"},
};

const struct word event_words[EVENT_TYPE_COUNT] = {
    [EVENT_RECEIVED] = {"ticket.received", "受理", "received"},
    [EVENT_DISPATCHED] = {"ticket.dispatched", "派单", "dispatched"},
    [EVENT_POOLED] = {"ticket.pooled", "待派单", "waits in the dispatch pool"},
    [EVENT_ANSWERED] = {"ticket.answered", "直接答复", "answered on the spot"},
    [EVENT_COMPLETED] = {"ticket.completed", "已补充", "completed"},
    [EVENT_REJECTED] = {"ticket.rejected", "不予受理", "rejected"},
    [EVENT_REFERRED] = {"ticket.referred", "转出", "referred"},
    [EVENT_WITHDRAWN] = {"ticket.withdrawn", "撤销", "withdrawn"},
    [EVENT_SIGNED] = {"assignment.signed", "签收", "signed"},
    [EVENT_CONTACTED] = {"assignment.contacted", "首次联系", "contacted"},
    [EVENT_REPORTED] = {"assignment.reported", "反馈", "reported"},
    [EVENT_REVIEW_PASSED] = {"ticket.review_passed", "审核通过", "review passed"},
    [EVENT_REVIEW_FAILED] = {"ticket.review_failed", "审核退回", "review failed"},
    [EVENT_CALLED_BACK] = {"ticket.called_back", "回访", "called back"},
    [EVENT_REDO] = {"ticket.redo", "重办", "redo"},
    [EVENT_PROBLEM] = {"ticket.problem", "问题工单", "problem ticket"},
    [EVENT_CLOSED] = {"ticket.closed", "办结", "closed"},
    [EVENT_ARCHIVED] = {"ticket.archived", "归档", "archived"},
    [EVENT_NOTED] = {"ticket.noted", "备注", "note"},
    [EVENT_URGED] = {"ticket.urged", "催办", "urged"},
    [EVENT_SUPERVISED] = {"ticket.supervised", "督办", "supervised"},
    [EVENT_CLOCK_WARNED] = {"clock.warned", "时限预警", "deadline warning"},
    [EVENT_CLOCK_BREACHED] = {"clock.breached", "超期", "deadline missed"},
};

const struct word guard_words[GUARD_COUNT] = {
    [GUARD_NONE] = {"state", "当前状态不允许", "not in this state"},
    [GUARD_ROUTED] = {"not_routed", "没有找到承办单位", "no unit was found"},
    [GUARD_NOBODY_SIGNED] = {"already_signed", "已有单位签收", "a unit has signed it already"},
    [GUARD_IS_LEAD_READY] = {"co_units_pending", "协办单位尚未反馈，主办单位不能反馈",
                             "the lead reports when every co-unit has answered"},
    [GUARD_IS_CO] = {"co_units_pending", "协办单位尚未反馈，主办单位不能反馈",
                     "the lead reports when every co-unit has answered"},
    [GUARD_PASS] = {"not_passed", "审核未通过", "review did not pass"},
    [GUARD_FAIL] = {"not_failed", "审核已通过", "review did not fail"},
    [GUARD_UNREACHED] = {"reached", "已接通", "the citizen was reached"},
    [GUARD_UNREACHED_LAST] = {"reached", "已接通", "the citizen was reached"},
    [GUARD_CONTENT] = {"not_content", "未解决或不满意", "not solved or dissatisfied"},
    [GUARD_REDO_LEFT] = {"no_redo", "无需重办", "no redo is due"},
    [GUARD_REDO_SPENT] = {"redo_left", "仍可重办", "a further round is allowed"},
    [GUARD_NOT_PROBLEM] = {"problem_ticket", "问题工单只能由督办员指派",
                           "a problem ticket is assigned by a supervisor"},
    [GUARD_PROBLEM] = {"not_problem", "不是问题工单", "not a problem ticket"},
    [GUARD_UNSIGNED_ORDINARY] = {"problem_ticket", "问题工单只能由督办员指派",
                                 "a problem ticket is assigned by a supervisor"},
};

bool action_is_assignments(enum ticket_action action)
{
    return action == ACTION_SIGN || action == ACTION_CONTACT || action == ACTION_REPORT;
}

bool ticket_state_is_open(enum ticket_state state)
{
    return (OPEN & (1u << state)) != 0;
}

bool assignment_state_is_live(enum assignment_state state)
{
    const unsigned ended = A(PASSED) | A(RETURNED) | A(RECALLED);
    return (ended & (1u << state)) == 0;
}

/* ---- what follows from the rows ------------------------------------------------------------- */

void machine_each_ticket_edge(void (*edge)(void *ctx, enum ticket_state from, enum ticket_state to),
                              void *ctx)
{
    bool seen[TICKET_STATE_COUNT][TICKET_STATE_COUNT] = {{false}};
    for (size_t i = 0; i < machine_row_count; i++) {
        const struct machine_row *row = &machine_rows[i];
        for (int from = 0; from < TICKET_STATE_COUNT; from++) {
            if (!(row->from & (1u << from)) || row->to == STATE_KEEP || row->to == from)
                continue;
            if (!seen[from][row->to])
                edge(ctx, (enum ticket_state)from, (enum ticket_state)row->to);
            seen[from][row->to] = true;
        }
    }
}

struct effect_edge {
    enum assignment_effect effect;
    unsigned from;
    enum assignment_state to;
};
static const struct effect_edge effect_edges[] = {
    {EFFECT_REPLACE, LIVE, ASSIGNMENT_RECALLED},
    {EFFECT_RECALL, LIVE, ASSIGNMENT_RECALLED},
    {EFFECT_PASS, A(REPORTED), ASSIGNMENT_PASSED},
    {EFFECT_LEAD_BACK, A(REPORTED), ASSIGNMENT_WORKING},
};

typedef void assignment_edge(void *ctx, enum assignment_state from, enum assignment_state to);

static void each_bit(unsigned from, enum assignment_state to,
                     bool seen[ASSIGNMENT_STATE_COUNT][ASSIGNMENT_STATE_COUNT],
                     assignment_edge *edge, void *ctx)
{
    for (unsigned s = 0; s < ASSIGNMENT_STATE_COUNT; s++) {
        if (!(from & (1u << s)) || s == (unsigned)to || seen[s][to])
            continue;
        seen[s][to] = true;
        edge(ctx, (enum assignment_state)s, to);
    }
}

void machine_each_assignment_edge(assignment_edge *edge, void *ctx)
{
    bool seen[ASSIGNMENT_STATE_COUNT][ASSIGNMENT_STATE_COUNT] = {{false}};
    for (size_t i = 0; i < machine_row_count; i++) {
        const struct machine_row *row = &machine_rows[i];
        if (row->effect == EFFECT_SELF)
            each_bit(row->assignment_from, (enum assignment_state)row->assignment_to, seen, edge,
                     ctx);
        for (size_t e = 0; e < ARRAY_LEN(effect_edges); e++) {
            if (effect_edges[e].effect == row->effect)
                each_bit(effect_edges[e].from, effect_edges[e].to, seen, edge, ctx);
        }
    }
}

/* A later row that the earlier one always takes first can never be reached. */
static bool row_hides(const struct machine_row *first, const struct machine_row *second)
{
    bool guard_covers = first->guard == GUARD_NONE || first->guard == second->guard;
    return first->action == second->action && guard_covers && (second->from & ~first->from) == 0 &&
           (second->roles & ~first->roles) == 0 &&
           (second->assignment_from & ~first->assignment_from) == 0;
}

static const char *check_row(const struct machine_row *row)
{
    if (row->from == 0 || row->roles == 0)
        return "a row without states or roles";
    if (action_is_assignments(row->action) != (row->assignment_from != 0))
        return "assignment states belong to the units' actions and only to them";
    if ((row->effect == EFFECT_SELF) != (row->assignment_to != STATE_KEEP))
        return "EFFECT_SELF says where the assignment goes, others do not";
    if (!row->comment || !row->comment[0])
        return "a row without a comment";
    return NULL;
}

const char *machine_check(void)
{
    bool has_action[ACTION_COUNT] = {false};
    for (size_t i = 0; i < machine_row_count; i++) {
        const char *fault = check_row(&machine_rows[i]);
        if (fault)
            return fault;
        has_action[machine_rows[i].action] = true;
        for (size_t j = 0; j < i; j++) {
            if (row_hides(&machine_rows[j], &machine_rows[i]))
                return "a row can never be reached";
        }
    }
    for (size_t a = 0; a < ACTION_COUNT; a++) {
        if (!has_action[a])
            return "an action without a row";
    }
    return NULL;
}
