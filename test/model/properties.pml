/*
 * properties.pml - what must hold of every ticket, whatever anybody does in whatever order.
 */

/* More units at once than this model has slots: not done, the next one is tried. */
#define FREE_SLOTS ((st[0] == FREE) + (st[1] == FREE) + (st[2] == FREE) + (SLOTS == 4 && st[SLOTS - 1] == FREE))
#define NEEDS_ROOM (row_effect == EFFECT_ADD_CO && FREE_SLOTS == 0)

byte leads, others, steps;

inline count_live()
{
    leads = 0; others = 0; i = 0;
    do
    :: i < SLOTS ->
        if
        :: LIVE(i) && co[i] -> others++
        :: LIVE(i) && !co[i] -> leads++
        :: else
        fi;
        i++
    :: else -> break
    od
}

#define UNREPORTED(n) (LIVE(n) && st[n] != ASSIGNMENT_REPORTED)
/* A request that nobody could decide. */
#define ASKS_IDLY(n) (asks[n] && st[n] != ASSIGNMENT_WORKING)

/* Of a ticket between two commands. */
inline check_state()
{
    count_live();
    assert(leads + no_room_lead <= 1); /* one unit answers for it */
    assert(!no_room);
    if
    :: state == TICKET_HANDLING -> assert(leads == 1)
    :: state == TICKET_REVIEW ->
        assert(leads == 1 && !ANY(PENDING)); /* the result of all of them */
        assert(!ANY(UNREPORTED))
    :: else -> assert(leads == 0 && others == 0) /* ended, in the pool or with the citizen: no unit has it */
    fi;
    assert(!ANY(ASKS_IDLY));
    leads = 0; others = 0
}

/* Of one command that was taken. */
inline check_step()
{
    /* what has ended stays so, but for those who say that it should not */
    assert(was == TICKET_NONE || IN(OPEN_STATES, was) || state == was || act == ACTION_REOPEN || act == ACTION_UNMERGE ||
           act == ACTION_ARCHIVE);
    assert(was != TICKET_ARCHIVED);
    assert(state != TICKET_NONE);
    assert(act != ACTION_ARCHIVE || was == TICKET_CLOSED);
    /* a problem ticket is nobody's to return, and only a supervisor sends it to a unit */
    assert(!(is_problem && act == ACTION_RETURN));
    assert(!(is_problem && act == ACTION_DISPATCH && role != ROLE_SUPERVISOR));
    /* a unit moves what it works on, and nothing else */
    assert(role != ROLE_UNIT || was == state || (was == TICKET_HANDLING && act == ACTION_REPORT && state == TICKET_REVIEW))
}

/* ---- nobody is stuck ------------------------------------------------------------------------------------ */

/*
 * From every state a willing city brings the ticket to its ordinary end: without referring it,
 * taking it back, merging or rejecting it. One way is walked from here, and then everything is as
 * it was. LONGEST: completing, dispatching, two steps of each unit, review, call-back.
 */
#define LONGEST (2 * SLOTS + 6)

byte kept_state, kept_round, kept_transfers, kept_attempts, kept_st[SLOTS];
bool kept_problem, kept_closed, kept_passed, kept_co[SLOTS], kept_signed[SLOTS], kept_handed[SLOTS], kept_asks[SLOTS];

inline keep()
{
    kept_state = state; kept_round = round; kept_transfers = transfers; kept_attempts = attempts;
    kept_problem = is_problem; kept_closed = closed_by_unit;
    kept_passed = passed; i = 0;
    do
    :: i < SLOTS ->
        kept_st[i] = st[i]; kept_co[i] = co[i]; kept_signed[i] = is_signed[i]; kept_handed[i] = handed[i]; kept_asks[i] = asks[i];
        i++
    :: else -> break
    od
}

inline restore()
{
    state = kept_state; round = kept_round; transfers = kept_transfers; attempts = kept_attempts;
    is_problem = kept_problem; closed_by_unit = kept_closed;
    passed = kept_passed; i = 0;
    do
    :: i < SLOTS ->
        st[i] = kept_st[i]; co[i] = kept_co[i]; is_signed[i] = kept_signed[i]; handed[i] = kept_handed[i]; asks[i] = kept_asks[i];
        kept_st[i] = 0; kept_co[i] = 0; kept_signed[i] = 0; kept_handed[i] = 0; kept_asks[i] = 0;
        i++
    :: else -> break
    od;
    kept_state = 0; kept_round = 0; kept_transfers = 0; kept_attempts = 0;
    kept_problem = 0; kept_closed = 0; kept_passed = 0; steps = 0
}

/* A co-unit that has not answered, else the lead. */
inline next_unit()
{
    self = 0;
    do
    :: self < SLOTS && !PENDING(self) -> self++
    :: else -> break
    od;
    if
    :: self == SLOTS ->
        self = 0;
        do
        :: self < SLOTS && !(LIVE(self) && !co[self]) -> self++
        :: else -> break
        od
    :: else
    fi;
    assert(self < SLOTS)
}

inline willing_unit()
{
    next_unit();
    role = ROLE_UNIT;
    if
    :: st[self] == ASSIGNMENT_UNSIGNED -> act = ACTION_SIGN
    :: st[self] == ASSIGNMENT_SUSPENDED -> act = ACTION_RESUME
    :: st[self] == ASSIGNMENT_RETURN_REQUESTED -> act = ACTION_DECIDE; role = ROLE_DESK; yes = 0
    :: else -> act = ACTION_REPORT
    fi
}

inline willing_step()
{
    forget();
    role = ROLE_SUPERVISOR; yes = 1; also = 1;
    if
    :: state == TICKET_INCOMPLETE -> act = ACTION_COMPLETE
    :: state == TICKET_ACCEPTED -> act = ACTION_DISPATCH
    :: state == TICKET_HANDLING -> willing_unit()
    :: state == TICKET_REVIEW -> act = ACTION_REVIEW
    :: state == TICKET_CALLBACK -> act = ACTION_CALLBACK
    :: state == TICKET_MERGED -> act = ACTION_UNMERGE
    :: else -> act = ACTION_REOPEN
    fi;
    machine_find_row();
    assert(row != NO_ROW); /* stuck: this should have been possible */
    follow();
    steps++
}

/* Known to be on the way: not there yet, or closed already. */
#define AT_REST (state == TICKET_NONE || state == TICKET_CLOSED || state == TICKET_ARCHIVED)

inline check_can_close()
{
    keep();
    do
    :: !AT_REST && steps <= LONGEST -> willing_step()
    :: else -> break
    od;
    assert(AT_REST); /* stuck: a willing city goes round in circles */
    restore()
}
