/*
 * problem.c - the table of refusals.
 */
#include "daemon/problem.h"

#include "base/metrics.h"
#include "proto/http1.h"

struct problem_kind {
    const char *word;
    int status; /* 0: given by the caller */
    const char *title;
    const char *detail;
};

static const struct problem_kind kinds[PROBLEM_COUNT] = {
    [PROBLEM_INVALID] = {"invalid", 400, "Invalid input", "输入有误，见 errors / see errors"},
    [PROBLEM_HTTP] = {"http", 0, NULL, NULL},
    [PROBLEM_UNAUTHORIZED] = {"unauthorized", 401, "Unauthorized",
                              "缺少令牌或令牌无效 / no token, or not a valid one"},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "Forbidden",
                           "该账号无权执行此操作 / this account may not do that"},
    [PROBLEM_NOT_FOUND] = {"not_found", 404, "Not found", "没有找到 / no such thing"},
    [PROBLEM_METHOD] = {"method", 405, "Method not allowed",
                        "此地址不支持该方法 / not a method of this resource"},
    [PROBLEM_CONFLICT] = {"conflict", 409, "Not now",
                          "当前状态不允许此操作 / the present state does not allow it"},
    [PROBLEM_IN_PROGRESS] = {"in_progress", 409, "Still running",
                             "相同幂等键的请求仍在处理 / a request with this key is still running"},
    [PROBLEM_CLOCK] = {"clock", 409, "Clock", "测试时钟不能倒退 / the test clock never goes back"},
    [PROBLEM_MISMATCH] = {"version_mismatch", 412, "Version mismatch",
                          "工单版本已变化 / the ticket has another version by now"},
    [PROBLEM_MEDIA_TYPE] = {"media_type", 415, "Unsupported media type",
                            "只接受 application/json / application/json only"},
    [PROBLEM_KEY_REUSED] = {"key_reused", 422, "Idempotency key reused",
                            "幂等键已用于其他内容 / this key was used with another body"},
    [PROBLEM_UNREADABLE] = {"unreadable", 422, "Unreadable", "内容无法识别 / not readable"},
    [PROBLEM_TOO_FAST] = {"too_fast", 429, "Too fast", "请求过于频繁 / too many requests"},
    [PROBLEM_INTERNAL] = {"internal", 500, "Internal error", "内部错误 / our fault; it is logged"},
    [PROBLEM_UNAVAILABLE] = {"unavailable", 503, "Unavailable",
                             "暂时无法可靠保存，请稍后重试 / cannot store durably now, try again"},
    [PROBLEM_BUSY] = {"busy", 503, "Busy", "系统繁忙，请稍后重试 / a limit is reached, try again"},
    [PROBLEM_NO_CITY] = {"no_city", 503, "No city",
                         "尚未导入城市配置 / no city has been imported yet"},
};

#define REFUSED(word_)                                                                             \
    {                                                                                              \
        .name = "hotlined_refused_total", .labels = "problem=\"" word_ "\"",                       \
        .help = "Requests refused, by problem type."                                               \
    }
static struct metric refused[] = {
    REFUSED("invalid"),          REFUSED("http"),        REFUSED("unauthorized"),
    REFUSED("forbidden"),        REFUSED("not_found"),   REFUSED("method"),
    REFUSED("conflict"),         REFUSED("in_progress"), REFUSED("clock"),
    REFUSED("version_mismatch"), REFUSED("media_type"),  REFUSED("key_reused"),
    REFUSED("unreadable"),       REFUSED("too_fast"),    REFUSED("internal"),
    REFUSED("unavailable"),      REFUSED("busy"),        REFUSED("no_city"),
};
_Static_assert(ARRAY_LEN(refused) == PROBLEM_COUNT, "a row for each problem, in their order");

void problem_register_metrics(void)
{
    metrics_register(refused, PROBLEM_COUNT);
}

void problem_count(enum problem problem)
{
    metric_inc(&refused[problem]);
}

int problem_status(enum problem problem)
{
    return kinds[problem].status;
}

const char *problem_word(enum problem problem)
{
    return kinds[problem].word;
}

const char *problem_title(enum problem problem)
{
    return kinds[problem].title;
}

const char *problem_detail(enum problem problem, int status, const char *detail)
{
    if (detail)
        return detail;
    return kinds[problem].detail ? kinds[problem].detail : http_status_text(status);
}

void problem_begin(struct json_writer *w, enum problem problem, int status, const char *detail)
{
    const struct problem_kind *kind = &kinds[problem];
    char type[64] = "urn:hotline:";

    for (size_t i = 0, at = 12; kind->word[i] && at + 1 < sizeof(type); i++, at++) {
        type[at] = kind->word[i];
        type[at + 1] = '\0';
    }
    jw_object(w, NULL);
    jw_string(w, "type", type);
    jw_string(w, "title", kind->title ? kind->title : http_status_text(status));
    jw_int(w, "status", status);
    jw_string(w, "detail", problem_detail(problem, status, detail));
}

void problem_write_faults(struct json_writer *w, const struct faults *faults)
{
    jw_array(w, "errors");
    for (size_t i = 0; i < faults->count; i++) {
        jw_object(w, NULL);
        jw_string(w, "field", faults->list[i].field);
        jw_string(w, "reason", faults->list[i].reason);
        jw_object_end(w);
    }
    jw_array_end(w);
}
