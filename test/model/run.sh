#!/bin/bash
# Verifies the ticket machine with Spin: the rows that the program prints, with ticket.pml and properties.pml.
#     run.sh SOURCE_FOLDER WORK_FOLDER HOTLINED              no error is found, and every row is taken somewhere
#     run.sh SOURCE_FOLDER WORK_FOLDER HOTLINED mutations    a broken machine is found out, each of those below
#     run.sh SOURCE_FOLDER WORK_FOLDER HOTLINED NAME         only that one
# 77: Spin or a compiler is missing.
set -eu

readonly SECONDS_MOST=240 MEGABYTES_MOST=900 DEPTH_MOST=100000
# More units at once find nothing that these do not; the broken machines are found with fewer.
readonly SLOTS_ALL=4 SLOTS_MUTATIONS=3
# Most of the time of a mutation is the compiler's: an error is found soon.
readonly OPTIMISE_ALL=-O1 OPTIMISE_MUTATIONS=-O0

# name|what sed does to the generated rows|what is wrong then
readonly MUTATIONS='
suspended_for_ever|/ROW([0-9]*, ACTION_RESUME,/d|nothing ends a suspension
problem_in_the_pool|/GUARD_PROBLEM,/d|nobody may dispatch a problem ticket
withdrawn_unit_works_on|/ACTION_WITHDRAW,/s/EFFECT_RECALL/EFFECT_NONE/|ended, and a unit still has it
two_leads|s/EFFECT_REPLACE, SAME/EFFECT_CREATE, SAME/|sent elsewhere without recalling the first
nobody_leads|s/EFFECT_TRANSFER, ASSIGNMENT/EFFECT_SELF, ASSIGNMENT/|a return is granted and nobody gets it
co_unit_unheard|s/GUARD_IS_LEAD_READY,/GUARD_NONE,/|the lead reports before the co-units
back_to_nobody|s/EFFECT_LEAD_BACK, SAME/EFFECT_NONE, SAME/|a failed review that nobody has to mend
dead_rise|/ACTION_WITHDRAW/{s/WITHDRAW, [0-9]*/WITHDRAW, 4095/;s/TRY([0-9]*/TRY(4095/}|withdrawn after its end
unmerged_nowhere|/ROW([0-9]*, ACTION_UNMERGE,/d|merged once, merged for ever
hidden_row|s/GUARD_GRANTED_LAST,/GUARD_GRANTED,/|a row that another one always takes first
'

if ! command -v spin >/dev/null || ! command -v gcc >/dev/null; then
    echo "skipped: spin or gcc is missing"
    exit 77
fi
readonly SOURCE="$1" WORK="$2" HOTLINED="$3"

fail() {
    echo "machine_model: $*" >&2
    exit 1
}

# verify FOLDER SLOTS OPTIMISE: 0 = holds, 1 = does not; how far it came and why is in FOLDER/said
verify() {
    local rows taken
    (
        cd "$1"
        spin -a -DSLOTS="$2" ticket.pml
        gcc "$3" -w -DSAFETY -DMEMLIM=$MEGABYTES_MOST -o pan pan.c
    ) >"$1/said" 2>&1 || fail "the model does not build: $(cat "$1/said")"
    (cd "$1" && timeout $SECONDS_MOST ./pan -m$DEPTH_MOST) >"$1/said" 2>&1 || fail "not finished: $(tail -20 "$1/said")"
    if grep -q 'max search depth too small\|memory limit\|hash table full' "$1/said"; then
        fail "not the whole of it was searched: $(cat "$1/said")"
    fi
    grep -q ', errors: 0$' "$1/said" || return 1
    rows=$(grep -c '^    ROW(' "$1/machine.pml")
    taken=$(grep -c '^row taken ' "$1/said")
    [ "$rows" -eq "$taken" ] || echo "of $rows rows $taken are ever taken" >>"$1/said"
    [ "$rows" -eq "$taken" ]
}

# prepare FOLDER
prepare() {
    rm -rf "$1"
    mkdir -p "$1"
    cp "$SOURCE/ticket.pml" "$SOURCE/properties.pml" "$1/"
    "$HOTLINED" docs promela >"$1/machine.pml"
}

mutate() {
    local name="$1" change="$2" what="$3" folder="$WORK/$1"
    prepare "$folder"
    cp "$folder/machine.pml" "$folder/machine.whole"
    sed -i "$change" "$folder/machine.pml"
    ! cmp -s "$folder/machine.pml" "$folder/machine.whole" || fail "$name: nothing was changed, the rows are others now"
    if verify "$folder" $SLOTS_MUTATIONS $OPTIMISE_MUTATIONS; then
        fail "$name: not found: $what"
    fi
    echo "found: $name ($what): $(grep -m 1 -o 'assertion violated.*\|of .* ever taken' "$folder/said")"
}

if [ $# -eq 3 ]; then
    prepare "$WORK/whole"
    if ! verify "$WORK/whole" $SLOTS_ALL $OPTIMISE_ALL; then
        [ ! -f "$WORK/whole/ticket.pml.trail" ] || (cd "$WORK/whole" && ./pan -r | tail -40) >&2
        fail "$(grep 'assertion violated\|invalid end\|ever taken\|errors:' "$WORK/whole/said")"
    fi
    grep 'states, stored\|^State-vector' "$WORK/whole/said"
else
    tried=0
    while IFS='|' read -r name change what; do
        if [ -n "$name" ] && { [ "$4" = mutations ] || [ "$4" = "$name" ]; }; then
            mutate "$name" "$change" "$what"
            tried=$((tried + 1))
        fi
    done <<<"$MUTATIONS"
    [ $tried -gt 0 ] || fail "no mutation is called $4"
fi
