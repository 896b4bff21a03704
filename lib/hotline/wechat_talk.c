#include "hotline/wechat_talk.h"

#include <string.h>

#include "base/utf8.h"
#include "hotline/place.h"
#include "hotline/vocabulary.h"
#include "hotline/wechat_say.h"
#include "hotline/wechat_words.h"

/* A place of which people are asked whether it is meant. */
#define ASK_FROM 35

const char *const talk_effect_words[TALK_EFFECTS] = {
    [TALK_NOTHING] = "nothing", [TALK_SUBMIT] = "submit",     [TALK_QUERY] = "query",
    [TALK_RATE] = "rate",       [TALK_WITHDRAW] = "withdraw",
};

struct step {
    const struct talk_settings *s;
    const struct talk_input *in;
    struct arena *arena;
    struct talk_turn *turn;
};

/* ---- a matter
 * ----------------------------------------------------------------------------------------- */

static struct talk_state nothing(void)
{
    return (struct talk_state){.kind = -1};
}

static const struct talk_matter *matter_of(const struct step *st, const struct talk_state *state,
                                           bool is_unasked)
{
    struct talk_matter *m = arena_alloc(st->arena, sizeof(*m));

    *m = (struct talk_matter){
        .kind = state->kind >= 0 ? state->kind : KIND_HELP,
        .category = state->category,
        .title = state->title ? state->title : talk_say(st->s, SAY_UNTITLED),
        .text = state->text,
        .address = state->address,
        .region = state->region,
        .begun_us = state->begun_us,
        .is_unasked = is_unasked,
    };
    return m;
}

static size_t prefix_of(const char *text, size_t most)
{
    size_t len = strlen(text), at = 0, bytes;
    uint32_t cp;

    while (most-- > 0 && (bytes = utf8_next(text + at, len - at, &cp)) > 0)
        at += bytes;
    return at;
}

/* The first sentence, if it is short enough. */
static const char *title_of(const char *text, struct arena *arena)
{
    static const char *const ends[] = {"。", "！", "？", "；", "\n", "，", "!", "?"};
    size_t len = prefix_of(text, TALK_TITLE_MAX);

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *end = strstr(text, ends[i]);
        if (end && end > text && (size_t)(end - text) < len)
            len = (size_t)(end - text);
    }
    return arena_strndup(arena, text, len);
}

static bool has_room(const struct talk_state *state, const char *line)
{
    size_t used = state->text ? utf8_length(state->text, strlen(state->text)) : 0;

    return state->parts < TALK_PARTS_MAX &&
           used + 1 + utf8_length(line, strlen(line)) <= TALK_TEXT_MAX;
}

static void begin(struct step *st)
{
    struct talk_state *a = &st->turn->after;

    if (a->is_gathering)
        return;
    a->is_gathering = true;
    a->begun_us = st->in->now_us;
    a->over_us = st->in->now_us + st->s->gather_us;
}

/* One more line; a matter that is full goes, and the next one begins. */
static void add_line(struct step *st, const char *line)
{
    struct talk_state *a = &st->turn->after;

    line = arena_strndup(st->arena, line, prefix_of(line, TALK_TEXT_MAX));
    if (a->is_gathering && a->parts > 0 && !has_room(a, line)) {
        st->turn->over = matter_of(st, a, true);
        *a = nothing();
    }
    begin(st);
    a->text = a->text ? arena_printf(st->arena, "%s\n%s", a->text, line) : line;
    a->parts++;
}

/* ---- where
 * -------------------------------------------------------------------------------------------- */

static const char *name_of(const struct step *st, const char *region)
{
    int index = region && st->s->city ? city_find_region(st->s->city, region) : -1;
    const struct region *r = index < 0 ? NULL : city_region(st->s->city, index);
    const struct region *above = r && r->parent >= 0 ? city_region(st->s->city, r->parent) : NULL;

    if (!r)
        return NULL;
    return above ? arena_printf(st->arena, "%s%s", above->name, r->name) : r->name;
}

/* NULL: no region is named, or none of them more than another. */
static const char *find_place(const struct step *st, const char *words, bool *is_certain_r)
{
    struct place_result found;

    if (!st->s->city)
        return NULL;
    place_find(st->s->city, words, strlen(words), &found);
    if (found.count == 0 || found.list[0].score < ASK_FROM)
        return NULL;
    *is_certain_r = found.list[0].is_certain;
    if (found.count > 1 && found.list[1].score == found.list[0].score)
        return NULL;
    return arena_strdup(st->arena, city_region(st->s->city, found.list[0].region)->code);
}

static const char *noted(const struct step *st)
{
    return talk_sayf(st->s, SAY_NOTED, st->arena, st->turn->after.parts,
                     (int)(st->s->gather_us / 60000000));
}

static void ask_place(struct step *st, const char *region)
{
    st->turn->after.asked_region = region;
    st->turn->reply = arena_printf(st->arena, "%s\n%s", noted(st),
                                   talk_sayf(st->s, SAY_ASK_PLACE, st->arena, name_of(st, region)));
}

static void take_words(struct step *st, const char *text)
{
    struct talk_state *a = &st->turn->after;
    bool is_certain = false;

    add_line(st, text);
    if (!a->title)
        a->title = title_of(text, st->arena);
    st->turn->reply = noted(st);
    const char *region = a->region ? NULL : find_place(st, text, &is_certain);
    if (region && is_certain)
        ask_place(st, region);
}

static void take_location(struct step *st)
{
    struct talk_state *a = &st->turn->after;
    const struct talk_input *in = st->in;
    char *label = talk_trimmed(in->text ? in->text : "", st->arena);
    bool is_certain = false;

    add_line(st,
             arena_printf(st->arena, "%s%s (GCJ-02 %s,%s)", talk_say(st->s, SAY_LINE_PLACE), label,
                          in->latitude ? in->latitude : "?", in->longitude ? in->longitude : "?"));
    if (*label)
        a->address = arena_strndup(st->arena, label, prefix_of(label, TALK_ADDRESS_MAX));
    const char *region = *label ? find_place(st, label, &is_certain) : NULL;
    a->asked_region = NULL;
    a->region = is_certain ? region : a->region;
    if (region && !is_certain)
        ask_place(st, region);
    else
        st->turn->reply =
            arena_printf(st->arena, "%s\n%s", noted(st),
                         region ? talk_sayf(st->s, SAY_PLACE, st->arena, name_of(st, region))
                                : talk_say(st->s, SAY_PLACE_UNKNOWN));
}

/* 是 or 否 to the place we found. false: nobody asked, so it is a word like others. */
static bool answer_place(struct step *st, bool is_right)
{
    struct talk_state *a = &st->turn->after;

    if (!a->is_gathering || !(a->asked_region || (!is_right && a->region)))
        return false;
    if (is_right)
        a->region = a->asked_region;
    else if (!a->asked_region)
        a->region = NULL;
    a->asked_region = NULL;
    st->turn->reply = is_right ? talk_sayf(st->s, SAY_PLACE, st->arena, name_of(st, a->region))
                               : talk_say(st->s, SAY_PLACE_UNKNOWN);
    return true;
}

/* ---- commands
 * ----------------------------------------------------------------------------------------- */

static void submit(struct step *st)
{
    struct talk_state *a = &st->turn->after;

    if (!a->is_gathering || a->parts == 0) {
        st->turn->reply = talk_say(st->s, SAY_NOTHING_TO_SUBMIT);
        return;
    }
    st->turn->matter = matter_of(st, a, false);
    st->turn->effect = TALK_SUBMIT;
    *a = nothing();
}

static void cancel(struct step *st, const struct talk_order *order)
{
    struct talk_state *a = &st->turn->after;

    if (order->number) {
        st->turn->effect = TALK_WITHDRAW;
        st->turn->number = order->number;
    } else if (a->is_gathering) {
        *a = nothing();
        st->turn->reply = talk_say(st->s, SAY_FORGOTTEN);
    } else {
        st->turn->reply = talk_say(st->s, SAY_HOW_TO_WITHDRAW);
    }
}

static void rate(struct step *st, const struct talk_order *order)
{
    static const char *const unsolved[] = {"未解决", "没解决",     "没有解决",
                                           "不解决", "not solved", "unsolved"};

    if (!order->grade) {
        st->turn->reply = talk_say(st->s, SAY_HOW_TO_RATE);
        return;
    }
    st->turn->effect = TALK_RATE;
    st->turn->number = order->number;
    st->turn->grade = order->grade;
    st->turn->comment = order->comment;
    st->turn->solved = 1;
    for (size_t i = 0; i < ARRAY_LEN(unsolved); i++) {
        if (order->comment && strstr(order->comment, unsolved[i]))
            st->turn->solved = 0;
    }
}

static void obey(struct step *st, const struct talk_order *order, const char *text)
{
    if (order->is_wrong)
        st->turn->reply =
            talk_say(st->s, order->command == COMMAND_RATE && !order->grade ? SAY_HOW_TO_RATE
                                                                            : SAY_WRONG_NUMBER);
    else if (order->command == COMMAND_SUBMIT)
        submit(st);
    else if (order->command == COMMAND_CANCEL)
        cancel(st, order);
    else if (order->command == COMMAND_RATE)
        rate(st, order);
    else if (order->command == COMMAND_HELP)
        st->turn->reply = talk_say(st->s, SAY_HELP);
    else if (order->command == COMMAND_QUERY) {
        st->turn->effect = TALK_QUERY;
        st->turn->number = order->number;
    } else if (order->command == COMMAND_NONE || !answer_place(st, order->command == COMMAND_YES)) {
        take_words(st, text);
    }
}

static void on_text(struct step *st)
{
    char *text = talk_trimmed(st->in->text ? st->in->text : "", st->arena);
    struct talk_order order = talk_read(text, st->arena);

    if (*text)
        obey(st, &order, text);
    else
        st->turn->reply = talk_say(st->s, SAY_HELP);
}

/* ---- what is not words
 * -------------------------------------------------------------------------------- */

static void add_thing(struct step *st, enum say what)
{
    const char *words = talk_trimmed(st->in->text ? st->in->text : "", st->arena);
    const char *where = st->in->url ? st->in->url : st->in->media ? st->in->media : "";

    add_line(st, arena_printf(st->arena, "%s%s%s%s", talk_say(st->s, what), words,
                              *words && *where ? " " : "", where));
    st->turn->reply = noted(st);
    st->turn->media = st->in->media;
}

static void on_image(struct step *st)
{
    add_thing(st, SAY_LINE_IMAGE);
}

static void on_video(struct step *st)
{
    add_thing(st, SAY_LINE_VIDEO);
}

static void on_file(struct step *st)
{
    add_thing(st, SAY_LINE_FILE);
}

static void on_link(struct step *st)
{
    add_thing(st, SAY_LINE_LINK);
}

static void on_scanned(struct step *st)
{
    add_thing(st, SAY_LINE_SCANNED);
}

/* Words if they were recognised, and then the title as well. */
static void on_voice(struct step *st)
{
    const char *words = talk_trimmed(st->in->text ? st->in->text : "", st->arena);

    add_thing(st, SAY_LINE_VOICE);
    if (*words && !st->turn->after.title)
        st->turn->after.title = title_of(words, st->arena);
}

static void on_other(struct step *st)
{
    add_thing(st, SAY_LINE_OTHER);
}

static void on_silent(struct step *st)
{
    (void)st;
}

/* Who goes takes nothing back: what was said stands. */
static void on_unsubscribe(struct step *st)
{
    struct talk_state *a = &st->turn->after;

    if (a->is_gathering && a->parts > 0)
        st->turn->over = matter_of(st, a, true);
    *a = nothing();
}

static void on_greeting(struct step *st)
{
    st->turn->reply = talk_say(st->s, SAY_WELCOME);
}

/* ---- the menu
 * ----------------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    enum talk_command command;
} menu_commands[] = {
    {"submit", COMMAND_SUBMIT}, {"cancel", COMMAND_CANCEL}, {"query", COMMAND_QUERY},
    {"rate", COMMAND_RATE},     {"help", COMMAND_HELP},
};

static void start_kind(struct step *st, int kind, const char *category)
{
    struct talk_state *a = &st->turn->after;
    const struct word *word;

    begin(st);
    a->kind = kind >= 0 ? kind : a->kind;
    a->category = category ? category : a->category;
    word = &kind_words[a->kind >= 0 ? a->kind : KIND_HELP];
    st->turn->reply =
        talk_sayf(st->s, SAY_KIND, st->arena, st->s->is_english ? word->en : word->zh);
}

static void on_click(struct step *st)
{
    const char *key = st->in->key ? st->in->key : "";
    int kind = word_find(kind_words, KIND_COUNT, key);

    for (size_t i = 0; i < st->s->menu_count; i++) {
        if (strcmp(st->s->menu[i].key, key) == 0) {
            start_kind(st, st->s->menu[i].kind, st->s->menu[i].category);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(menu_commands); i++) {
        const struct talk_order order = {.command = menu_commands[i].command};
        if (strcmp(menu_commands[i].key, key) == 0) {
            obey(st, &order, "");
            return;
        }
    }
    if (kind >= 0)
        start_kind(st, kind, NULL);
    else
        st->turn->reply = talk_say(st->s, SAY_HELP);
}

/* ---- one step
 * ----------------------------------------------------------------------------------------- */

static void (*const handlers[])(struct step *st) = {
    [TALK_TEXT] = on_text,           [TALK_IMAGE] = on_image,
    [TALK_VOICE] = on_voice,         [TALK_VIDEO] = on_video,
    [TALK_LOCATION] = take_location, [TALK_LINK] = on_link,
    [TALK_FILE] = on_file,           [TALK_SCANNED] = on_scanned,
    [TALK_OTHER] = on_other,         [TALK_CLICK] = on_click,
    [TALK_SUBSCRIBE] = on_greeting,  [TALK_UNSUBSCRIBE] = on_unsubscribe,
    [TALK_GREETING] = on_greeting,   [TALK_SILENT] = on_silent,
    [TALK_TIME_OVER] = on_silent,
};

void talk_step(const struct talk_settings *settings, const struct talk_state *before,
               const struct talk_input *input, struct arena *arena, struct talk_turn *turn_r)
{
    struct step st = {settings, input, arena, turn_r};

    *turn_r = (struct talk_turn){.after = *before};
    if (before->is_gathering && input->now_us >= before->over_us) {
        /* it ended before this message came, whether or not somebody looked */
        if (before->parts > 0)
            turn_r->over = matter_of(&st, before, true);
        turn_r->after = nothing();
    }
    handlers[input->type](&st);
}
