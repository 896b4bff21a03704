/*
 * ticket_json_in.c - drafts and commands coming in.
 */
#include <string.h>

#include "base/utf8.h"
#include "proto/ticket_json.h"

/* ---- word lists for enum fields
 * ------------------------------------------------------------------ */

static const char *const kind_names[] = {"consult",    "help",   "complaint", "report",
                                         "suggestion", "praise", NULL};
static const char *const urgency_names[] = {"normal", "urgent", "critical", NULL};
static const char *const channel_names[] = {"phone", "wechat",  "web",      "device",
                                            "grid",  "open311", "upstream", NULL};

/* ---- drafts
 * ----------------------------------------------------------------------------------------- */

struct draft_requester {
    const char *name, *phone;
    bool anonymous, confidential;
};
struct draft_body {
    struct ticket_draft draft;
    struct draft_requester requester;
};

static const struct field requester_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct draft_requester, name),
     .min = 1,
     .max = TICKET_NAME_MAX},
    {.name = "phone",
     .type = FIELD_STRING,
     .offset = offsetof(struct draft_requester, phone),
     .min = 1,
     .max = 40},
    {.name = "anonymous",
     .type = FIELD_BOOL,
     .offset = offsetof(struct draft_requester, anonymous)},
    {.name = "confidential",
     .type = FIELD_BOOL,
     .offset = offsetof(struct draft_requester, confidential)},
};

#define DRAFT(member) offsetof(struct draft_body, draft.member)
static const struct field draft_fields[] = {
    {.name = "channel",
     .type = FIELD_ENUM,
     .offset = DRAFT(channel),
     .flags = FIELD_REQUIRED,
     .names = channel_names},
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = DRAFT(kind),
     .flags = FIELD_REQUIRED,
     .names = kind_names},
    {.name = "urgency", .type = FIELD_ENUM, .offset = DRAFT(urgency), .names = urgency_names},
    {.name = "category",
     .type = FIELD_STRING,
     .offset = DRAFT(category),
     .min = 1,
     .max = TICKET_CODE_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "region",
     .type = FIELD_STRING,
     .offset = DRAFT(region),
     .min = 1,
     .max = TICKET_CODE_MAX},
    {.name = "address", .type = FIELD_STRING, .offset = DRAFT(address), .max = TICKET_ADDRESS_MAX},
    {.name = "title",
     .type = FIELD_STRING,
     .offset = DRAFT(title),
     .min = 1,
     .max = TICKET_TITLE_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "text",
     .type = FIELD_STRING,
     .offset = DRAFT(text),
     .min = 1,
     .max = TICKET_TEXT_MAX,
     .flags = FIELD_REQUIRED | FIELD_MULTILINE},
    {.name = "call_id", .type = FIELD_STRING, .offset = DRAFT(call_id), .min = 1, .max = 250},
    {.name = "external_number", .type = FIELD_STRING, .offset = DRAFT(external_number)},
    {.name = "requester",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct draft_body, requester),
     .child = requester_fields,
     .child_count = ARRAY_LEN(requester_fields),
     .present_offset = DRAFT(has_requester) + 1},
    {.name = "incomplete", .type = FIELD_BOOL, .offset = DRAFT(incomplete)},
};
#undef DRAFT

bool external_number_ok(const char *number, const char *field, struct faults *faults)
{
    size_t len = strlen(number);
    const char *reason = len == 0 ? "too_short" : len > TICKET_EXTERNAL_MAX ? "too_long" : NULL;

    for (size_t i = 0; i < len && !reason; i++) {
        if (number[i] < 0x21 || number[i] > 0x7e)
            reason = "format";
    }
    if (reason)
        faults_add(faults, field, reason);
    return !reason;
}

bool ticket_json_decode_draft(const struct json_value *body, struct arena *arena,
                              struct ticket_draft *draft_r, struct faults *faults)
{
    struct draft_body d;
    char phone[PHONE_SIZE];

    memset(&d, 0, sizeof(d));
    bool is_good = json_decode(body, draft_fields, ARRAY_LEN(draft_fields), &d, arena, faults);
    if (d.requester.phone && !phone_normalise(d.requester.phone, phone)) {
        faults_add(faults, "requester.phone", "format");
        is_good = false;
    }
    if (d.draft.external_number &&
        !external_number_ok(d.draft.external_number, "external_number", faults))
        is_good = false;
    d.draft.name = d.requester.name;
    d.draft.phone = d.requester.phone;
    d.draft.anonymous = d.requester.anonymous;
    d.draft.confidential = d.requester.confidential;
    *draft_r = d.draft;
    return is_good;
}

/* ---- phones
 * ------------------------------------------------------------------------------------------- */

/* One digit, half or full width; -1 = separator people write; -2 = something else. */
static int phone_symbol(uint32_t cp)
{
    if (cp >= '0' && cp <= '9')
        return (int)cp - '0';
    if (cp >= 0xFF10 && cp <= 0xFF19) /* fullwidth digits */
        return (int)(cp - 0xFF10);
    static const uint32_t separators[] = {' ',    '-',    '(',    ')',    '.',    '/',
                                          0x3000, 0xFF08, 0xFF09, 0xFF0D, 0x2010, 0x2011,
                                          0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xA0};
    for (size_t i = 0; i < ARRAY_LEN(separators); i++) {
        if (cp == separators[i])
            return -1;
    }
    return -2;
}

#define PHONE_MAX_DIGITS 20

struct phone_text {
    char digits[PHONE_SIZE];
    size_t count;
    bool has_plus;
};

static bool phone_read(const char *phone, struct phone_text *p)
{
    size_t len = strlen(phone), used;
    uint32_t cp;

    *p = (struct phone_text){.count = 0};
    for (size_t at = 0; (used = utf8_next(phone + at, len - at, &cp)) > 0; at += used) {
        int symbol = phone_symbol(cp);
        if ((cp == '+' || cp == 0xFF0B) && p->count == 0 && !p->has_plus) {
            p->has_plus = true;
            continue;
        }
        if (symbol == -1)
            continue;
        if (symbol == -2 || p->count == PHONE_MAX_DIGITS)
            return false;
        p->digits[p->count++] = (char)('0' + symbol);
    }
    return p->count >= 3;
}

static bool is_mobile(const char *d, size_t count)
{
    return count == 11 && d[0] == '1' && d[1] >= '3';
}

/* 10 and 2x have eight digits behind them, area codes of three digits seven or eight. */
static bool is_land_line_without_zero(const char *d, size_t count)
{
    bool is_short_area = (d[0] == '1' && d[1] == '0') || d[0] == '2';
    return is_short_area ? count == 10 : d[0] >= '3' && (count == 10 || count == 11);
}

/* 400 and 800 numbers, hotlines and exchanges are dialled as they are, also from abroad. */
static bool is_service(const char *d, size_t count)
{
    bool is_free = count == 10 && (strncmp(d, "400", 3) == 0 || strncmp(d, "800", 3) == 0);
    return is_free || count <= 6 || (strncmp(d, "95", 2) == 0 && count <= 8);
}

/*
 * Without + or 00 in front 86 is the country's code only before what is surely a whole number: 86
 * is also how many local numbers begin, and those may have an extension behind them.
 */
static bool is_whole_number(const char *d, size_t count)
{
    bool is_area = d[0] == '0' && count >= 10 && count <= 12;
    return is_mobile(d, count) || is_area ||
           (is_land_line_without_zero(d, count) && (count == 11 || d[0] < '3'));
}

/* What is left after the country's code, or NULL if the number is not one of this country. */
static const char *after_country(const struct phone_text *p)
{
    const char *d = p->digits;
    bool has_00 = !p->has_plus && strncmp(d, "00", 2) == 0 && p->count >= 7;

    d += has_00 ? 2 : 0;
    if (strncmp(d, "86", 2) != 0)
        return NULL;
    d += 2;
    size_t rest = strlen(d);
    bool is_dialled = (has_00 || p->has_plus) && rest >= 3;
    return is_dialled || is_whole_number(d, rest) ? d : NULL;
}

bool phone_normalise(const char *phone, char out[PHONE_SIZE])
{
    struct phone_text p;
    size_t at = 0;

    if (!phone_read(phone, &p))
        return false;
    const char *national = after_country(&p);
    const char *d = national ? national : p.digits;
    size_t count = strlen(d);
    if (!national && !p.has_plus && strncmp(d, "00", 2) == 0 && count > 10)
        d += 2, count -= 2; /* of another country: as with + */
    if (d[0] == '0' && is_mobile(d + 1, count - 1))
        d++, count--;
    if (national && !is_service(d, count) && is_land_line_without_zero(d, count))
        out[at++] = '0';
    memcpy(out + at, d, count + 1);
    return true;
}

void phone_mask(const char *canonical, char out[PHONE_SIZE])
{
    size_t len = strnlen(canonical, PHONE_SIZE - 1);
    size_t head = len >= 11 ? 3 : 0, tail = len >= 7 ? 4 : 2;

    if (tail > len)
        tail = len;
    for (size_t i = 0; i < len; i++)
        out[i] = i < head || i + tail >= len ? canonical[i] : '*';
    out[len] = '\0';
}

/* ---- commands
 * ------------------------------------------------------------------------------------------ */

struct order_body {
    struct ticket_order order;
    bool has_contacted, has_solved, has_kind, has_urgency;
    bool contacted, solved;
    int ground;
};

#define ORDER(member) offsetof(struct order_body, order.member)
#define TEXT_FIELD(name_, member_, flags_)                                                         \
    {                                                                                              \
        .name = (name_), .type = FIELD_STRING, .offset = ORDER(member_), .min = 1,                 \
        .max = TICKET_OPINION_MAX, .flags = (flags_) | FIELD_MULTILINE                             \
    }
#define CODE_FIELD(name_, member_, flags_)                                                         \
    {                                                                                              \
        .name = (name_), .type = FIELD_STRING, .offset = ORDER(member_), .min = 1,                 \
        .max = TICKET_CODE_MAX, .flags = (flags_)                                                  \
    }
#define SAID_FIELD(name_, member_, flags_)                                                         \
    {                                                                                              \
        .name = (name_), .type = FIELD_BOOL, .offset = offsetof(struct order_body, member_),       \
        .flags = (flags_), .present_offset = offsetof(struct order_body, has_##member_) + 1        \
    }

/* A share of a unit's year is more than any city allows; what it allows is the machine's business.
 */
#define DAYS_MAX 366
#define DAYS_FIELD(flags_)                                                                         \
    {                                                                                              \
        .name = "days", .type = FIELD_INT, .offset = ORDER(days), .min = 1, .max = DAYS_MAX,       \
        .flags = (flags_)                                                                          \
    }

static const struct field answer_fields[] = {TEXT_FIELD("reply", text, FIELD_REQUIRED)};
static const struct field text_fields[] = {TEXT_FIELD("text", text, FIELD_REQUIRED)};
static const struct field optional_text_fields[] = {TEXT_FIELD("text", text, 0)};
static const struct field ground_fields[] = {TEXT_FIELD("ground", text, FIELD_REQUIRED)};
static const struct field refer_fields[] = {CODE_FIELD("to", to, FIELD_REQUIRED),
                                            TEXT_FIELD("text", text, 0)};
static const struct field dispatch_fields[] = {
    CODE_FIELD("lead_unit", lead_unit, FIELD_REQUIRED),
    {.name = "co_units",
     .type = FIELD_STRINGS,
     .offset = ORDER(co_units),
     .max = ROUTE_MAX_CO_UNITS,
     .item_max = TICKET_CODE_MAX},
    TEXT_FIELD("text", text, 0),
};
static const struct field review_fields[] = {
    {.name = "pass", .type = FIELD_BOOL, .offset = ORDER(pass), .flags = FIELD_REQUIRED},
    TEXT_FIELD("text", text, 0),
};
static const struct field callback_fields[] = {
    {.name = "reached", .type = FIELD_BOOL, .offset = ORDER(reached), .flags = FIELD_REQUIRED},
    SAID_FIELD("contacted", contacted, 0),
    SAID_FIELD("solved", solved, 0),
    {.name = "satisfied", .type = FIELD_INT, .offset = ORDER(satisfied), .min = 1, .max = 5},
    TEXT_FIELD("text", text, 0),
};
static const struct field sign_fields[] = {CODE_FIELD("lease", lease, 0)};
static const struct field report_fields[] = {
    SAID_FIELD("solved", solved, FIELD_REQUIRED),
    TEXT_FIELD("internal", internal, 0),
    TEXT_FIELD("public_reply", public_reply, FIELD_REQUIRED),
};

static const char *const ground_names[] = {"wrong_district", "not_own_duty", "overlapping_duty",
                                           "lacks_information", NULL};
static const struct field complete_fields[] = {
    CODE_FIELD("category", category, 0),
    CODE_FIELD("region", region, 0),
    {.name = "address",
     .type = FIELD_STRING,
     .offset = ORDER(address),
     .min = 1,
     .max = TICKET_ADDRESS_MAX},
    {.name = "title",
     .type = FIELD_STRING,
     .offset = ORDER(title),
     .min = 1,
     .max = TICKET_TITLE_MAX},
    {.name = "text",
     .type = FIELD_STRING,
     .offset = ORDER(matter),
     .min = 1,
     .max = TICKET_TEXT_MAX,
     .flags = FIELD_MULTILINE},
    {.name = "kind",
     .type = FIELD_ENUM,
     .offset = ORDER(kind),
     .names = kind_names,
     .present_offset = offsetof(struct order_body, has_kind) + 1},
    {.name = "urgency",
     .type = FIELD_ENUM,
     .offset = ORDER(urgency),
     .names = urgency_names,
     .present_offset = offsetof(struct order_body, has_urgency) + 1},
};
static const struct field add_unit_fields[] = {CODE_FIELD("unit", unit, FIELD_REQUIRED),
                                               TEXT_FIELD("text", text, 0)};
static const struct field decide_fields[] = {
    CODE_FIELD("request", request, FIELD_REQUIRED),
    {.name = "grant", .type = FIELD_BOOL, .offset = ORDER(grant), .flags = FIELD_REQUIRED},
    CODE_FIELD("lead_unit", lead_unit, 0),
    DAYS_FIELD(0),
    TEXT_FIELD("text", text, 0),
};
static const struct field merge_fields[] = {CODE_FIELD("into", into, FIELD_REQUIRED),
                                            TEXT_FIELD("text", text, 0)};
static const struct field forward_fields[] = {
    CODE_FIELD("unit", unit, FIELD_REQUIRED),
    DAYS_FIELD(0),
    TEXT_FIELD("text", text, 0),
};
static const struct field return_fields[] = {
    {.name = "ground",
     .type = FIELD_ENUM,
     .offset = offsetof(struct order_body, ground),
     .names = ground_names,
     .flags = FIELD_REQUIRED},
    CODE_FIELD("proposed_unit", proposed_unit, 0),
    TEXT_FIELD("text", text, FIELD_REQUIRED),
};
static const struct field extend_fields[] = {DAYS_FIELD(FIELD_REQUIRED),
                                             TEXT_FIELD("ground", ground, FIELD_REQUIRED)};
static const struct field suspend_fields[] = {CODE_FIELD("until", until, FIELD_REQUIRED),
                                              TEXT_FIELD("reason", ground, FIELD_REQUIRED)};

struct order_form {
    const struct field *fields;
    size_t count;
};
#define FORM(fields_)                                                                              \
    {                                                                                              \
        fields_, ARRAY_LEN(fields_)                                                                \
    }
static const struct order_form forms[ACTION_COUNT] = {
    [ACTION_ANSWER] = FORM(answer_fields),
    [ACTION_COMPLETE] = FORM(complete_fields),
    [ACTION_DISPATCH] = FORM(dispatch_fields),
    [ACTION_REJECT] = FORM(ground_fields),
    [ACTION_REFER] = FORM(refer_fields),
    [ACTION_WITHDRAW] = FORM(optional_text_fields),
    [ACTION_REVIEW] = FORM(review_fields),
    [ACTION_CALLBACK] = FORM(callback_fields),
    [ACTION_NOTE] = FORM(text_fields),
    [ACTION_URGE] = FORM(text_fields),
    [ACTION_SUPERVISE] = FORM(text_fields),
    [ACTION_ARCHIVE] = FORM(optional_text_fields),
    [ACTION_SIGN] = FORM(sign_fields),
    [ACTION_CONTACT] = FORM(optional_text_fields),
    [ACTION_REPORT] = FORM(report_fields),
    [ACTION_ADD_UNIT] = FORM(add_unit_fields),
    [ACTION_DECIDE] = FORM(decide_fields),
    [ACTION_MERGE] = FORM(merge_fields),
    [ACTION_UNMERGE] = FORM(optional_text_fields),
    [ACTION_REOPEN] = FORM(text_fields),
    [ACTION_FALSE_ALARM] = FORM(optional_text_fields),
    [ACTION_FORWARD] = FORM(forward_fields),
    [ACTION_ESCALATE] = FORM(optional_text_fields),
    [ACTION_RETURN] = FORM(return_fields),
    [ACTION_EXTEND] = FORM(extend_fields),
    [ACTION_SUSPEND] = FORM(suspend_fields),
    [ACTION_RESUME] = FORM(optional_text_fields),
};

static void check_callback(struct order_body *b, struct faults *faults)
{
    if (b->order.reached && !b->has_solved)
        faults_add(faults, "solved", "required");
    /* Nobody answered, so nobody said anything; a plain "no" to all questions means just that. */
    if (!b->order.reached && b->contacted)
        faults_add(faults, "contacted", "not_allowed");
    if (!b->order.reached && b->solved)
        faults_add(faults, "solved", "not_allowed");
    if (!b->order.reached && b->order.satisfied)
        faults_add(faults, "satisfied", "not_allowed");
    if (!b->order.reached)
        b->has_contacted = b->has_solved = false;
}

bool ticket_json_decode_order(enum ticket_action action, const struct json_value *body,
                              struct arena *arena, struct ticket_order *order_r,
                              struct faults *faults)
{
    const struct order_form *form = &forms[action];
    struct order_body b;

    struct json_doc *empty = body ? NULL : json_parse("{}", 2, faults);

    memset(&b, 0, sizeof(b));
    bool is_good =
        json_decode(body ? body : json_root(empty), form->fields, form->count, &b, arena, faults);
    json_doc_free(&empty);
    if (is_good && action == ACTION_CALLBACK)
        check_callback(&b, faults);
    b.order.contacted = b.has_contacted ? b.contacted : -1;
    b.order.solved = b.has_solved ? b.solved : -1;
    b.order.kind = b.has_kind ? b.order.kind : -1;
    b.order.urgency = b.has_urgency ? b.order.urgency : -1;
    if (action == ACTION_RETURN)
        b.order.ground = return_ground_words[b.ground].code;
    *order_r = b.order;
    return is_good && faults->count == 0;
}
