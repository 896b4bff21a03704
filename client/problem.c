/*
 * problem.c - refusals of the daemon as text: what, why, which field.
 */
#include <stdio.h>
#include <string.h>

#include "client/api.h"

static const struct {
    int status;
    enum text_id text;
} status_texts[] = {
    {400, T_STATUS_400}, {401, T_STATUS_401}, {403, T_STATUS_403}, {404, T_STATUS_404},
    {405, T_STATUS_405}, {409, T_STATUS_409}, {412, T_STATUS_412}, {413, T_STATUS_413},
    {422, T_STATUS_422}, {429, T_STATUS_429}, {500, T_STATUS_500}, {503, T_STATUS_503},
};

enum exit_code exit_of_status(int status)
{
    if (status >= 200 && status < 300)
        return EXIT_DONE;
    return status >= 400 && status < 500 ? EXIT_REFUSED : EXIT_DAEMON_FAULT;
}

static const char *status_text(enum lang lang, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_texts); i++)
        if (status_texts[i].status == status)
            return text_get(lang, status_texts[i].text);
    return text_get(lang, status < 500 ? T_STATUS_OTHER : T_STATUS_500);
}

static void add_clean(struct sbuf *out, const struct json_value *v)
{
    size_t len = 0;
    const char *s = json_string(v, &len);

    if (s != NULL)
        clean_add(out, s, len, false);
}

void fault_write(struct sbuf *out, enum lang lang, const struct json_value *fault)
{
    const char *field = json_string(json_get(fault, "field"), NULL);
    const char *reason = json_string(json_get(fault, "reason"), NULL);
    const struct json_value *own = json_get(fault, lang == LANG_ZH ? "zh" : "en");
    const struct json_value *detail = json_get(fault, "detail");

    if (field == NULL || field[0] == '\0')
        field = text_get(lang, T_WHOLE_DOCUMENT);
    clean_add(out, field, strlen(field), false);
    sbuf_adds(out, ": ");
    if (json_type(own) == JSON_STRING) {
        add_clean(out, own);
    } else if (reason != NULL) {
        const char *text = reason_text(lang, reason);

        clean_add(out, text, strlen(text), false);
    }
    if (json_type(detail) == JSON_STRING) {
        sbuf_adds(out, " (");
        add_clean(out, detail);
        sbuf_addc(out, ')');
    }
}

static void write_errors(struct sbuf *out, enum lang lang, const struct json_value *errors)
{
    for (size_t i = 0; i < json_array_length(errors); i++) {
        sbuf_adds(out, "  ");
        fault_write(out, lang, json_at(errors, i));
        sbuf_addc(out, '\n');
    }
}

struct extra {
    struct sbuf *out;
    enum lang lang;
};

/* Members beyond RFC 9457, e.g. the state that did not allow the action and who brought it about.
 */
static void write_extra(void *ctx, const char *key, const struct json_value *v)
{
    static const char *const known[] = {"type", "title", "status", "detail", "errors", "instance"};
    struct extra *x = ctx;

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i], key) == 0)
            return;
    if (json_type(v) != JSON_STRING && json_type(v) != JSON_INT)
        return;
    sbuf_adds(x->out, "  ");
    clean_add(x->out, key, strlen(key), false);
    sbuf_adds(x->out, ": ");
    if (json_type(v) == JSON_INT) {
        sbuf_addf(x->out, "%lld", (long long)json_int(v));
    } else if (strcmp(key, "state") == 0) {
        const char *code = json_string(v, NULL);
        const char *text = word_text(x->lang, ticket_state_words, TICKET_STATE_COUNT, code);

        if (text == code)
            text = word_text(x->lang, assignment_state_words, ASSIGNMENT_STATE_COUNT, code);
        clean_add(x->out, text, strlen(text), false);
    } else {
        add_clean(x->out, v);
    }
    sbuf_addc(x->out, '\n');
}

/* The daemon writes "中文 / English": our half of it, the whole if it has no halves. */
static void add_detail(struct sbuf *out, enum lang lang, const char *detail)
{
    static const char separator[] = " / ";
    const char *middle = strstr(detail, separator);

    if (middle == NULL)
        clean_add(out, detail, strlen(detail), false);
    else if (lang == LANG_ZH)
        clean_add(out, detail, (size_t)(middle - detail), false);
    else
        clean_add(out, middle + strlen(separator), strlen(middle + strlen(separator)), false);
}

void problem_write(struct sbuf *out, enum lang lang, int status, const struct json_value *problem)
{
    const struct json_value *detail = json_get(problem, "detail");
    struct extra extra = {out, lang};
    char number[16];

    snprintf(number, sizeof(number), "%d", status);
    text_fill(out, lang, T_PROBLEM, status_text(lang, status), number, (char *)NULL);
    if (json_type(detail) != JSON_STRING)
        detail = json_get(problem, "title");
    if (json_type(detail) == JSON_STRING) {
        sbuf_adds(out, ": ");
        add_detail(out, lang, json_string(detail, NULL));
    }
    sbuf_addc(out, '\n');
    write_errors(out, lang, json_get(problem, "errors"));
    if (json_type(problem) == JSON_OBJECT)
        json_each(problem, write_extra, &extra);
}
