#include "hotline/wechat_say.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/sbuf.h"
#include "hotline/vocabulary.h"

#define COMMANDS_ZH                                                                                \
    "发送“提交”正式受理，“取消”放弃；“查询”看办理进度，“评价 1–5”评价办理结果，“帮助”看说明。"
#define COMMANDS_EN                                                                                \
    "Send \"submit\" to hand it in, \"cancel\" to drop it, \"query\" for progress, \"rate 1-5\" "  \
    "to rate the result, \"help\" for this."

static const struct {
    const char *zh, *en;
} texts[SAY_COUNT] = {
    [SAY_WELCOME] =
        {"您好，这里是12345政务服务便民热线。请直接发送文字、语音、图片或位置，说明您的诉"
         "求。\n" COMMANDS_ZH,
         "This is the 12345 citizen hotline. Tell us your matter by text, voice, "
         "picture or location.\n" COMMANDS_EN},
    [SAY_HELP] = {"请发送文字、语音、图片或位置说明诉求，我们会合并为一件工单。\n" COMMANDS_ZH
                  "\n紧急情况请拨打110、119或120。",
                  "Tell us your matter by text, voice, picture or location; they become one "
                  "ticket.\n" COMMANDS_EN "\nIn an emergency call 110, 119 or 120."},
    [SAY_NOTED] = {"已记录（第%d条）。可继续补充；发送“提交”立即受理，%d分钟内未提交将自动受理，“"
                   "取消”放弃。",
                   "Noted (%d). Add more, or send \"submit\"; it is handed in by itself after %d "
                   "minutes. \"cancel\" drops it."},
    [SAY_KIND] = {"您选择了“%s”。请发送文字、语音、图片或位置说明情况，说完发送“提交”。",
                  "You chose: %s. Tell us by text, voice, picture or location, then send "
                  "\"submit\"."},
    [SAY_ASK_PLACE] = {"地点是否为“%s”？请回复“是”或“否”。",
                       "Is the place %s? Answer \"yes\" or \"no\"."},
    [SAY_PLACE] = {"地点：%s。如不对请回复“否”。", "Place: %s. Answer \"no\" if it is not."},
    [SAY_PLACE_UNKNOWN] = {"请用文字补充所在的街道（镇）和社区（村）。",
                           "Please write the street or town and the community or village."},
    [SAY_NOTHING_TO_SUBMIT] = {"还没有可提交的内容，请先发送文字、语音、图片或位置说明诉求。",
                               "There is nothing to hand in yet: tell us your matter first."},
    [SAY_FORGOTTEN] = {"已放弃，未生成工单。", "Dropped; no ticket was made."},
    [SAY_HOW_TO_WITHDRAW] = {"没有正在填写的诉求。撤销工单请发送“取消”加工单编号。",
                             "Nothing is being written. To withdraw a ticket send \"cancel\" and "
                             "its number."},
    [SAY_HOW_TO_RATE] =
        {"请发送“评价”加1到5分（5分最满意），例如：评价 5。未解决请写明，例如：评价 "
         "2 未解决。",
         "Send \"rate\" and 1 to 5 (5 is best), e.g. rate 5. If it is not solved "
         "say so: rate 2 not solved."},
    [SAY_WRONG_NUMBER] = {"工单编号有误，应为18位数字，请核对。",
                          "That number cannot be: it has 18 digits, please check it."},
    [SAY_UNTITLED] = {"微信诉求", "Matter sent by WeChat"},
    [SAY_LINE_IMAGE] = {"[图片] ", "[picture] "},
    [SAY_LINE_VOICE] = {"[语音] ", "[voice] "},
    [SAY_LINE_VIDEO] = {"[视频] ", "[video] "},
    [SAY_LINE_FILE] = {"[文件] ", "[file] "},
    [SAY_LINE_LINK] = {"[链接] ", "[link] "},
    [SAY_LINE_PLACE] = {"[位置] ", "[place] "},
    [SAY_LINE_SCANNED] = {"[扫码] ", "[scanned] "},
    [SAY_LINE_OTHER] = {"[其他消息] ", "[other message] "},
    [SAY_RECEIVED] = {"您的诉求已受理，工单编号：%s，查询码：%s。发送“查询 %s”可看进度。",
                      "Received. Ticket number: %s, query code: %s. Send \"query %s\" for "
                      "progress."},
    [SAY_NONE_OWN] = {"没有找到您的工单。", "No ticket of yours was found."},
    [SAY_SEVERAL] = {"您最近的工单：", "Your last tickets:"},
};

static const struct {
    const char *zh, *en;
} outcomes[TALK_OUTCOMES] = {
    [TALK_RATED] = {"感谢您的评价，工单%s已办结。", "Thank you. Ticket %s is closed."},
    [TALK_RATED_REDO] = {"感谢您的评价，工单%s将重新办理。",
                         "Thank you. Ticket %s will be handled again."},
    [TALK_NOT_RATEABLE] = {"工单%s目前不在待评价状态。", "Ticket %s cannot be rated now."},
    [TALK_WITHDRAWN] = {"工单%s已撤销。", "Ticket %s is withdrawn."},
    [TALK_NOT_WITHDRAWABLE] = {"工单%s已经结束，不能撤销。",
                               "Ticket %s has ended and cannot be withdrawn."},
    [TALK_NOT_OWN] = {"没有找到您的工单%s。", "Ticket %s was not found among yours."},
    [TALK_LATER] = {"系统繁忙，请稍后再发一次。", "We cannot now; please send it again later."},
};

const char *talk_say(const struct talk_settings *s, enum say say)
{
    return s->is_english ? texts[say].en : texts[say].zh;
}

/* The formats are the table's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
const char *talk_sayf(const struct talk_settings *s, enum say say, struct arena *arena, ...)
{
    const char *format = talk_say(s, say);
    va_list arguments, again;

    va_start(arguments, arena);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    INVARIANT(len >= 0);
    char *text = arena_alloc_raw(arena, (size_t)len + 1);
    (void)vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

const char *talk_say_outcome(const struct talk_settings *s, enum talk_outcome outcome,
                             const char *number, struct arena *arena)
{
    return arena_printf(arena, s->is_english ? outcomes[outcome].en : outcomes[outcome].zh, number);
}
#pragma GCC diagnostic pop

const char *talk_say_received(const struct talk_settings *s, const char *number, const char *code,
                              struct arena *arena)
{
    return talk_sayf(s, SAY_RECEIVED, arena, number, code, number);
}

static const char *state_of(const struct talk_settings *s, const struct talk_ticket *t)
{
    return s->is_english ? ticket_state_words[t->state].en : ticket_state_words[t->state].zh;
}

static const char *one_ticket(const struct talk_settings *s, const struct talk_ticket *t,
                              struct arena *arena)
{
    const char *more = t->public_reply ? t->public_reply : t->ground;
    const char *ask = t->state == TICKET_CALLBACK ? talk_say(s, SAY_HOW_TO_RATE) : "";

    return arena_printf(
        arena, s->is_english ? "%s %s\nreceived %s\n%s%s%s%s%s" : "%s %s\n受理时间 %s\n%s%s%s%s%s",
        t->number, state_of(s, t), t->received, t->title, more ? "\n" : "", more ? more : "",
        *ask ? "\n" : "", ask);
}

const char *talk_say_tickets(const struct talk_settings *s, const struct talk_ticket *tickets,
                             size_t count, struct arena *arena)
{
    struct sbuf list;

    if (count == 0)
        return talk_say(s, SAY_NONE_OWN);
    if (count == 1)
        return one_ticket(s, tickets, arena);
    sbuf_init(&list, 0);
    sbuf_adds(&list, talk_say(s, SAY_SEVERAL));
    for (size_t i = 0; i < count; i++)
        sbuf_addf(&list, "\n%s %s %s", tickets[i].number, state_of(s, &tickets[i]),
                  tickets[i].title);
    const char *text = arena_strdup(arena, list.data);
    sbuf_free(&list);
    return text;
}

const char *talk_say_moved(const struct talk_settings *s, const struct talk_ticket *ticket,
                           struct arena *arena)
{
    static const bool is_told[TICKET_STATE_COUNT] = {
        [TICKET_CALLBACK] = true,
        [TICKET_CLOSED] = true,
        [TICKET_REJECTED] = true,
        [TICKET_REFERRED] = true,
    };

    return is_told[ticket->state] ? one_ticket(s, ticket, arena) : NULL;
}
