/*
 * vocabulary.h - the words of the field (DOMAIN 1-4): kinds, urgencies, channels, tiers, states,
 * clocks, roles. One table each: code word used on the wire and in the database, Chinese, English.
 *
 * The numeric values are ours alone; what is stored and sent is always the code word.
 */
#ifndef HOTLINE_VOCABULARY_H
#define HOTLINE_VOCABULARY_H

#include <stddef.h>

enum ticket_kind { /* 诉求类型; DB12/T 1438-2025 has the same six */
                   KIND_CONSULT,
                   KIND_HELP,
                   KIND_COMPLAINT,
                   KIND_REPORT,
                   KIND_SUGGESTION,
                   KIND_PRAISE,
                   KIND_COUNT
};

enum ticket_urgency { URGENCY_NORMAL, URGENCY_URGENT, URGENCY_CRITICAL, URGENCY_COUNT };

enum ticket_channel { /* how it reached us */
                      CHANNEL_PHONE,
                      CHANNEL_WECHAT,
                      CHANNEL_WEB,
                      CHANNEL_DEVICE,
                      CHANNEL_GRID, /* a grid worker reports from a handheld */
                      CHANNEL_OPEN311,
                      CHANNEL_UPSTREAM, /* another platform: 110, the province, a department */
                      CHANNEL_COUNT
};

/* Where work is done and closed, from below. A city configures which of them it has. */
enum tier {
    TIER_DESK, /* answered on the spot; no unit has it */
    TIER_GRID,
    TIER_VILLAGE, /* village or community */
    TIER_TOWN,    /* town or street */
    TIER_COUNTY,  /* county or district */
    TIER_CITY,
    TIER_COUNT
};

enum ticket_state {
    TICKET_INCOMPLETE,  /* 待补充: accepted but something is missing */
    TICKET_ACCEPTED,    /* 已受理: in the dispatch pool of the desk */
    TICKET_HANDLING,    /* 办理中: at least one unit works on it */
    TICKET_REVIEW,      /* 待审核: the lead has reported */
    TICKET_CALLBACK,    /* 待回访: passed, the citizen is to be asked */
    TICKET_CLOSED,      /* 已办结 */
    TICKET_ARCHIVED,    /* 已归档 */
    TICKET_REJECTED,    /* 不予受理 */
    TICKET_REFERRED,    /* 转出: 110, 119, 120, ... */
    TICKET_WITHDRAWN,   /* 已撤销 */
    TICKET_MERGED,      /* 已合并 into a master */
    TICKET_FALSE_ALARM, /* 误触 of a one-key device */
    TICKET_STATE_COUNT
};

enum assignment_state {
    ASSIGNMENT_UNSIGNED,            /* 待签收 */
    ASSIGNMENT_WORKING,             /* 办理中 */
    ASSIGNMENT_REPORTED,            /* 已反馈 */
    ASSIGNMENT_PASSED,              /* 已通过 */
    ASSIGNMENT_RETURN_REQUESTED,    /* 退单申请 */
    ASSIGNMENT_RETURNED,            /* 已退单 */
    ASSIGNMENT_EXTENSION_REQUESTED, /* 延期申请 */
    ASSIGNMENT_SUSPENDED,           /* 挂起 */
    ASSIGNMENT_RECALLED,            /* 已收回: by the desk, by withdrawal, by a redo elsewhere */
    ASSIGNMENT_FORWARDED, /* 已转交: handed down 下派 or up 上报; that unit has it now */
    ASSIGNMENT_STATE_COUNT
};

enum assignment_role { ASSIGNMENT_LEAD, ASSIGNMENT_CO, ASSIGNMENT_ROLE_COUNT };

enum clock_kind {
    CLOCK_DISPATCH,
    CLOCK_SIGN,
    CLOCK_FIRST_CONTACT,
    CLOCK_RETURN,
    CLOCK_RESOLVE,
    CLOCK_REVIEW,
    CLOCK_CALLBACK,
    CLOCK_COUNT
};

enum clock_state {
    CLOCK_RUNNING,
    CLOCK_PAUSED,
    CLOCK_MET,     /* its stop event came; on time or late is told by met_at against due_at */
    CLOCK_STOPPED, /* ended without being met: withdrawn, recalled, merged ... */
    CLOCK_STATE_COUNT
};

enum limit_unit {
    LIMIT_MINUTES,         /* real time */
    LIMIT_WORKING_MINUTES, /* only while the calendar is open */
    LIMIT_WORKING_DAYS,    /* day 1 is the next working day, deadline at its close */
    LIMIT_CALENDAR_DAYS,   /* day 1 is the next day, deadline at the close of day n */
    LIMIT_UNIT_COUNT
};

enum actor_role {
    ROLE_ADMIN,      /* configuration, accounts */
    ROLE_DESK,       /* operator, dispatcher, reviewer, caller-back */
    ROLE_SUPERVISOR, /* desk rights, urges, problem tickets, figures */
    ROLE_GATEWAY,    /* phone gateways, WeChat bridges, device clouds: create only */
    ROLE_WEB,        /* the public web front: create and public look-up */
    ROLE_UNIT,       /* a member unit, people or its own system */
    ROLE_SYSTEM,     /* the daemon itself: sweeps, timers */
    ROLE_COUNT
};

struct word {
    const char *code; /* on the wire, in the database */
    const char *zh;
    const char *en;
};

extern const struct word kind_words[KIND_COUNT];
extern const struct word urgency_words[URGENCY_COUNT];
extern const struct word channel_words[CHANNEL_COUNT];
extern const struct word tier_words[TIER_COUNT];
extern const struct word ticket_state_words[TICKET_STATE_COUNT];
extern const struct word assignment_state_words[ASSIGNMENT_STATE_COUNT];
extern const struct word assignment_role_words[ASSIGNMENT_ROLE_COUNT];
extern const struct word clock_words[CLOCK_COUNT];
extern const struct word clock_state_words[CLOCK_STATE_COUNT];
extern const struct word limit_unit_words[LIMIT_UNIT_COUNT];
extern const struct word role_words[ROLE_COUNT];

/* Index of a code word in a table, -1 if it is none of them. NULL is none. */
int word_find(const struct word *words, size_t count, const char *code);

#endif
