/*
 * ticket_number.h - ticket numbers that need no database, and the citizen's query code.
 *
 * 18 digits: YYMMDDhhmmss of local time | 4 digits of 100 us ticks | instance digit | check digit.
 *   260213100000 0001 0 7
 * The generator counts ticks: never the same twice, never backwards; in a burst (more than 10,000 a
 * second) it runs ahead of the clock and waits for nobody. Before it hands out ticks beyond the
 * reservation it asks `reserve` to make a later one durable, so that a restart, even after the
 * clock was set back, continues above. The check digit is Damm's: every single wrong digit and
 * every swap of neighbours is found. Numbers sort by time and fit into int64_t. They are guessable
 * on purpose (people read them out); the citizen's look-up therefore needs the query code: 8
 * characters of 32 (no 0 O 1 I), 40 random bits.
 */
#ifndef HOTLINE_TICKET_NUMBER_H
#define HOTLINE_TICKET_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define TICKET_NUMBER_DIGITS 18
#define TICKET_NUMBER_SIZE (TICKET_NUMBER_DIGITS + 1)
#define TICKET_QUERY_CODE_SIZE 9

struct ticket_numbers {
    int instance;      /* 0..9: several daemons on one database */
    int offset_min;    /* local time in the number */
    int64_t last_tick; /* 100 us since the epoch */
    int64_t reserved_tick;
    /* Makes `tick` durable as high-water mark; false = cannot now. */
    bool (*reserve)(void *ctx, int64_t tick);
    void *ctx;
};
/* Ticks reserved at a time: 60 s. */
#define TICKET_NUMBER_RESERVATION INT64_C(600000)

/* restored_tick: the last reserved mark of an earlier run, 0 if there is none. */
void ticket_numbers_init(struct ticket_numbers *n, int instance, int offset_min,
                         int64_t restored_tick, bool (*reserve)(void *ctx, int64_t tick),
                         void *ctx);
/* The next number; false if the reservation could not be made durable. */
MUST_CHECK bool ticket_numbers_next(struct ticket_numbers *n, int64_t now_us, int64_t *number_r);

/* No ticket received at `instant_us` or later has a smaller number; of another century's instant
 * nothing is said. For ranges of numbers that stand for a time. */
int64_t ticket_number_floor(int64_t instant_us, int offset_min);

void ticket_number_format(int64_t number, char out[TICKET_NUMBER_SIZE]);
/* Exactly 18 digits, possible date and time, right check digit. */
MUST_CHECK bool ticket_number_parse(const char *s, size_t len, int64_t *number_r);
int ticket_number_check_digit(const char *digits, size_t count);
/* random: 5 bytes */
void ticket_query_code(const uint8_t random[5], char out[TICKET_QUERY_CODE_SIZE]);

#endif
