#include "hotline/ticket_number.h"

#include "base/civil.h"

#define TICK_US INT64_C(100)
#define TICKS_PER_SECOND INT64_C(10000)
/* A day below the end, so that no offset leads out of the years 1970..2199. */
#define MAX_TICK (CIVIL_MAX_US / TICK_US - 86400 * TICKS_PER_SECOND)
/* The year has two digits; whatever is read is of this century. */
#define CENTURY 2000

/*
 * A totally anti-symmetric quasigroup of order 10 (Damm 2004). Its diagonal is zero, so the digit
 * that brings the interim value back to 0 is the interim value itself.
 */
static const uint8_t damm[10][10] = {
    {0, 3, 1, 7, 5, 9, 8, 6, 4, 2}, {7, 0, 9, 2, 1, 5, 4, 8, 6, 3}, {4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
    {1, 7, 5, 0, 9, 8, 3, 4, 2, 6}, {6, 1, 2, 3, 0, 4, 5, 9, 7, 8}, {3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
    {5, 8, 6, 9, 7, 2, 0, 1, 3, 4}, {8, 9, 4, 5, 3, 6, 2, 0, 1, 7}, {9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
    {2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
};

int ticket_number_check_digit(const char *digits, size_t count)
{
    uint8_t interim = 0;
    for (size_t i = 0; i < count; i++)
        interim = damm[interim][digits[i] - '0'];
    return interim;
}

void ticket_numbers_init(struct ticket_numbers *n, int instance, int offset_min,
                         int64_t restored_tick, bool (*reserve)(void *ctx, int64_t tick), void *ctx)
{
    INVARIANT(instance >= 0 && instance <= 9 && restored_tick >= 0 && reserve);
    *n = (struct ticket_numbers){
        .instance = instance,
        .offset_min = offset_min,
        /* Any tick up to the mark may have been handed out. */
        .last_tick = restored_tick,
        .reserved_tick = restored_tick,
        .reserve = reserve,
        .ctx = ctx,
    };
}

/* Without instance and check digit. */
static int64_t time_digits(int64_t tick, int offset_min)
{
    const int64_t instant_us = tick * TICK_US;
    const struct civil_date date = civil_date_from_day(civil_local_day(instant_us, offset_min));
    const int64_t time_ticks = civil_local_time_us(instant_us, offset_min) / TICK_US;
    const int64_t second = time_ticks / TICKS_PER_SECOND;

    int64_t number = date.year % 100;
    number = number * 100 + date.month;
    number = number * 100 + date.day;
    number = number * 100 + second / 3600;
    number = number * 100 + second / 60 % 60;
    number = number * 100 + second % 60;
    return number * TICKS_PER_SECOND + time_ticks % TICKS_PER_SECOND;
}

static int64_t number_of_tick(const struct ticket_numbers *n, int64_t tick)
{
    int64_t number = time_digits(tick, n->offset_min) * 10 + n->instance;

    number *= 10; /* room for the check digit */
    char digits[TICKET_NUMBER_SIZE];
    ticket_number_format(number, digits);
    return number + ticket_number_check_digit(digits, TICKET_NUMBER_DIGITS - 1);
}

bool ticket_numbers_next(struct ticket_numbers *n, int64_t now_us, int64_t *number_r)
{
    int64_t tick = now_us > 0 ? now_us / TICK_US : 0;
    if (tick <= n->last_tick)
        tick = n->last_tick + 1;
    if (tick > MAX_TICK)
        return false;
    if (tick > n->reserved_tick) {
        int64_t mark = tick + TICKET_NUMBER_RESERVATION;
        if (!n->reserve(n->ctx, mark))
            return false;
        n->reserved_tick = mark;
    }
    n->last_tick = tick;
    *number_r = number_of_tick(n, tick);
    return true;
}

int64_t ticket_number_floor(int64_t instant_us, int offset_min)
{
    int64_t tick = instant_us > 0 ? instant_us / TICK_US : 0;

    return time_digits(tick < MAX_TICK ? tick : MAX_TICK, offset_min) * 100;
}

void ticket_number_format(int64_t number, char out[TICKET_NUMBER_SIZE])
{
    INVARIANT(number >= 0 && number < INT64_C(1000000000000000000));
    for (int i = TICKET_NUMBER_DIGITS - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
    out[TICKET_NUMBER_DIGITS] = '\0';
}

static int two_digits(const char *s)
{
    return (s[0] - '0') * 10 + (s[1] - '0');
}

bool ticket_number_parse(const char *s, size_t len, int64_t *number_r)
{
    if (len != TICKET_NUMBER_DIGITS)
        return false;
    int64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        number = number * 10 + (s[i] - '0');
    }
    const struct civil_date date = {
        .year = CENTURY + two_digits(s),
        .month = two_digits(s + 2),
        .day = two_digits(s + 4),
    };
    if (!civil_date_valid(date) || two_digits(s + 6) > 23 || two_digits(s + 8) > 59 ||
        two_digits(s + 10) > 59)
        return false;
    if (ticket_number_check_digit(s, len) != 0) /* over all digits, its own included */
        return false;
    *number_r = number;
    return true;
}

void ticket_query_code(const uint8_t random[5], char out[TICKET_QUERY_CODE_SIZE])
{
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++)
        bits = bits << 8 | random[i];
    for (int i = TICKET_QUERY_CODE_SIZE - 2; i >= 0; i--) {
        out[i] = alphabet[bits & 31];
        bits >>= 5;
    }
    out[TICKET_QUERY_CODE_SIZE - 1] = '\0';
}
