/*
 * number_reserve.h - the durable high-water mark of ticket numbers: DATA/number.reserve.
 */
#ifndef DAEMON_NUMBER_RESERVE_H
#define DAEMON_NUMBER_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/* 0 if there is none yet. false and a text (caller frees) if it is there and cannot be read. */
MUST_CHECK bool number_reserve_read(const char *data, int64_t *tick_r, char **error_r);
/* Written to a new file, synced, renamed, folder synced. */
MUST_CHECK bool number_reserve_write(const char *data, int64_t tick);

#endif
