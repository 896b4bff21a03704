/*
 * wechat_words.h - reading commands, for wechat_talk.c.
 */
#ifndef HOTLINE_WECHAT_WORDS_H
#define HOTLINE_WECHAT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

enum talk_command {
    COMMAND_NONE, /* plain words */
    COMMAND_SUBMIT,
    COMMAND_CANCEL,
    COMMAND_QUERY,
    COMMAND_RATE,
    COMMAND_YES,
    COMMAND_NO,
    COMMAND_HELP
};

struct talk_order {
    enum talk_command command;
    bool is_wrong;  /* the number or grade cannot be */
    int64_t number; /* 0 = not said */
    int grade;      /* 0 = not said */
    const char *comment;
};

/* Text without the blanks around it, of the arena; control characters become blanks. */
char *talk_trimmed(const char *text, struct arena *arena);
/* text is trimmed. */
struct talk_order talk_read(const char *text, struct arena *arena);

#endif
