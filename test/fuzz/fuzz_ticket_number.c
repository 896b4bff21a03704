/*
 * What a citizen types or a caller sends as a number: whatever is taken comes out again as it went
 * in, and no neighbour of it by one digit or one swap is taken too.
 */
#include <stdint.h>
#include <string.h>

#include "hotline/ticket_number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_neighbours(char text[TICKET_NUMBER_SIZE])
{
    int64_t number;
    for (int i = 0; i < TICKET_NUMBER_DIGITS; i++) {
        const char right = text[i];
        text[i] = (char)('0' + (right - '0' + 1) % 10);
        INVARIANT(!ticket_number_parse(text, TICKET_NUMBER_DIGITS, &number));
        text[i] = right;
    }
    for (int i = 0; i + 1 < TICKET_NUMBER_DIGITS; i++) {
        const char left = text[i], right = text[i + 1];
        text[i] = right;
        text[i + 1] = left;
        INVARIANT(left == right || !ticket_number_parse(text, TICKET_NUMBER_DIGITS, &number));
        text[i] = left;
        text[i + 1] = right;
    }
}

static void check_query_code(const uint8_t *data)
{
    char code[TICKET_QUERY_CODE_SIZE];
    ticket_query_code(data, code);
    INVARIANT(strlen(code) == TICKET_QUERY_CODE_SIZE - 1);
    INVARIANT(strspn(code, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ") == TICKET_QUERY_CODE_SIZE - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t number = -1;
    if (size >= 5)
        check_query_code(data);
    if (!ticket_number_parse((const char *)data, size, &number)) {
        INVARIANT(number == -1);
        return 0;
    }
    char text[TICKET_NUMBER_SIZE];
    ticket_number_format(number, text);
    INVARIANT(size == TICKET_NUMBER_DIGITS && memcmp(text, data, size) == 0);
    check_neighbours(text);
    return 0;
}
