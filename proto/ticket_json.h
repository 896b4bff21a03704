/*
 * ticket_json.h - tickets as they look outside (CONTRACT 3, 4): drafts and commands in, tickets,
 * assignments, clocks and events out. Pure; who may see what is told by `struct ticket_sight`.
 */
#ifndef PROTO_TICKET_JSON_H
#define PROTO_TICKET_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "hotline/route.h"
#include "hotline/ticket_plan.h"
#include "proto/json.h"

/* Limits in code points. The longest real message of the samples has 6,999 characters. */
#define TICKET_TITLE_MAX 200
#define TICKET_TEXT_MAX 8000
#define TICKET_ADDRESS_MAX 300
#define TICKET_OPINION_MAX 4000
#define TICKET_NAME_MAX 60
#define TICKET_CODE_MAX 64
#define TICKET_EXTERNAL_MAX 64 /* visible ASCII: the number of another platform */

/* ---- in -------------------------------------------------------------------------------------- */

struct ticket_draft {
    int channel, kind, urgency;                   /* enums */
    const char *category, *region;                /* region NULL = not known */
    const char *address, *title, *text, *call_id; /* NULL = not given */
    const char *external_number;                  /* another platform's; NULL = none */
    bool has_requester;
    const char *name, *phone; /* phone as given */
    bool anonymous, confidential;
    bool incomplete; /* something is missing: no clock runs until the desk has it complete */
};
/* Form only: whether category and region exist is the city's business. */
MUST_CHECK bool ticket_json_decode_draft(const struct json_value *body, struct arena *arena,
                                         struct ticket_draft *draft_r, struct faults *faults);

/*
 * A phone number in any form people write it: spaces, dashes, brackets, +86, 0086, leading 0 of
 * mobiles, fullwidth digits. Canonical: digits only; mobiles 11 digits, land lines with area code,
 * service numbers as they are. false: fewer than 3 or more than 20 digits, or something else
 * between them.
 */
#define PHONE_SIZE 24
MUST_CHECK bool phone_normalise(const char *phone, char out[PHONE_SIZE]);
/* 138****1234; short numbers keep their last two digits. */
void phone_mask(const char *canonical, char out[PHONE_SIZE]);

/* What an action may carry; one struct for all, each action takes its own fields and no others. */
struct ticket_order {
    const char *text; /* reply, ground, text */
    const char *lead_unit;
    struct json_strings co_units;
    const char *to;
    bool pass;
    bool reached;
    int contacted, solved; /* -1 = not said */
    int64_t satisfied;     /* 0 = not rated */
    const char *internal, *public_reply;
    const char *lease;
    const char *unit;    /* add-unit, forward */
    const char *request; /* decide: id "number-ordinal", or return, extension, suspension */
    bool grant;          /* decide */
    int64_t days;        /* forward, extend, decide: working days; 0 = not said */
    const char *ground;  /* return (code), extend, suspend (text) */
    const char *proposed_unit;
    const char *until; /* suspend: instant, or a date, whose first moment counts */
    const char *into;  /* merge */
    /* complete: NULL or -1 = as it was */
    const char *category, *region, *address, *title, *matter;
    int kind, urgency;
};
/* body NULL = {}. The faults name the fields. */
MUST_CHECK bool ticket_json_decode_order(enum ticket_action action, const struct json_value *body,
                                         struct arena *arena, struct ticket_order *order_r,
                                         struct faults *faults);

/* 1 to TICKET_EXTERNAL_MAX visible ASCII characters; otherwise a fault of `field`. */
MUST_CHECK bool external_number_ok(const char *number, const char *field, struct faults *faults);

/* ---- out ------------------------------------------------------------------------------------- */

struct assignment_lease {
    const char *lease; /* hex, NULL = none */
    int64_t until_us;
    const char *leased_by;
    int deliveries;
};

/* A ticket as loaded: the machine's view and what only people read. */
struct ticket_record {
    struct ticket_view view;
    const char *query_code, *address, *title, *text, *call_id, *external_number;
    const char *call; /* JSON of the call and its recordings; NULL = none that a gateway told of */
    bool is_confidential;
    int64_t rule_set, calendar_set;
    const char *rule, *route_reason;
    const char *public_reply, *ground, *referred_to;
    const char *name, *phone; /* opened; NULL = none or not to be seen */
    bool is_anonymous;
    struct assignment_lease *leases; /* one per assignment */
};

/* What the reader may see. */
struct ticket_sight {
    const char
        *unit; /* of a unit's reader: internal texts of other units are hidden; NULL = the desk */
    bool sees_identity; /* name and masked phone */
    bool sees_query_code;
};

/* Appends the members of a ticket to an open object. */
void ticket_json_write(struct json_writer *w, const struct ticket_record *record,
                       const struct city *city, const struct ticket_sight *sight);
void ticket_json_write_assignments(struct json_writer *w, const struct ticket_view *view,
                                   const struct assignment_lease *leases, const struct city *city,
                                   const struct ticket_sight *sight);
void ticket_json_write_clocks(struct json_writer *w, const struct ticket_view *view,
                              int offset_min);
/* [{clock, due_at, warn_at, provisional}] of those that run. */
void ticket_json_write_deadlines(struct json_writer *w, const struct ticket_view *view,
                                 int offset_min);
void ticket_json_write_route(struct json_writer *w, const struct city *city, int64_t rule_set,
                             const struct route *route);
/* The same of a stored ticket: where it was sent then, and who has it now. */
void ticket_json_write_stored_route(struct json_writer *w, const struct ticket_record *record);
/* "number-ordinal" */
#define ASSIGNMENT_ID_SIZE 28
void assignment_id_format(int64_t number, int ordinal, char out[ASSIGNMENT_ID_SIZE]);
MUST_CHECK bool assignment_id_parse(const char *id, int64_t *number_r, int *ordinal_r);

#endif
