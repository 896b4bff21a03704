/*
 * vocabulary.c - the words themselves; the code words are part of the wire and of the schema.
 */
#include "hotline/vocabulary.h"

#include <string.h>

const struct word kind_words[KIND_COUNT] = {
    [KIND_CONSULT] = {"consult", "咨询", "enquiry"},
    [KIND_HELP] = {"help", "求助", "request for help"},
    [KIND_COMPLAINT] = {"complaint", "投诉", "complaint"},
    [KIND_REPORT] = {"report", "举报", "report of a wrong"},
    [KIND_SUGGESTION] = {"suggestion", "建议", "suggestion"},
    [KIND_PRAISE] = {"praise", "表扬", "praise"},
};

const struct word urgency_words[URGENCY_COUNT] = {
    [URGENCY_NORMAL] = {"normal", "一般", "normal"},
    [URGENCY_URGENT] = {"urgent", "紧急", "urgent"},
    [URGENCY_CRITICAL] = {"critical", "特急", "critical"},
};

const struct word channel_words[CHANNEL_COUNT] = {
    [CHANNEL_PHONE] = {"phone", "电话", "phone"},
    [CHANNEL_WECHAT] = {"wechat", "微信", "WeChat"},
    [CHANNEL_WEB] = {"web", "网站", "web"},
    [CHANNEL_DEVICE] = {"device", "一键通", "one-key device"},
    [CHANNEL_GRID] = {"grid", "网格上报", "grid worker"},
    [CHANNEL_OPEN311] = {"open311", "Open311", "Open311"},
    [CHANNEL_UPSTREAM] = {"upstream", "上级转办", "another platform"},
};

const struct word tier_words[TIER_COUNT] = {
    [TIER_DESK] = {"desk", "受理席", "desk"},
    [TIER_GRID] = {"grid", "网格", "grid"},
    [TIER_VILLAGE] = {"village", "村(社区)", "village or community"},
    [TIER_TOWN] = {"town", "镇(街道)", "town or street"},
    [TIER_COUNTY] = {"county", "区县", "county or district"},
    [TIER_CITY] = {"city", "市", "city"},
};

const struct word ticket_state_words[TICKET_STATE_COUNT] = {
    [TICKET_INCOMPLETE] = {"incomplete", "待补充", "incomplete"},
    [TICKET_ACCEPTED] = {"accepted", "已受理", "accepted"},
    [TICKET_HANDLING] = {"handling", "办理中", "in hand"},
    [TICKET_REVIEW] = {"review", "待审核", "in review"},
    [TICKET_CALLBACK] = {"callback", "待回访", "to be called back"},
    [TICKET_CLOSED] = {"closed", "已办结", "closed"},
    [TICKET_ARCHIVED] = {"archived", "已归档", "archived"},
    [TICKET_REJECTED] = {"rejected", "不予受理", "rejected"},
    [TICKET_REFERRED] = {"referred", "转出", "referred elsewhere"},
    [TICKET_WITHDRAWN] = {"withdrawn", "已撤销", "withdrawn"},
    [TICKET_MERGED] = {"merged", "已合并", "merged"},
    [TICKET_FALSE_ALARM] = {"false_alarm", "误触", "false alarm"},
};

const struct word assignment_state_words[ASSIGNMENT_STATE_COUNT] = {
    [ASSIGNMENT_UNSIGNED] = {"unsigned", "待签收", "not yet signed"},
    [ASSIGNMENT_WORKING] = {"working", "办理中", "in work"},
    [ASSIGNMENT_REPORTED] = {"reported", "已反馈", "reported"},
    [ASSIGNMENT_PASSED] = {"passed", "已通过", "passed"},
    [ASSIGNMENT_RETURN_REQUESTED] = {"return_requested", "退单申请", "return requested"},
    [ASSIGNMENT_RETURNED] = {"returned", "已退单", "returned"},
    [ASSIGNMENT_EXTENSION_REQUESTED] = {"extension_requested", "延期申请", "extension requested"},
    [ASSIGNMENT_SUSPENDED] = {"suspended", "挂起", "suspended"},
    [ASSIGNMENT_RECALLED] = {"recalled", "已收回", "recalled"},
    [ASSIGNMENT_FORWARDED] = {"forwarded", "已转交", "handed on"},
};

const struct word assignment_role_words[ASSIGNMENT_ROLE_COUNT] = {
    [ASSIGNMENT_LEAD] = {"lead", "主办", "lead"},
    [ASSIGNMENT_CO] = {"co", "协办", "co-handling"},
};

const struct word clock_words[CLOCK_COUNT] = {
    [CLOCK_DISPATCH] = {"dispatch", "派单", "dispatch"},
    [CLOCK_SIGN] = {"sign", "签收", "signing"},
    [CLOCK_FIRST_CONTACT] = {"first_contact", "首次联系", "first contact"},
    [CLOCK_RETURN] = {"return", "退单期限", "return window"},
    [CLOCK_RESOLVE] = {"resolve", "办结", "resolution"},
    [CLOCK_REVIEW] = {"review", "审核", "review"},
    [CLOCK_CALLBACK] = {"callback", "回访", "call-back"},
};

const struct word clock_state_words[CLOCK_STATE_COUNT] = {
    [CLOCK_RUNNING] = {"running", "计时中", "running"},
    [CLOCK_PAUSED] = {"paused", "已暂停", "paused"},
    [CLOCK_MET] = {"met", "已完成", "met"},
    [CLOCK_STOPPED] = {"stopped", "已终止", "stopped"},
};

const struct word limit_unit_words[LIMIT_UNIT_COUNT] = {
    [LIMIT_MINUTES] = {"minutes", "分钟", "minutes"},
    [LIMIT_WORKING_MINUTES] = {"working_minutes", "工作分钟", "working minutes"},
    [LIMIT_WORKING_DAYS] = {"working_days", "工作日", "working days"},
    [LIMIT_CALENDAR_DAYS] = {"calendar_days", "自然日", "calendar days"},
};

const struct word role_words[ROLE_COUNT] = {
    [ROLE_ADMIN] = {"admin", "管理员", "administrator"},
    [ROLE_DESK] = {"desk", "受理席", "desk"},
    [ROLE_SUPERVISOR] = {"supervisor", "督办员", "supervisor"},
    [ROLE_GATEWAY] = {"gateway", "接入网关", "gateway"},
    [ROLE_WEB] = {"web", "公众网站", "public web"},
    [ROLE_UNIT] = {"unit", "承办单位", "member unit"},
    [ROLE_SYSTEM] = {"system", "系统", "the system itself"},
};

int word_find(const struct word *words, size_t count, const char *code)
{
    if (code == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].code, code) == 0)
            return (int)i;
    return -1;
}
