/*
 * account_names.h - names of accounts: which ones may be, and those made for units.
 */
#ifndef DAEMON_ACCOUNT_NAMES_H
#define DAEMON_ACCOUNT_NAMES_H

#include <stdbool.h>

#include "base/alloc.h"
#include "base/map.h"

#define ACCOUNT_NAME_MAX 64

/* 1..64 of A-Z a-z 0-9 . _ @ - as the table account checks it. */
bool account_name_valid(const char *name);
/*
 * "unit-<code>", with '-' for what a name may not have. If that is in `taken` (names of this call's
 * other units) or too long, a piece of the code's hash makes it unlike the others. Enters it into
 * `taken`.
 */
RETURNS_NONNULL const char *account_unit_name(const char *code, struct map *taken,
                                              struct arena *arena);

#endif
