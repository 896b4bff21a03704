/*
 * The form of GeoReport v2: whatever is accepted keeps the promises of open311_read_post(), and
 * what is written of it is XML whose elements close in order.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/open311.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t max)
{
    INVARIANT(!text || (*text && utf8_valid(text, strlen(text))));
    INVARIANT(!text || utf8_length(text, strlen(text)) <= max);
}

static void check_post(const struct open311_post *post)
{
    INVARIANT(post->service_code);
    INVARIANT(post->has_place || post->address_string || post->address_id);
    INVARIANT(post->lat >= -90 && post->lat <= 90 && post->lon >= -180 && post->lon <= 180);
    INVARIANT((int)post->kind >= 0 && (int)post->kind < KIND_COUNT);
    check_text(post->description, OPEN311_DESCRIPTION_MAX);
    check_text(post->media_url, OPEN311_URL_MAX);
    check_text(post->service_code, 64);
}

/* Every '<' of a document is one of ours: what came from outside is escaped. */
static void check_xml(const struct open311_post *post)
{
    static const struct open311_request plain = {.id = "1"};
    struct open311_request request = {.id = "1",
                                      .description = post->description,
                                      .address = post->address_string,
                                      .address_id = post->address_id,
                                      .media_url = post->media_url,
                                      .service_code = post->service_code};
    const struct open311_request *both[] = {&plain, &request};
    size_t signs[2] = {0, 0};

    for (size_t i = 0; i < 2; i++) {
        struct open311_list list;
        struct sbuf out;
        sbuf_init(&out, 0);
        open311_requests_begin(&list, OPEN311_XML, &out);
        open311_requests_add(&list, both[i], 480);
        open311_list_end(&list);
        for (const char *at = out.data; *at; at++)
            signs[i] += *at == '<';
        sbuf_free(&out);
    }
    size_t filled = (size_t)(!!post->description + !!post->address_string + !!post->address_id +
                             !!post->media_url + !!post->service_code);
    INVARIANT(signs[1] == signs[0] + filled); /* <x/> became <x>...</x> */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct faults faults;
    struct open311_post post;

    faults_init(&faults, arena);
    bool ok = open311_read_post((const char *)data, size, arena, &post, &faults);
    INVARIANT(ok == (faults.count == 0));
    if (ok) {
        check_post(&post);
        check_xml(&post);
    }
    arena_free(&arena);
    return 0;
}
