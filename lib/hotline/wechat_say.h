/*
 * wechat_say.h - what the account says, in both languages.
 */
#ifndef HOTLINE_WECHAT_SAY_H
#define HOTLINE_WECHAT_SAY_H

#include "hotline/wechat_talk.h"

enum say {
    SAY_WELCOME,
    SAY_HELP,
    SAY_NOTED,     /* parts, minutes */
    SAY_KIND,      /* kind */
    SAY_ASK_PLACE, /* name */
    SAY_PLACE,     /* name */
    SAY_PLACE_UNKNOWN,
    SAY_NOTHING_TO_SUBMIT,
    SAY_FORGOTTEN,
    SAY_HOW_TO_WITHDRAW,
    SAY_HOW_TO_RATE,
    SAY_WRONG_NUMBER,
    SAY_UNTITLED,
    SAY_LINE_IMAGE,
    SAY_LINE_VOICE,
    SAY_LINE_VIDEO,
    SAY_LINE_FILE,
    SAY_LINE_LINK,
    SAY_LINE_PLACE,
    SAY_LINE_SCANNED,
    SAY_LINE_OTHER,
    SAY_RECEIVED, /* number, code, number */
    SAY_NONE_OWN,
    SAY_SEVERAL,
    SAY_COUNT
};

const char *talk_say(const struct talk_settings *s, enum say say);
/* With the arguments that the entry names. */
const char *talk_sayf(const struct talk_settings *s, enum say say, struct arena *arena, ...);

#endif
