#include "hotline/wechat_words.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "hotline/ticket_number.h"

/* ---- characters
 * --------------------------------------------------------------------------------------- */

static bool is_blank(uint32_t cp)
{
    return cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r' || cp == 0xa0 || cp == 0x3000 ||
           cp == 0x200b || cp == 0xfeff;
}

/* What may stand around a command: 提交。 “提交” */
static bool is_mark(uint32_t cp)
{
    static const uint32_t marks[] = {'.',    ',',    '!',    '?',    ':',    ';',    '"',
                                     '\'',   '#',    '-',    '+',    0x3002, 0xff0c, 0xff01,
                                     0xff1a, 0xff1b, 0x201c, 0x201d, 0x2018, 0x2019, 0x3001,
                                     0x300c, 0x300d, 0x3010, 0x3011};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (marks[i] == cp)
            return true;
    }
    return is_blank(cp);
}

char *talk_trimmed(const char *text, struct arena *arena)
{
    size_t len = strlen(text), begin = 0, end = 0;
    uint32_t cp;
    size_t bytes;

    for (size_t at = 0; (bytes = utf8_next(text + at, len - at, &cp)) > 0; at += bytes) {
        if (is_blank(cp))
            continue;
        if (end == 0)
            begin = at;
        end = at + bytes;
    }
    char *out = arena_strndup(arena, text + begin, end - begin);
    for (char *c = out; *c; c++) {
        if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f)
            *c = ' ';
    }
    return out;
}

static const char *skip_marks(const char *at)
{
    uint32_t cp;
    size_t bytes;

    while ((bytes = utf8_next(at, strlen(at), &cp)) > 0 && is_mark(cp))
        at += bytes;
    return at;
}

/* A digit in either width; bytes of it, 0 = none. */
static size_t read_digit(const char *at, char *digit_r)
{
    uint32_t cp;
    size_t bytes = utf8_next(at, strlen(at), &cp);

    if (bytes && cp >= 0xff10 && cp <= 0xff19)
        cp = cp - 0xff10 + '0';
    if (!bytes || cp < '0' || cp > '9')
        return 0;
    *digit_r = (char)cp;
    return bytes;
}

/* Digits in a row, of which the first `size - 1` are kept; how many there were. */
static size_t read_digits(const char **at, char *out, size_t size)
{
    size_t count = 0, bytes;
    char digit;

    while ((bytes = read_digit(*at, &digit)) > 0) {
        if (count < size - 1)
            out[count] = digit;
        count++;
        *at += bytes;
    }
    out[count < size - 1 ? count : size - 1] = '\0';
    return count;
}

/* ---- commands
 * ----------------------------------------------------------------------------------------- */

enum takes { TAKES_NOTHING, TAKES_NUMBER, TAKES_GRADE };

/* Longer words first where one begins with another. */
static const struct {
    const char *word;
    enum talk_command command;
    enum takes takes;
} commands[] = {
    {"提交", COMMAND_SUBMIT, TAKES_NOTHING},    {"submit", COMMAND_SUBMIT, TAKES_NOTHING},
    {"取消", COMMAND_CANCEL, TAKES_NUMBER},     {"撤销", COMMAND_CANCEL, TAKES_NUMBER},
    {"撤回", COMMAND_CANCEL, TAKES_NUMBER},     {"cancel", COMMAND_CANCEL, TAKES_NUMBER},
    {"withdraw", COMMAND_CANCEL, TAKES_NUMBER}, {"查询", COMMAND_QUERY, TAKES_NUMBER},
    {"进度", COMMAND_QUERY, TAKES_NUMBER},      {"query", COMMAND_QUERY, TAKES_NUMBER},
    {"评价", COMMAND_RATE, TAKES_GRADE},        {"评分", COMMAND_RATE, TAKES_GRADE},
    {"rate", COMMAND_RATE, TAKES_GRADE},        {"不是", COMMAND_NO, TAKES_NOTHING},
    {"是的", COMMAND_YES, TAKES_NOTHING},       {"是", COMMAND_YES, TAKES_NOTHING},
    {"对", COMMAND_YES, TAKES_NOTHING},         {"yes", COMMAND_YES, TAKES_NOTHING},
    {"不对", COMMAND_NO, TAKES_NOTHING},        {"否", COMMAND_NO, TAKES_NOTHING},
    {"no", COMMAND_NO, TAKES_NOTHING},          {"帮助", COMMAND_HELP, TAKES_NOTHING},
    {"help", COMMAND_HELP, TAKES_NOTHING},      {"?", COMMAND_HELP, TAKES_NOTHING},
    {"？", COMMAND_HELP, TAKES_NOTHING},
};

static bool take_number(struct talk_order *order, const char *rest)
{
    char digits[TICKET_NUMBER_SIZE + 1];
    size_t count = read_digits(&rest, digits, sizeof(digits));

    if (*skip_marks(rest))
        return false;
    order->is_wrong = count > 0 && !ticket_number_parse(digits, strlen(digits), &order->number);
    return true;
}

static bool take_grade(struct talk_order *order, const char *rest, struct arena *arena)
{
    char digits[TICKET_NUMBER_SIZE + 1];
    size_t count = read_digits(&rest, digits, sizeof(digits));

    if (count == 0) /* no grade: words about something, or 评价 alone */
        return !*rest;
    if (count >= TICKET_NUMBER_DIGITS) {
        order->is_wrong = !ticket_number_parse(digits, strlen(digits), &order->number);
        rest = skip_marks(rest);
        count = read_digits(&rest, digits, sizeof(digits));
    }
    if (count == 1 && digits[0] >= '1' && digits[0] <= '5')
        order->grade = digits[0] - '0';
    else
        order->is_wrong = true;
    rest = skip_marks(strncmp(rest, "分", strlen("分")) == 0 ? rest + strlen("分") : rest);
    order->comment = *rest ? arena_strdup(arena, rest) : NULL;
    return true;
}

struct talk_order talk_read(const char *text, struct arena *arena)
{
    const char *begin = *text == '?' ? text : skip_marks(text);

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct talk_order order = {.command = commands[i].command};
        size_t len = strlen(commands[i].word);
        if (strncasecmp(begin, commands[i].word, len) != 0)
            continue;
        const char *rest = skip_marks(begin + len);
        if (commands[i].takes == TAKES_NOTHING && !*rest)
            return order;
        if (commands[i].takes == TAKES_NUMBER && take_number(&order, rest))
            return order;
        if (commands[i].takes == TAKES_GRADE && take_grade(&order, rest, arena))
            return order;
    }
    return (struct talk_order){.command = COMMAND_NONE};
}
