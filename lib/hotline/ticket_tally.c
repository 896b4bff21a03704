/*
 * ticket_tally.c - what a change does to the count (DOMAIN 5): rows of differences.
 *
 * A ticket is counted where it is: received once, open and overdue under the unit that leads,
 * dispatched under the unit it was last sent to, closed under the tier and unit that closed it.
 */
#include "hotline/ticket_plan_private.h"

void tally_receive(struct plan *p)
{
    struct ticket_tally *t = plan_tally(p, p->now_us, p->t->lead_unit);

    t->received = 1;
    t->open = 1;
    t->dispatched = p->t->lead_unit != NULL;
}

/* `dispatched` follows only if it had been dispatched before. */
void tally_move(struct plan *p, const char *from, const char *to)
{
    struct ticket_tally *minus = plan_tally(p, p->now_us, from);
    struct ticket_tally *plus = plan_tally(p, p->now_us, to);

    minus->open = -1;
    minus->dispatched = p->t->dispatched_us ? -1 : 0;
    minus->overdue = p->t->is_overdue ? -1 : 0;
    plus->open = 1;
    plus->dispatched = 1;
    plus->overdue = p->t->is_overdue ? 1 : 0;
}

/* Dispatched no more either: that counts where the ticket was sent last. */
void tally_unhand(struct plan *p, const char *from)
{
    struct ticket_tally *minus = plan_tally(p, p->now_us, from);
    struct ticket_tally *plus = plan_tally(p, p->now_us, NULL);

    minus->open = -1;
    minus->dispatched = p->t->dispatched_us ? -1 : 0;
    minus->overdue = p->t->is_overdue ? -1 : 0;
    plus->open = 1;
    plus->overdue = p->t->is_overdue ? 1 : 0;
    p->t->dispatched_us = 0;
    p->t->lead_unit = NULL;
}

void tally_end(struct plan *p, bool undo)
{
    struct ticket_tally *t = plan_tally(p, p->now_us, p->t->lead_unit);

    t->open = -1;
    t->overdue = p->t->is_overdue ? -1 : 0;
    if (undo && p->t->dispatched_us) {
        t->dispatched = -1;
        p->t->dispatched_us = 0;
    }
    p->t->is_overdue = false;
}

void tally_close(struct plan *p, enum tier tier, const char *unit)
{
    struct ticket_tally *t = plan_tally(p, p->now_us, unit);

    t->closed = 1;
    t->is_closing = true;
    t->tier = tier;
    t->desk = tier == TIER_DESK;
    t->on_time = !p->t->was_late;
    p->t->closed_us = p->now_us;
    p->t->closed_tier = tier;
    p->t->closed_unit = unit;
    p->t->closed_on_time = !p->t->was_late;
}

static void undo_closing(struct plan *p)
{
    struct ticket_tally *t = plan_tally(p, p->now_us, p->t->closed_unit);

    t->closed = -1;
    t->is_closing = true;
    t->tier = p->t->closed_tier;
    t->desk = p->t->closed_tier == TIER_DESK ? -1 : 0;
    t->on_time = p->t->closed_on_time ? -1 : 0;
    p->t->closed_us = 0;
    p->t->closed_unit = NULL;
    p->t->closed_on_time = false;
}

static void undo_dispatch(struct plan *p)
{
    if (p->t->dispatched_us)
        plan_tally(p, p->now_us, p->t->lead_unit)->dispatched = -1;
    p->t->dispatched_us = 0;
    p->t->lead_unit = NULL;
}

void tally_reopen(struct plan *p, bool to_pool)
{
    if (p->t->closed_us)
        undo_closing(p);
    if (to_pool)
        undo_dispatch(p);
    struct ticket_tally *t = plan_tally(p, p->now_us, p->t->lead_unit);
    t->open = 1;
    t->overdue = p->t->was_late;
    p->t->is_overdue = p->t->was_late;
}

/* Of a ticket that nobody has yet: received and open are all that was counted, on the day of its
 * receipt, and there it is counted otherwise. */
void tally_refile(struct plan *p, const struct ticket_view *before)
{
    struct ticket_tally *minus = plan_tally(p, p->t->received_us, before->lead_unit);

    minus->received = minus->open = -1;
    minus->category = before->category;
    minus->region = before->region ? before->region : "";
    minus->kind = (int)before->kind;
    struct ticket_tally *plus = plan_tally(p, p->t->received_us, before->lead_unit);
    plus->received = plus->open = 1;
}
