/*
 * reports_story.h - seven tickets of March 2026 whose every figure can be counted by hand.
 *
 *   1  dispatched to JW, signed and contacted in time, closed in time; called back once: solved, 5
 *   2  CG, signed late, never contacted, closed late at its second round; called back twice: not
 *      solved 1, then solved 4
 *   3  JW, nobody signs, deadlines missed, still open
 *   4  CG by rule, but answered at the desk before anybody signed
 *   5  CG, withdrawn before anybody signed
 *   6  CG with co-unit ZJ, which signed and contacted in time; due in April; called back in vain
 *   7  CG returned it, now JW's, which signed in time; open
 */
#ifndef TEST_REPORTS_STORY_H
#define TEST_REPORTS_STORY_H

#include "unit/daemon/reports_rig.h"

#define STORY_FROM "2026-03-01T00:00:00+08:00"
#define STORY_TO "2026-04-01T00:00:00+08:00"

/* Writes tickets, assignments, clocks, call-backs, events and differences. */
void story_tell(const struct reports *reports);

#endif
