/*
 * Reads lines `start amount unit` (RFC 3339, limit, code word of the unit), writes the deadline of
 * each as RFC 3339 at +08:00, with " provisional" behind it if it is. Office hours of DOMAIN 4;
 * argument: the file of days.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "unit/hotline/calendar_fixture.h"

static bool answer(const struct calendar *calendar, const char *line)
{
    char start[64], unit[32];
    struct limit limit;
    int64_t start_us;
    /* NOLINTNEXTLINE(cert-err34-c): the script's own numbers */
    if (sscanf(line, "%63s %" SCNd64 " %31s", start, &limit.amount, unit) != 3)
        return false;
    int found = word_find(limit_unit_words, LIMIT_UNIT_COUNT, unit);
    if (found < 0 || limit.amount < 0 || !civil_parse_instant(start, strlen(start), &start_us))
        return false;
    limit.unit = (enum limit_unit)found;
    struct deadline deadline = calendar_due(calendar, start_us, limit);
    (void)printf("%s%s\n", shown(deadline.due_us), deadline.provisional ? " provisional" : "");
    return true;
}

int main(int argc, char **argv)
{
    static struct calendar_fixture fixture;
    if (argc != 2 || !fixture_load(&fixture, argv[1]))
        return 2;
    struct calendar *calendar = fixture_build(&fixture);
    char line[256];
    bool good = true;
    while (good && fgets(line, sizeof(line), stdin)) {
        good = answer(calendar, line);
        if (!good)
            (void)fprintf(stderr, "calendar_driver: cannot read: %s", line);
    }
    calendar_free(&calendar);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
