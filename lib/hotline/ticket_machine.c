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
#define LIVE                                                                                       \
    (A(UNSIGNED) | A(WORKING) | A(REPORTED) | A(RETURN_REQUESTED) | A(EXTENSION_REQUESTED) |       \
     A(SUSPENDED))
#define AT_WORK (A(WORKING) | A(EXTENSION_REQUESTED))
#define ENDED_EARLY (S(REJECTED) | S(REFERRED) | S(WITHDRAWN) | S(FALSE_ALARM))

#define ROW_TICKET(from_, action_, roles_, guard_, to_, effect_, event_, sla_, comment_)           \
    {                                                                                              \
        .from = (from_), .action = ACTION_##action_, .roles = (roles_), .guard = GUARD_##guard_,   \
        .to = (to_), .effect = EFFECT_##effect_, .assignment_to = STATE_KEEP,                      \
        .event = EVENT_##event_, .sla = SLA_##sla_, .comment = (comment_)                          \
    }
/* On one assignment: by its unit, or by the desk that decides about it. */
#define ROW_ON(action_, roles_, from_, guard_, ticket_to_, effect_, to_, event_, sla_, comment_)   \
    {                                                                                              \
        .from = S(HANDLING), .action = ACTION_##action_, .roles = (roles_),                        \
        .assignment_from = (from_), .guard = GUARD_##guard_, .to = (ticket_to_),                   \
        .effect = EFFECT_##effect_, .assignment_to = (to_), .event = EVENT_##event_,               \
        .sla = SLA_##sla_, .comment = (comment_)                                                   \
    }
#define ROW_UNIT(action_, from_, guard_, ticket_to_, to_, event_, sla_, comment_)                  \
    ROW_ON(action_, R(UNIT), from_, guard_, ticket_to_, SELF, to_, event_, sla_, comment_)
#define ROW_DECIDE(from_, guard_, ticket_to_, effect_, to_, event_, comment_)                      \
    ROW_ON(DECIDE, DESK, from_, guard_, ticket_to_, effect_, to_, event_, NEVER, comment_)

const struct machine_row machine_rows[] = {
    ROW_TICKET(NEW_TICKET, RECEIVE, INTAKE, DRAFT, TICKET_INCOMPLETE, NONE, INCOMPLETE, NEVER,
               "something is missing: no clock runs until the desk has it complete"),
    ROW_TICKET(NEW_TICKET, RECEIVE, INTAKE, ROUTED, TICKET_HANDLING, CREATE, DISPATCHED, DISPATCHED,
               "a rule names the unit: dispatched at once"),
    ROW_TICKET(NEW_TICKET, RECEIVE, INTAKE, NONE, TICKET_ACCEPTED, NONE, POOLED, NEVER,
               "no rule, no place or nobody over it: the dispatch pool of the desk"),

    ROW_TICKET(S(INCOMPLETE), COMPLETE, DESK, ROUTED, TICKET_HANDLING, CREATE, COMPLETED, RECEIVED,
               "what was missing is there: the clocks start, a rule names the unit"),
    ROW_TICKET(S(INCOMPLETE), COMPLETE, DESK, NONE, TICKET_ACCEPTED, NONE, COMPLETED, RECEIVED,
               "what was missing is there: the clocks start, the dispatch pool has it"),

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

    ROW_TICKET(S(HANDLING), ADD_UNIT, DESK, ELSEWHERE, STATE_KEEP, ADD_CO, UNIT_ADDED, NEVER,
               "one more co-unit, with a clock of its own"),
    ROW_TICKET(S(INCOMPLETE) | S(ACCEPTED) | S(HANDLING), MERGE, DESK, MAY_MERGE, TICKET_MERGED,
               RECALL, MERGED, CLOSED, "the same matter: the master's units work for both"),
    ROW_TICKET(S(MERGED), UNMERGE, DESK, NONE, TICKET_ACCEPTED, NONE, UNMERGED, NEVER,
               "a matter of its own after all; its time never stood still"),
    ROW_TICKET(S(MERGED), ANSWER, DESK, NONE, STATE_KEEP, NONE, ANSWERED, NEVER,
               "its own answer instead of the master's"),
    ROW_TICKET(S(MERGED), CALLBACK, DESK, MASTER_ANSWERED, STATE_KEEP, NONE, CALLED_BACK, NEVER,
               "each citizen is asked"),
    ROW_TICKET(S(CLOSED), REOPEN, DESK, WAS_UNITS, TICKET_HANDLING, REDO, REOPENED, NEVER,
               "a new round for the unit that had closed it"),
    ROW_TICKET(S(CLOSED) | ENDED_EARLY, REOPEN, DESK, NONE, TICKET_ACCEPTED, NONE, REOPENED, NEVER,
               "a new round, the dispatch pool has it"),
    ROW_TICKET(S(INCOMPLETE) | S(ACCEPTED), FALSE_ALARM, DESK, NONE, TICKET_FALSE_ALARM, NONE,
               FALSE_ALARM, CLOSED, "pressed by mistake"),
    ROW_TICKET(S(HANDLING), FALSE_ALARM, DESK, NOBODY_SIGNED, TICKET_FALSE_ALARM, RECALL,
               FALSE_ALARM, CLOSED, "pressed by mistake, although a rule had dispatched it"),

    ROW_UNIT(SIGN, A(UNSIGNED), NONE, STATE_KEEP, ASSIGNMENT_WORKING, SIGNED, SIGNED,
             "the unit takes it"),
    ROW_UNIT(CONTACT, AT_WORK | A(RETURN_REQUESTED) | A(SUSPENDED), NONE, STATE_KEEP,
             ASSIGNMENT_SAME, CONTACTED, CONTACTED, "the unit has spoken with the citizen"),
    ROW_UNIT(REPORT, AT_WORK, IS_LEAD_READY, TICKET_REVIEW, ASSIGNMENT_REPORTED, REPORTED, REPORTED,
             "the lead gives the result of all"),
    ROW_UNIT(REPORT, AT_WORK, IS_CO, STATE_KEEP, ASSIGNMENT_REPORTED, REPORTED, REPORTED,
             "a co-unit answers the lead"),
    ROW_ON(FORWARD, R(UNIT), A(WORKING), BELOW, STATE_KEEP, HAND_OVER, ASSIGNMENT_FORWARDED,
           FORWARDED, NEVER, "given to a unit below, with a shorter limit of its own if wanted"),
    ROW_ON(ESCALATE, R(UNIT), A(WORKING), ABOVE, STATE_KEEP, HAND_OVER, ASSIGNMENT_FORWARDED,
           ESCALATED, NEVER, "given to the unit above"),
    ROW_UNIT(RETURN, A(UNSIGNED) | A(WORKING), MAY_RETURN, STATE_KEEP, ASSIGNMENT_RETURN_REQUESTED,
             RETURN_REQUESTED, NEVER, "the unit wants to give it back; the desk decides"),
    ROW_UNIT(EXTEND, A(WORKING), MAY_EXTEND, STATE_KEEP, ASSIGNMENT_EXTENSION_REQUESTED,
             EXTENSION_REQUESTED, NEVER, "the unit asks for more days; the desk decides"),
    ROW_UNIT(SUSPEND, A(WORKING), MAY_SUSPEND, STATE_KEEP, ASSIGNMENT_SAME, SUSPENSION_REQUESTED,
             NEVER, "the unit asks to wait until a date; the desk decides"),
    ROW_ON(RESUME, R(UNIT) | R(SYSTEM), A(SUSPENDED), NONE, STATE_KEEP, SELF, ASSIGNMENT_WORKING,
           RESUMED, NEVER, "at the date that was set, or earlier by the unit"),

    ROW_DECIDE(A(RETURN_REQUESTED), REFUSED_UNSIGNED, STATE_KEEP, SELF, ASSIGNMENT_UNSIGNED,
               RETURN_REFUSED, "it stays with the unit, which has not signed yet"),
    ROW_DECIDE(A(RETURN_REQUESTED), REFUSED, STATE_KEEP, SELF, ASSIGNMENT_WORKING, RETURN_REFUSED,
               "it stays with the unit"),
    ROW_DECIDE(A(RETURN_REQUESTED), GRANTED_CO, STATE_KEEP, SELF, ASSIGNMENT_RETURNED, RETURNED,
               "a co-unit less"),
    ROW_DECIDE(A(RETURN_REQUESTED), GRANTED_LAST, TICKET_ACCEPTED, TO_POOL, ASSIGNMENT_RETURNED,
               RETURNED, "one transfer too many: a problem ticket, a supervisor assigns it"),
    ROW_DECIDE(A(RETURN_REQUESTED), GRANTED_TO, STATE_KEEP, TRANSFER, ASSIGNMENT_RETURNED, RETURNED,
               "another unit leads from now on"),
    ROW_DECIDE(A(RETURN_REQUESTED), GRANTED, TICKET_ACCEPTED, TO_POOL, ASSIGNMENT_RETURNED,
               RETURNED, "back to the dispatch pool"),
    ROW_DECIDE(A(EXTENSION_REQUESTED), REFUSED, STATE_KEEP, SELF, ASSIGNMENT_WORKING,
               EXTENSION_REFUSED, "the deadline stays"),
    ROW_DECIDE(A(EXTENSION_REQUESTED), GRANTED, STATE_KEEP, SELF, ASSIGNMENT_WORKING, EXTENDED,
               "the deadline moves, the old one is kept beside it"),
    ROW_DECIDE(A(WORKING), SUSPENSION_GRANTED, STATE_KEEP, SELF, ASSIGNMENT_SUSPENDED, SUSPENDED,
               "its clocks stand still until the date"),
    ROW_DECIDE(A(WORKING), SUSPENSION_REFUSED, STATE_KEEP, SELF, ASSIGNMENT_SAME,
               SUSPENSION_REFUSED, "work goes on"),
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
    [ACTION_ADD_UNIT] = {"add-unit", "增加协办", "add a co-unit"},
    [ACTION_DECIDE] = {"decide", "审批", "decide"},
    [ACTION_MERGE] = {"merge", "合并", "merge"},
    [ACTION_UNMERGE] = {"unmerge", "取消合并", "un-merge"},
    [ACTION_REOPEN] = {"reopen", "重新开启", "reopen"},
    [ACTION_FALSE_ALARM] = {"false-alarm", "误触", "false alarm"},
    [ACTION_SIGN] = {"sign", "签收", "sign"},
    [ACTION_CONTACT] = {"contact", "首次联系", "contact"},
    [ACTION_REPORT] = {"report", "反馈", "report"},
    [ACTION_FORWARD] = {"forward", "下派", "forward down"},
    [ACTION_ESCALATE] = {"escalate", "上报", "escalate up"},
    [ACTION_RETURN] = {"return", "退单", "ask to return"},
    [ACTION_EXTEND] = {"extend", "延期", "ask for an extension"},
    [ACTION_SUSPEND] = {"suspend", "挂起", "ask to suspend"},
    [ACTION_RESUME] = {"resume", "恢复", "resume"},
};

const struct word request_words[REQUEST_COUNT] = {
    [REQUEST_NONE] = {"none", "无", "none"},
    [REQUEST_RETURN] = {"return", "退单申请", "return"},
    [REQUEST_EXTENSION] = {"extension", "延期申请", "extension"},
    [REQUEST_SUSPENSION] = {"suspension", "挂起申请", "suspension"},
};

const struct word return_ground_words[GROUND_COUNT] = {
    [GROUND_WRONG_DISTRICT] = {"wrong_district", "不属本辖区", "wrong district"},
    [GROUND_NOT_OWN_DUTY] = {"not_own_duty", "不属本单位职责", "not the unit's duty"},
    [GROUND_OVERLAPPING] = {"overlapping_duty", "职责交叉", "overlapping duties"},
    [GROUND_LACKS_INFORMATION] = {"lacks_information", "信息不全", "lacks information"},
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
    [EVENT_INCOMPLETE] = {"ticket.incomplete", "待补充", "something is missing"},
    [EVENT_UNIT_ADDED] = {"ticket.unit_added", "增加协办", "co-unit added"},
    [EVENT_MERGED] = {"ticket.merged", "合并", "merged"},
    [EVENT_UNMERGED] = {"ticket.unmerged", "取消合并", "un-merged"},
    [EVENT_REOPENED] = {"ticket.reopened", "重新开启", "reopened"},
    [EVENT_FALSE_ALARM] = {"ticket.false_alarm", "误触", "false alarm"},
    [EVENT_FORWARDED] = {"assignment.forwarded", "下派", "forwarded down"},
    [EVENT_ESCALATED] = {"assignment.escalated", "上报", "escalated up"},
    [EVENT_RETURN_REQUESTED] = {"assignment.return_requested", "退单申请", "return asked for"},
    [EVENT_RETURNED] = {"assignment.returned", "退单", "returned"},
    [EVENT_RETURN_REFUSED] = {"assignment.return_refused", "退单驳回", "return refused"},
    [EVENT_EXTENSION_REQUESTED] = {"assignment.extension_requested", "延期申请",
                                   "extension asked for"},
    [EVENT_EXTENDED] = {"assignment.extended", "延期", "extended"},
    [EVENT_EXTENSION_REFUSED] = {"assignment.extension_refused", "延期驳回", "extension refused"},
    [EVENT_SUSPENSION_REQUESTED] = {"assignment.suspension_requested", "挂起申请",
                                    "suspension asked for"},
    [EVENT_SUSPENDED] = {"assignment.suspended", "挂起", "suspended"},
    [EVENT_SUSPENSION_REFUSED] = {"assignment.suspension_refused", "挂起驳回",
                                  "suspension refused"},
    [EVENT_RESUMED] = {"assignment.resumed", "恢复", "resumed"},
    [EVENT_CLOCK_WARNED] = {"clock.warned", "时限预警", "deadline warning"},
    [EVENT_CLOCK_BREACHED] = {"clock.breached", "超期", "deadline missed"},
    [EVENT_CLOCK_ESCALATED] = {"clock.escalated", "超期升级", "escalated after the deadline"},
    [EVENT_CLOCK_RECOMPUTED] = {"clock.recomputed", "时限重算", "deadline recomputed"},
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
    [GUARD_DRAFT] = {"complete", "信息完整", "nothing is missing"},
    [GUARD_ELSEWHERE] = {"already_assigned", "该单位已在办理此工单",
                         "that unit works on it already"},
    [GUARD_MAY_RETURN] = {"return_window_over", "退单时限已过", "the time for returns is over"},
    [GUARD_MAY_EXTEND] = {"no_deadline", "没有可延期的时限", "no deadline runs"},
    [GUARD_MAY_SUSPEND] = {"request_pending", "已有申请待审批", "another request waits"},
    [GUARD_BELOW] = {"not_below", "不是下级单位", "not a unit below"},
    [GUARD_ABOVE] = {"no_unit_above", "没有上级单位", "there is no unit above"},
    [GUARD_REFUSED_UNSIGNED] = {"granted", "已同意", "granted"},
    [GUARD_REFUSED] = {"granted", "已同意", "granted"},
    [GUARD_GRANTED_CO] = {"not_co", "不是协办单位", "not a co-unit"},
    [GUARD_GRANTED_LAST] = {"transfers_left", "仍可转派", "a further transfer is allowed"},
    [GUARD_GRANTED_TO] = {"no_unit_named", "未指定承办单位", "no unit is named"},
    [GUARD_GRANTED] = {"refused", "未同意", "refused"},
    [GUARD_SUSPENSION_GRANTED] = {"no_request", "没有待审批的申请", "no request waits"},
    [GUARD_SUSPENSION_REFUSED] = {"no_request", "没有待审批的申请", "no request waits"},
    [GUARD_MAY_MERGE] = {"master_state", "主工单已办结或已合并",
                         "the master is closed or merged itself"},
    [GUARD_MASTER_ANSWERED] = {"master_open", "主工单尚未答复", "the master has no result yet"},
    [GUARD_WAS_UNITS] = {"not_a_units", "不是由单位办结", "no unit had closed it"},
};

const struct word refusal_words[REFUSAL_WORD_COUNT] = {
    {"assignment_state", "该承办任务当前状态不允许此操作",
     "the assignment's state does not allow it"},
    {"lease", "领取凭证无效或已被他人领取", "this lease is over; somebody else may hold it"},
    {"leased", "已被本单位他人领取", "somebody else of the unit holds it"},
    {"no_return", "问题工单不得再退单", "a problem ticket cannot be returned"},
    {"expired", "时限已过，须在到期前申请", "the deadline is over; ask before it"},
    {"extension_spent", "延期次数已用完", "no further extension is allowed"},
    {"too_long", "超过允许的期限", "longer than allowed"},
    {"until_over", "截止时间已过", "that date is over"},
    {"longer_than_limit", "下派时限长于工单时限", "longer than the ticket's own limit"},
    {"already_assigned", "该单位已在办理此工单", "that unit works on it already"},
    {"too_many", "协办单位过多", "too many co-units"},
    {"same_unit", "不能转回原单位", "the unit that returned it"},
    {"self", "不能与自身合并", "a ticket is not merged into itself"},
    {"is_master", "已有工单合并到此工单", "others are merged into it"},
    {"no_request", "没有待审批的申请", "no request waits"},
    {"ambiguous", "有多个待审批的申请，请指明编号", "several requests wait: name one by its id"},
    {"unit_gone", "该单位已撤销", "that unit is no more"},
};

bool action_is_on_assignment(enum ticket_action action)
{
    return action == ACTION_DECIDE || action_is_assignments(action);
}

bool effect_is_on_self(enum assignment_effect effect)
{
    return effect == EFFECT_SELF || effect == EFFECT_HAND_OVER || effect == EFFECT_TRANSFER ||
           effect == EFFECT_TO_POOL;
}

bool action_is_assignments(enum ticket_action action)
{
    return action >= ACTION_SIGN && action <= ACTION_RESUME;
}

bool ticket_state_is_open(enum ticket_state state)
{
    return (OPEN & (1u << state)) != 0;
}

bool assignment_state_is_live(enum assignment_state state)
{
    const unsigned ended = A(PASSED) | A(RETURNED) | A(RECALLED) | A(FORWARDED);
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
    {EFFECT_TRANSFER, LIVE, ASSIGNMENT_RECALLED}, /* of a co-unit that becomes the lead */
    {EFFECT_TO_POOL, LIVE, ASSIGNMENT_RECALLED},
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
        if (effect_is_on_self(row->effect) && row->assignment_to != ASSIGNMENT_SAME)
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
    if (action_is_on_assignment(row->action) != (row->assignment_from != 0))
        return "assignment states belong to actions on assignments and only to them";
    if (effect_is_on_self(row->effect) != (row->assignment_to != STATE_KEEP))
        return "effects on the acting assignment say where it goes, others do not";
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
