/*
 * ticket.pml - one ticket with up to SLOTS assignments at a time, driven by whoever may do anything.
 *
 * machine.pml holds the rows, generated from lib/hotline/ticket_machine.c. Here stands what guards
 * ask and what effects do (lib/hotline/ticket_guards.c, ticket_plan.c), and what must always hold.
 * Counters end where they stop mattering; dates, names, routes and the desk's opinions are choices.
 * Ended assignments leave their slot; whether work had begun goes along when one is handed on (handed).
 */
#ifndef SLOTS
#define SLOTS 4
#endif
#define MAX_ROUNDS 3
#define MAX_TRANSFERS 3
#define MAX_ATTEMPTS 3

#define NOBODY 15
#define FREE 15
#define SAME 15
#define NO_ACTION 31
#define NO_ROW 255
#define BIT(n) (1 << (n))
#define IN(set, n) (((set) & BIT(n)) != 0)

/* ---- guards ------------------------------------------------------------------------------------ */

#define LIVE(n) (st[n] != FREE)
#define BEGUN(n) (LIVE(n) && (is_signed[n] || handed[n]))
#define PENDING(n) (LIVE(n) && co[n] && st[n] != ASSIGNMENT_REPORTED)
#if SLOTS == 4
#define ANY(what) (what(0) || what(1) || what(2) || what(3))
#elif SLOTS == 3
#define ANY(what) (what(0) || what(1) || what(2))
#endif

#define GUARD_NONE true
#define GUARD_ROUTED yes
#define GUARD_DRAFT also
#define GUARD_NOBODY_SIGNED (!ANY(BEGUN) && (round == 1 || is_problem))
#define GUARD_IS_LEAD_READY (!co[self] && !ANY(PENDING))
#define GUARD_IS_CO co[self]
#define GUARD_PASS yes
#define GUARD_FAIL (!yes)
#define GUARD_UNREACHED (!also && attempts + 1 < MAX_ATTEMPTS)
#define GUARD_UNREACHED_LAST (!also)
#define GUARD_CONTENT (also && yes)
#define GUARD_REDO_LEFT (also && round < MAX_ROUNDS)
#define GUARD_REDO_SPENT also
#define GUARD_NOT_PROBLEM (!is_problem)
#define GUARD_PROBLEM is_problem
#define GUARD_UNSIGNED_ORDINARY (GUARD_NOBODY_SIGNED && !is_problem)
#define GUARD_ELSEWHERE yes
#define GUARD_MAY_RETURN (yes && !asks[self] && !is_problem)
#define GUARD_MAY_EXTEND (yes && !asks[self])
#define GUARD_MAY_SUSPEND (yes && !asks[self])
#define GUARD_BELOW yes
#define GUARD_ABOVE yes
#define GUARD_REFUSED_UNSIGNED (!yes && !is_signed[self])
#define GUARD_REFUSED (!yes)
#define GUARD_GRANTED_CO (yes && co[self])
#define GUARD_GRANTED_LAST (yes && transfers + 1 >= MAX_TRANSFERS)
#define GUARD_GRANTED_TO (yes && also)
#define GUARD_GRANTED yes
#define GUARD_SUSPENSION_GRANTED (asks[self] && yes)
#define GUARD_SUSPENSION_REFUSED (asks[self] && !yes)
#define GUARD_MAY_MERGE yes
#define GUARD_MASTER_ANSWERED yes
#define GUARD_WAS_UNITS closed_by_unit

/* ---- finding the row ----------------------------------------------------------------------------- */

#define ON(set) (((set) == 0 && self == NOBODY) || (self != NOBODY && IN(set, st[self])))
#define MAY_TRY(from, roles, on) IN(from, state) && IN(roles, role) && ON(on)

#define ROW(n, action, from, roles, on, guard, to, effect, self_to) \
    if \
    :: row == NO_ROW && act == action && IN(from, state) && IN(roles, role) && ON(on) && (guard) -> \
        row = n; row_to = to; row_effect = effect; row_self_to = self_to \
    :: else \
    fi;

#include "machine.pml"

/* ---- what there is ---------------------------------------------------------------------------------- */

/* The ticket. */
byte state = TICKET_NONE;
byte round = 1;
byte transfers, attempts;
bool is_problem, closed_by_unit;
bool passed; /* this round has had its result */

/* The live assignments. */
byte st[SLOTS] = FREE;
bool co[SLOTS], is_signed[SLOTS], handed[SLOTS], asks[SLOTS]; /* asks: to suspend; the other requests are states */

/* What is being done; zero between two commands. */
byte act = NO_ACTION, role, self = NOBODY;
bool yes, also, more; /* what the command says, and what depends on places, dates and names */
byte row = NO_ROW, row_to, row_effect, row_self_to, was, i, j;
bool no_room, no_room_lead; /* more assignments than this model has slots for: it says nothing then */

/* ---- effects --------------------------------------------------------------------------------------- */

inline clear(n)
{
    st[n] = FREE; co[n] = 0; is_signed[n] = 0; handed[n] = 0; asks[n] = 0
}

inline add(is_co)
{
    i = 0;
    do
    :: i < SLOTS && st[i] != FREE -> i++
    :: else -> break
    od;
    if
    :: i < SLOTS -> st[i] = ASSIGNMENT_UNSIGNED; co[i] = is_co
    :: else -> no_room = 1; no_room_lead = no_room_lead || !(is_co)
    fi
}

inline recall_live()
{
    i = 0;
    do
    :: i < SLOTS -> clear(i); i++
    :: else -> break
    od
}

inline next_round()
{
    round = (round < MAX_ROUNDS -> round + 1 : round); /* no guard asks beyond */
    attempts = 0; passed = 0
}

inline create()
{
    if
    :: passed -> next_round()
    :: else
    fi;
    add(0);
    if
    :: more -> add(1)
    :: else
    fi
}

inline move_reported(to, lead_only)
{
    i = 0;
    do
    :: i < SLOTS ->
        if
        :: st[i] == ASSIGNMENT_REPORTED && !(lead_only && co[i]) -> set_state(i, to)
        :: else
        fi;
        i++
    :: else -> break
    od
}

inline set_state(n, to)
{
    if
    :: (to) == SAME
    :: (to) != SAME && IN(LIVE_STATES, to) -> st[n] = to
    :: else -> clear(n)
    fi
}

inline change_self()
{
    if
    :: act == ACTION_SIGN -> is_signed[self] = 1
    :: act == ACTION_SUSPEND -> asks[self] = 1
    :: act == ACTION_DECIDE || act == ACTION_REPORT -> asks[self] = 0
    :: else
    fi;
    set_state(self, row_self_to)
}

inline hand_over()
{
    j = co[self];
    set_state(self, row_self_to);
    add(j);
    if
    :: i < SLOTS -> handed[i] = 1 /* it had been signed: work has begun */
    :: else
    fi
}

/* The new lead may have been a co-unit. */
inline transfer()
{
    set_state(self, row_self_to);
    i = 0;
    do
    :: i < SLOTS && more && LIVE(i) && co[i] -> clear(i); break
    :: i < SLOTS && !(more && LIVE(i) && co[i]) -> i++
    :: else -> break
    od;
    transfers++;
    add(0)
}

inline to_pool()
{
    recall_live();
    transfers = (transfers < MAX_TRANSFERS -> transfers + 1 : transfers)
}

inline apply_effect()
{
    if
    :: row_effect == EFFECT_NONE
    :: row_effect == EFFECT_CREATE -> create()
    :: row_effect == EFFECT_REPLACE -> recall_live(); create()
    :: row_effect == EFFECT_RECALL -> recall_live()
    :: row_effect == EFFECT_SELF -> change_self()
    :: row_effect == EFFECT_PASS -> move_reported(ASSIGNMENT_PASSED, 0); passed = 1
    :: row_effect == EFFECT_LEAD_BACK -> move_reported(ASSIGNMENT_WORKING, 1)
    :: row_effect == EFFECT_REDO -> next_round(); add(0)
    :: row_effect == EFFECT_ADD_CO -> add(1)
    :: row_effect == EFFECT_HAND_OVER -> hand_over()
    :: row_effect == EFFECT_TRANSFER -> transfer()
    :: row_effect == EFFECT_TO_POOL -> to_pool()
    fi
}

inline follow()
{
    was = state;
    attempts = (act == ACTION_CALLBACK && !also && attempts < MAX_ATTEMPTS -> attempts + 1 : attempts);
    attempts = (act == ACTION_UNMERGE -> 0 : attempts);
    apply_effect();
    state = (row_to == SAME -> state : row_to);
    if
    :: row_effect == EFFECT_TO_POOL && transfers == MAX_TRANSFERS -> is_problem = 1
    :: act == ACTION_CALLBACK && state == TICKET_ACCEPTED -> is_problem = 1
    :: act == ACTION_REOPEN && row_effect == EFFECT_NONE -> next_round()
    :: else
    fi;
    if
    :: state != was && state == TICKET_CLOSED -> closed_by_unit = (act != ACTION_ANSWER)
    :: state != was && state != TICKET_ARCHIVED -> closed_by_unit = 0
    :: else
    fi
}

/* Units have no names here: their order says nothing, so there is one order only. */
#define KEY(n) (st[n] * 16 + co[n] * 8 + handed[n] * 4 + is_signed[n] * 2 + asks[n])
inline sort()
{
    i = 0;
    do
    :: i + 1 < SLOTS && KEY(i) > KEY(i + 1) ->
        j = st[i]; st[i] = st[i + 1]; st[i + 1] = j;
        j = co[i]; co[i] = co[i + 1]; co[i + 1] = j;
        j = is_signed[i]; is_signed[i] = is_signed[i + 1]; is_signed[i + 1] = j;
        j = handed[i]; handed[i] = handed[i + 1]; handed[i + 1] = j;
        j = asks[i]; asks[i] = asks[i + 1]; asks[i + 1] = j;
        i = 0
    :: i + 1 < SLOTS && KEY(i) <= KEY(i + 1) -> i++
    :: else -> break
    od
}

/* Each row once on standard output: the test wants them all. */
c_decl { static unsigned char is_taken[256]; };
inline taken()
{
    c_code {
        if (!is_taken[now.row])
            printf("row taken %d\n", now.row);
        is_taken[now.row] = 1;
    }
}

#include "properties.pml"

inline forget()
{
    act = NO_ACTION; role = 0; self = NOBODY; yes = 0; also = 0; more = 0;
    row = NO_ROW; row_to = 0; row_effect = 0; row_self_to = 0; was = 0; i = 0; j = 0
}

/* ---- everybody ------------------------------------------------------------------------------------- */

/* Who has something to say beside the action itself; to the others it would be the same twice. */
#define ASKS_ALSO (BIT(ACTION_RECEIVE) | BIT(ACTION_CALLBACK) | BIT(ACTION_DECIDE))
#define ASKS_MORE (BIT(ACTION_RECEIVE) | BIT(ACTION_COMPLETE) | BIT(ACTION_DISPATCH) | BIT(ACTION_DECIDE))
#define ASKS_NOTHING \
    (BIT(ACTION_NOTE) | BIT(ACTION_URGE) | BIT(ACTION_SUPERVISE) | BIT(ACTION_SIGN) | BIT(ACTION_CONTACT) | \
     BIT(ACTION_RESUME))

inline choose()
{
    if
    :: role = ROLE_DESK
    :: role = ROLE_SUPERVISOR
    :: role = ROLE_UNIT
    :: role = ROLE_SYSTEM
    fi;
    if
    :: self = NOBODY
    :: st[0] != FREE -> self = 0
    :: st[1] != FREE -> self = 1
    :: st[2] != FREE -> self = 2
#if SLOTS == 4
    :: st[3] != FREE -> self = 3
#endif
    fi;
    machine_choose_action();
    if
    :: yes = 0
    :: !IN(ASKS_NOTHING, act) -> yes = 1
    fi;
    if
    :: also = 0
    :: IN(ASKS_ALSO, act) -> also = 1
    fi;
    if
    :: more = 0
    :: IN(ASKS_MORE, act) -> more = 1
    fi
}

active proctype city()
{
    do
    :: state != TICKET_ARCHIVED ->
        d_step { check_state(); check_can_close(); forget() }
        atomic {
            choose();
            d_step {
                if
                :: act != NO_ACTION ->
                    machine_find_row();
                    if
                    :: row != NO_ROW && !NEEDS_ROOM -> taken(); follow(); check_step(); sort()
                    :: else
                    fi
                :: else
                fi;
                forget()
            }
        }
    :: else -> break
    od;
    skip; /* a loop may not end in front of a d_step */
    d_step { check_state(); forget() }
}
