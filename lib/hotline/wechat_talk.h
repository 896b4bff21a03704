/*
 * wechat_talk.h - the conversation of a citizen with the hotline's WeChat account: one message in,
 * one turn out. Pure: no clock, no database, no network.
 *
 *     state + message + settings  ->  state after, reply, what has to be done
 *
 * A matter is gathered: texts, pictures, voices, places, links sent within `gather_us` (10 minutes
 * unless the account says otherwise) of the first one are one matter, until the citizen says 提交
 * or the time is over. Commands are a word, alone or with the numbers that belong to it; a word
 * that goes on otherwise is no command (查询社保怎么办 is a question, 取消收费 a suggestion).
 *
 *     提交 submit           the matter becomes a ticket
 *     取消 cancel           what was gathered is forgotten; with a number: the ticket is withdrawn
 *     查询 query [number]   the own ticket, or the last few
 *     评价 rate [number] 1-5 [words]   answers the call-back; 未解决 in the words = not solved
 *     是 / 否               whether the place we found is the right one
 *     帮助 help
 *
 * Whatever else comes is answered with what can be done.
 */
#ifndef HOTLINE_WECHAT_TALK_H
#define HOTLINE_WECHAT_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "hotline/city.h"

#define TALK_PARTS_MAX 40  /* messages of one matter; more begin the next one */
#define TALK_TEXT_MAX 7800 /* code points of one matter's text */
#define TALK_TITLE_MAX 40  /* code points of its title */
#define TALK_ADDRESS_MAX 300

enum talk_input_type {
    TALK_TEXT,
    TALK_IMAGE,
    TALK_VOICE,
    TALK_VIDEO,
    TALK_LOCATION,
    TALK_LINK,
    TALK_FILE,
    TALK_SCANNED, /* a code scanned from the menu: its content is text */
    TALK_OTHER,   /* a kind of message of tomorrow */
    TALK_CLICK,   /* a menu key */
    TALK_SUBSCRIBE,
    TALK_UNSUBSCRIBE,
    TALK_GREETING, /* scanned the account's code, opened it */
    TALK_SILENT,   /* an event with nothing to say to */
    TALK_TIME_OVER /* nobody wrote: the time of gathering is over */
};

struct talk_input {
    enum talk_input_type type;
    const char *text;                 /* content, recognition, label, title; NULL = none */
    const char *url, *media;          /* where a picture is, what a bridge can fetch; NULL = none */
    const char *latitude, *longitude; /* GCJ-02, as sent */
    const char *key;                  /* of a menu */
    int64_t now_us;
};

struct talk_menu_entry {
    const char *key;
    int kind;             /* enum ticket_kind; -1 = as usual */
    const char *category; /* NULL = the account's */
};

struct talk_settings {
    int64_t gather_us;
    bool is_english;
    const struct talk_menu_entry *menu;
    size_t menu_count;
    const struct city *city; /* NULL: places are not read */
};

/* Texts are never NULL unless said so. All zeroes with kind -1 is the beginning. */
struct talk_state {
    bool is_gathering;
    int kind;                 /* -1 = not said */
    const char *category;     /* NULL = not said */
    const char *title;        /* NULL = no words yet */
    const char *text;         /* lines; NULL = none */
    const char *address;      /* NULL = none */
    const char *region;       /* code; NULL = not known */
    const char *asked_region; /* code of the one that was asked about; NULL = none */
    int parts;
    int64_t begun_us, over_us; /* over_us: when it is submitted by itself */
};

/* What becomes a ticket. */
struct talk_matter {
    int kind;
    const char *category; /* NULL = the account's */
    const char *title, *text;
    const char *address, *region; /* NULL = not known */
    int64_t begun_us;
    bool is_unasked; /* ended by time or by its size: nobody waits for the number */
};

enum talk_effect { TALK_NOTHING, TALK_SUBMIT, TALK_QUERY, TALK_RATE, TALK_WITHDRAW, TALK_EFFECTS };
extern const char *const talk_effect_words[TALK_EFFECTS]; /* as stored */

struct talk_turn {
    struct talk_state after;
    enum talk_effect effect;
    const struct talk_matter *matter; /* of TALK_SUBMIT */
    const struct talk_matter *over;   /* ended before this message; NULL = none */
    int64_t number;                   /* of query, rate, withdraw; 0 = not said */
    int grade;                        /* of rate: 1..5 */
    int solved;                       /* of rate: 0, 1 */
    const char *comment;              /* of rate; NULL = none */
    const char *media;                /* for the bridge to fetch; NULL = none */
    const char *reply;                /* NULL: nothing is said, or the effect's outcome says it */
};

/* Memory is the arena's; the state before has to live as long. */
void talk_step(const struct talk_settings *settings, const struct talk_state *before,
               const struct talk_input *input, struct arena *arena, struct talk_turn *turn_r);

/* ---- what the effects' outcomes say ---------------------------------------------------------- */

struct talk_ticket {
    const char *number; /* digits */
    const char *title;
    int state;                         /* enum ticket_state */
    const char *received;              /* date for people */
    const char *public_reply, *ground; /* NULL = none */
};
const char *talk_say_received(const struct talk_settings *s, const char *number, const char *code,
                              struct arena *arena);
/* Of one ticket everything, of several a line each; count 0: none of his. */
const char *talk_say_tickets(const struct talk_settings *s, const struct talk_ticket *tickets,
                             size_t count, struct arena *arena);
enum talk_outcome {
    TALK_RATED,
    TALK_RATED_REDO, /* not content: it is done again */
    TALK_NOT_RATEABLE,
    TALK_WITHDRAWN,
    TALK_NOT_WITHDRAWABLE,
    TALK_NOT_OWN,
    TALK_LATER, /* we cannot now */
    TALK_OUTCOMES
};
const char *talk_say_outcome(const struct talk_settings *s, enum talk_outcome outcome,
                             const char *number, struct arena *arena);
/* A ticket moved: what its citizen is told without asking; NULL = nothing of this state. */
const char *talk_say_moved(const struct talk_settings *s, const struct talk_ticket *ticket,
                           struct arena *arena);

#endif
