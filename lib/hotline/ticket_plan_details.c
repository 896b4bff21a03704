/*
 * ticket_plan_details.c - what an event tells beside its type: one writer for each type.
 */
#include "hotline/ticket_plan_private.h"

/* Days that the desk grants: those it says, else those that were asked for. */
int plan_granted_days(const struct plan *p, const struct assignment_request *request)
{
    return p->command->days > 0 ? p->command->days : request->days;
}

static void write_units(struct sbuf *out, const struct ticket_command *c)
{
    plan_json_string(out, "lead_unit", c->lead_unit);
    if (c->co_unit_count == 0)
        return;
    sbuf_adds(out, ",\"co_units\":[");
    for (size_t i = 0; i < c->co_unit_count; i++) {
        if (i)
            sbuf_addc(out, ',');
        plan_json_string(out, NULL, c->co_units[i]);
    }
    sbuf_addc(out, ']');
}

static void write_flag(struct sbuf *out, const char *key, int value)
{
    if (value >= 0)
        sbuf_addf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void write_dispatch(struct sbuf *out, const struct plan *p)
{
    write_units(out, p->command);
}

static void write_pooled(struct sbuf *out, const struct plan *p)
{
    if (p->command->route)
        plan_json_string(out, "reason", route_reason_words[p->command->route->reason].code);
}

static void write_referred(struct sbuf *out, const struct plan *p)
{
    plan_json_string(out, "to", p->command->to);
}

static void write_reported(struct sbuf *out, const struct plan *p)
{
    sbuf_addf(out, "\"role\":\"%s\"", assignment_role_words[plan_self(p)->role].code);
    write_flag(out, "solved", p->command->solved);
}

static void write_called_back(struct sbuf *out, const struct plan *p)
{
    const struct ticket_command *c = p->command;

    sbuf_addf(out, "\"reached\":%s", c->reached ? "true" : "false");
    write_flag(out, "contacted", c->contacted);
    write_flag(out, "solved", c->solved);
    if (c->satisfied)
        sbuf_addf(out, ",\"satisfied\":%d", c->satisfied);
}

static void write_unit(struct sbuf *out, const struct plan *p)
{
    plan_json_string(out, "unit", p->command->lead_unit);
}

static void write_forwarded(struct sbuf *out, const struct plan *p)
{
    write_unit(out, p);
    if (p->command->days)
        sbuf_addf(out, ",\"days\":%d", p->command->days);
}

static void write_escalated(struct sbuf *out, const struct plan *p)
{
    plan_json_string(out, "unit", plan_unit_above(p, plan_self(p)->unit));
}

static void write_master(struct sbuf *out, const struct plan *p)
{
    int64_t master = p->command->into ? p->command->into : p->t->merged_into;
    sbuf_addf(out, "\"master\":\"%lld\"", (long long)master);
}

static void write_return(struct sbuf *out, const struct plan *p)
{
    plan_json_string(out, "ground", p->command->ground);
    if (!p->command->proposed_unit)
        return;
    sbuf_addc(out, ',');
    plan_json_string(out, "proposed_unit", p->command->proposed_unit);
}

/* Of a request that is just being decided. The unit is the new lead, if it became that. */
static void write_returned(struct sbuf *out, const struct plan *p)
{
    const struct assignment *a = plan_self(p);
    bool is_transfer =
        a->role == ASSIGNMENT_LEAD && p->t->transfers + 1 < p->ctx->rules->max_transfers;

    sbuf_addf(out, "\"role\":\"%s\",", assignment_role_words[a->role].code);
    plan_json_string(out, "ground", a->request.ground);
    if (!is_transfer || !p->command->lead_unit)
        return;
    sbuf_addc(out, ',');
    plan_json_string(out, "unit", p->command->lead_unit);
}

static void write_extension(struct sbuf *out, const struct plan *p)
{
    sbuf_addf(out, "\"days\":%d,", p->command->days);
    plan_json_string(out, "ground", p->command->ground);
}

static void write_extended(struct sbuf *out, const struct plan *p)
{
    const struct assignment *a = plan_self(p);
    const struct ticket_clock *c = clocks_find_resolve(p, a);

    sbuf_addf(out, "\"days\":%d", plan_granted_days(p, &a->request));
    if (!c)
        return;
    sbuf_addc(out, ',');
    plan_json_instant(out, p, "due_before", c->due_us);
}

static void write_suspension(struct sbuf *out, const struct plan *p)
{
    plan_json_instant(out, p, "until", p->command->until_us);
    sbuf_addc(out, ',');
    plan_json_string(out, "ground", p->command->ground);
}

static void write_suspended(struct sbuf *out, const struct plan *p)
{
    plan_json_instant(out, p, "until", plan_self(p)->request.until_us);
}

static void (*const details[EVENT_TYPE_COUNT])(struct sbuf *out, const struct plan *p) = {
    [EVENT_DISPATCHED] = write_dispatch,
    [EVENT_POOLED] = write_pooled,
    [EVENT_REFERRED] = write_referred,
    [EVENT_REPORTED] = write_reported,
    [EVENT_CALLED_BACK] = write_called_back,
    [EVENT_UNIT_ADDED] = write_unit,
    [EVENT_FORWARDED] = write_forwarded,
    [EVENT_ESCALATED] = write_escalated,
    [EVENT_MERGED] = write_master,
    [EVENT_UNMERGED] = write_master,
    [EVENT_RETURN_REQUESTED] = write_return,
    [EVENT_RETURNED] = write_returned,
    [EVENT_EXTENSION_REQUESTED] = write_extension,
    [EVENT_EXTENDED] = write_extended,
    [EVENT_SUSPENSION_REQUESTED] = write_suspension,
    [EVENT_SUSPENDED] = write_suspended,
};

/* A deadline is set or moved by these: what they follow from has to be found in the history. Of a
 * new ticket the version is its own. */
static bool moves_clocks(const struct machine_row *row)
{
    static const bool without_sla[EVENT_TYPE_COUNT] = {
        [EVENT_UNIT_ADDED] = true,     [EVENT_FORWARDED] = true, [EVENT_ESCALATED] = true,
        [EVENT_RETURNED] = true,       [EVENT_EXTENDED] = true,  [EVENT_RESUMED] = true,
        [EVENT_RETURN_REFUSED] = true, [EVENT_REOPENED] = true,  [EVENT_UNMERGED] = true,
    };

    return row->action != ACTION_RECEIVE && (row->sla != SLA_NEVER || without_sla[row->event]);
}

void plan_write_calendar(struct sbuf *out, const struct plan *p)
{
    if (out->len)
        sbuf_addc(out, ',');
    sbuf_addf(out, "\"calendar_set\":%lld", (long long)city_calendar_version(p->ctx->city));
}

void plan_write_event(struct plan *p, const struct machine_row *row)
{
    struct sbuf detail;

    sbuf_init(&detail, 0);
    if (details[row->event])
        details[row->event](&detail, p);
    if (moves_clocks(row))
        plan_write_calendar(&detail, p);
    plan_event(p, row->event, p->now_us, effect_is_on_self(row->effect) ? plan_self(p) : NULL,
               detail.data, p->command->text);
    sbuf_free(&detail);
}

void plan_write_dispatched(struct plan *p)
{
    struct sbuf detail;

    sbuf_init(&detail, 0);
    write_dispatch(&detail, p);
    plan_event(p, EVENT_DISPATCHED, p->now_us, NULL, detail.data, NULL);
    sbuf_free(&detail);
}
