/*
 * cmd_clock.c - hotline clock ...: moves the clock of a daemon that was started with a test clock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"

#define LONGEST_ADVANCE_S (INT64_C(200) * 366 * 86400)

/* The test clock asks for no token; one that is there is sent all the same. */
static enum exit_code move_clock(struct client *client, const struct args *args, const char *key,
                                 const char *instant, int64_t seconds)
{
    const char *who = client_who(client, args);
    struct api_answer answer;
    struct json_writer w;
    enum exit_code code;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (instant != NULL)
        jw_string(&w, key, instant);
    else
        jw_int(&w, key, seconds);
    jw_object_end(&w);
    code = api_call(client,
                    &(struct api_request){.method = "POST",
                                          .path = "/v1/test/clock",
                                          .who = client_token(client, who) != NULL ? who : NULL,
                                          .body = body.data,
                                          .body_len = body.len},
                    &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_CLOCK_NOW, json_string(json_get(api_root(&answer), "now"), NULL),
                   NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_set(struct client *client, const struct args *args)
{
    return move_clock(client, args, "now", args->operands[0], 0);
}

/* "90", "90s", "15m", "2h", "3d" */
static bool parse_seconds(const char *text, int64_t *seconds_r)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno != 0 || end == text || n < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].suffix) == 0 && n <= LONGEST_ADVANCE_S / units[i].factor) {
            *seconds_r = n * units[i].factor;
            return true;
        }
    return false;
}

static enum exit_code run_advance(struct client *client, const struct args *args)
{
    int64_t seconds;

    if (!parse_seconds(args->operands[0], &seconds)) {
        client_complain(client, T_ERR_NOT_SECONDS, args->operands[0], NULL);
        return EXIT_USAGE;
    }
    return move_clock(client, args, "advance_seconds", NULL, seconds);
}

const struct command clock_commands[] = {
    {.path = "clock set",
     .operands = "INSTANT",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_CLOCK_SET,
     .as = "admin",
     .run = run_set},
    {.path = "clock advance",
     .operands = "SECONDS",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_CLOCK_ADVANCE,
     .as = "admin",
     .run = run_advance},
};
const size_t clock_command_count = ARRAY_LEN(clock_commands);
