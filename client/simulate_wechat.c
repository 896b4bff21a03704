/*
 * simulate_wechat.c - citizens who write to the hotline's WeChat account: we are WeChat's server
 * and push what they send, encrypted as in safe mode (INTERFACES 2). A matter is some messages and
 * 提交; later its citizen asks how far it is, rates the result, or withdraws.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "client/simulate.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_xml.h"

#define NUMBER_DIGITS 18
#define FIRST_MSG_ID INT64_C(23000000000000000)
#define MOST_ASKED 20 /* times for a number that did not come with the reply */

/* The account: as WeChat's console has it. */
struct sim_wechat {
    const char *account, *app_id, *token;
    uint8_t key[CRYPTO_KEY_SIZE];
    int64_t msg_id;
};

/* The middle of the demo cities, GCJ-02: where people are who send their place. */
static const struct {
    const char *city;
    double latitude, longitude;
} middles[] = {{"320281", 31.92, 120.28}, {"620200", 39.77, 98.29}};

static const char *setting(const struct simulation *sim, const char *key)
{
    return json_string(json_get(sim_credential(sim, "wechat"), key), NULL);
}

bool sim_wechat_ready(const struct simulation *sim)
{
    uint8_t key[CRYPTO_KEY_SIZE];
    const char *text = setting(sim, "aes_key");

    return setting(sim, "account") != NULL && setting(sim, "app_id") != NULL &&
           setting(sim, "token") != NULL && text != NULL && wechat_key_decode(text, key);
}

void sim_wechat_begin(struct simulation *sim)
{
    struct sim_wechat *w = xcalloc(1, sizeof(*w));
    uint64_t salt;

    w->account = setting(sim, "account");
    w->app_id = setting(sim, "app_id");
    w->token = setting(sim, "token");
    INVARIANT(wechat_key_decode(setting(sim, "aes_key"), w->key));
    /* Another run's messages are others. */
    crypto_random(&salt, sizeof(salt));
    w->msg_id = FIRST_MSG_ID + (int64_t)(salt >> 12);
    sim->wechat = w;
}

void sim_wechat_free(struct simulation *sim)
{
    free(sim->wechat);
    sim->wechat = NULL;
}

/* ---- one message and its reply -----------------------------------------------------------------
 */

static const char *user_of(struct simulation *sim, const struct sim_ticket *ticket)
{
    return arena_printf(sim->scratch, "oSim%.12s%zu", sim->run, ticket->index);
}

static void element(struct sbuf *out, const char *name, const char *text)
{
    sbuf_addf(out, "<%s><![CDATA[%s]]></%s>", name, text, name);
}

/* inner: the elements of the type. */
static char *write_message(struct simulation *sim, const struct sim_ticket *ticket,
                           const char *type, const char *inner)
{
    struct sbuf xml;
    char *text;

    sbuf_init(&xml, 0);
    sbuf_adds(&xml, "<xml>");
    element(&xml, "ToUserName", "gh_simulated");
    element(&xml, "FromUserName", user_of(sim, ticket));
    sbuf_addf(&xml, "<CreateTime>%lld</CreateTime>", (long long)(sim_clock_us(sim) / 1000000));
    element(&xml, "MsgType", type);
    sbuf_adds(&xml, inner);
    sbuf_addf(&xml, "<MsgId>%lld</MsgId></xml>", (long long)sim->wechat->msg_id);
    text = arena_strndup(sim->scratch, xml.data, xml.len);
    sbuf_free(&xml);
    return text;
}

static char *seal(struct simulation *sim, const char *xml)
{
    uint8_t random[WECHAT_RANDOM_SIZE];

    crypto_random(random, sizeof(random));
    return wechat_encrypt(sim->wechat->key, sim->wechat->app_id, random, xml, strlen(xml),
                          sim->scratch);
}

static const char *target(struct simulation *sim, const char *encrypt)
{
    const struct sim_wechat *w = sim->wechat;
    const char *timestamp =
        arena_printf(sim->scratch, "%lld", (long long)(sim_clock_us(sim) / 1000000));
    const char *nonce = arena_printf(sim->scratch, "%lld", (long long)w->msg_id);
    char signature[WECHAT_SIGNATURE_SIZE], msg_signature[WECHAT_SIGNATURE_SIZE];

    wechat_sign(w->token, timestamp, nonce, NULL, signature);
    wechat_sign(w->token, timestamp, nonce, encrypt, msg_signature);
    return sim_path(sim, "/v1/wechat/", w->account,
                    arena_printf(sim->scratch,
                                 "?signature=%s&timestamp=%s&nonce=%s&encrypt_type=aes"
                                 "&msg_signature=%s",
                                 signature, timestamp, nonce, msg_signature));
}

/* What the citizen reads; "" if there is nothing to read. */
static const char *open_reply(struct simulation *sim, const struct api_answer *answer)
{
    struct wechat_message outer, inner;
    const char *xml;
    size_t len = 0;

    if (answer->body_len == 0 || strcmp(answer->body, "success") == 0)
        return "";
    if (wechat_xml_parse(answer->body, answer->body_len, sim->scratch, &outer) != WECHAT_PARSED ||
        outer.encrypt == NULL)
        return NULL;
    xml = wechat_decrypt(sim->wechat->key, sim->wechat->app_id, outer.encrypt, sim->scratch, &len);
    if (xml == NULL || wechat_xml_parse(xml, len, sim->scratch, &inner) != WECHAT_PARSED ||
        inner.content == NULL)
        return NULL;
    return inner.content;
}

/* Of the scratch arena; NULL: refused, or no reply that WeChat could show, and said so. */
static const char *push(struct simulation *sim, const struct sim_ticket *ticket, const char *type,
                        const char *inner)
{
    const char *encrypt, *said;
    struct api_answer answer;
    struct sbuf body;

    sim->wechat->msg_id++;
    encrypt = seal(sim, write_message(sim, ticket, type, inner));
    sbuf_init(&body, 0);
    sbuf_adds(&body, "<xml>");
    element(&body, "ToUserName", "gh_simulated");
    element(&body, "Encrypt", encrypt);
    sbuf_adds(&body, "</xml>");
    const struct sim_request request = {.api = {.method = "POST",
                                                .path = target(sim, encrypt),
                                                .body = body.data,
                                                .body_len = body.len,
                                                .content_type = "text/xml",
                                                .is_patient = true}};
    enum sim_answer result = sim_ask(sim, &request, &answer);
    sbuf_free(&body);
    if (result != SIM_DONE)
        return NULL;
    sim->figures[FIGURE_MESSAGES]++;
    said = open_reply(sim, &answer);
    api_answer_free(&answer);
    if (said == NULL)
        sim_complain(sim, "POST /v1/wechat", client_text(sim->client, T_SIM_NO_REPLY));
    return said;
}

static const char *say(struct simulation *sim, const struct sim_ticket *ticket, const char *text)
{
    struct sbuf inner;
    const char *said;

    sbuf_init(&inner, 0);
    element(&inner, "Content", text);
    said = push(sim, ticket, "text", inner.data);
    sbuf_free(&inner);
    return said;
}

/* ---- a matter ----------------------------------------------------------------------------------
 */

/* A number of 18 digits, alone; NULL: none. */
static const char *find_number(struct simulation *sim, const char *text)
{
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789");

        if (digits == NUMBER_DIGITS)
            return arena_strndup(sim->scratch, text, digits);
        text += digits == 0 ? 1 : digits;
    }
    return NULL;
}

static void ask(struct simulation *sim, void *subject)
{
    const struct sim_ticket *ticket = subject;
    const char *said = say(sim, ticket, arena_printf(sim->scratch, "查询 %s", ticket->number));

    if (said == NULL)
        return;
    if (strstr(said, ticket->number) != NULL)
        sim->figures[FIGURE_LOOKED_UP]++;
    else
        sim_complain(sim, "查询", said);
}

static void got_number(struct simulation *sim, struct sim_ticket *ticket, const char *number)
{
    sim_received(sim, ticket, number);
    if (!ticket->is_settled)
        sim_after(sim, 3600, 7200, ask, ticket);
}

/* The reply came without the number: it is stored, but nobody was to wait for it. */
static void ask_for_number(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    const char *said = say(sim, ticket, "查询");
    const char *number = said == NULL ? NULL : find_number(sim, said);

    if (number != NULL) {
        got_number(sim, ticket, number);
    } else if (said == NULL || ++ticket->tries == MOST_ASKED) {
        if (said != NULL)
            sim_complain(sim, "提交", said);
        sim_settle(sim, ticket, END_OPEN);
    } else {
        sim_after(sim, 5, 10, ask_for_number, ticket);
    }
}

static void submit(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;
    const char *said = say(sim, ticket, "提交");
    const char *number = said == NULL ? NULL : find_number(sim, said);

    if (number != NULL)
        got_number(sim, ticket, number);
    else if (said != NULL)
        sim_after(sim, 5, 10, ask_for_number, ticket);
    else
        sim_settle(sim, ticket, END_OPEN);
}

static void send_place(struct simulation *sim, void *subject)
{
    const struct sim_ticket *ticket = subject;
    struct sbuf inner;

    sbuf_init(&inner, 0);
    for (size_t i = 0; i < ARRAY_LEN(middles); i++)
        if (strncmp(sim->city_code, middles[i].city, strlen(middles[i].city)) == 0)
            sbuf_addf(&inner, "<Location_X>%.6f</Location_X><Location_Y>%.6f</Location_Y>",
                      middles[i].latitude + (double)sim_random(sim, 1000) / 1e5,
                      middles[i].longitude + (double)sim_random(sim, 1000) / 1e5);
    if (inner.len > 0) {
        sbuf_adds(&inner, "<Scale>16</Scale>");
        element(&inner, "Label", ticket->address);
        push(sim, ticket, "location", inner.data);
    }
    sbuf_free(&inner);
    sim_after(sim, 10, 60, submit, subject);
}

void sim_wechat_arrive(struct simulation *sim, void *subject)
{
    struct sim_ticket *ticket = subject;

    if (say(sim, ticket, ticket->text) == NULL)
        sim_settle(sim, ticket, END_OPEN);
    else
        sim_after(sim, 5, 60, ticket->index % 3 == 0 ? submit : send_place, ticket);
}

/* ---- what he says to the result ----------------------------------------------------------------
 */

/* What the desk sees of it now. */
static bool is_in_state(struct simulation *sim, const struct sim_ticket *ticket, const char *wanted)
{
    struct api_answer answer;
    const char *state;
    bool is_so;

    if (sim_get(sim, "desk", sim_path(sim, "/v1/tickets/", ticket->number, ""), &answer) !=
        SIM_DONE)
        return false;
    state = json_string(json_get(api_root(&answer), "state"), NULL);
    is_so = state != NULL && strcmp(state, wanted) == 0;
    if (!is_so && !sim->is_shared)
        sim_complain(sim, ticket->number, state);
    api_answer_free(&answer);
    return is_so;
}

void sim_wechat_rate(struct simulation *sim, struct sim_ticket *ticket, int grade, bool is_solved)
{
    const char *text = arena_printf(sim->scratch, "评价 %s %d%s", ticket->number, grade,
                                    is_solved ? "" : " 未解决");

    if (say(sim, ticket, text) != NULL &&
        is_in_state(sim, ticket, is_solved ? "closed" : "handling"))
        sim_called_back(sim, ticket, is_solved);
    else
        sim_settle(sim, ticket, END_OPEN);
}

void sim_wechat_withdraw(struct simulation *sim, struct sim_ticket *ticket)
{
    const char *text = arena_printf(sim->scratch, "取消 %s", ticket->number);
    bool is_done = say(sim, ticket, text) != NULL && is_in_state(sim, ticket, "withdrawn");

    sim_settle(sim, ticket, is_done ? END_WITHDRAWN : END_OPEN);
}
