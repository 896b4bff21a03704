/*
 * Regions from words: what addresses of real cities mean, every region by its full name, and
 * whatever else may be typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "hotline/place.h"
#include "unit/client/city_folder.h"
#include "unit/hotline/city_fixture.h"
#include "unit/hotline/random_city.h"

static const char *const jiangyin[] = {"daemon/cities/jiangyin", "daemon/cities/jiangyin-grid"};
static const char *const jiayuguan[] = {"daemon/cities/jiayuguan"};

/* ---- what addresses mean ------------------------------------------------------------------- */

struct golden {
    const char *text;
    const char *region; /* of the best; NULL = nothing is found */
    int score;
    bool is_certain;
};

static void assert_golden(const struct city *city, const struct golden *g)
{
    struct place_result result;
    place_find(city, g->text, strlen(g->text), &result);
    const struct place_candidate *best = &result.list[0];
    const char *found = result.count == 0 ? "nothing" : city_region(city, best->region)->code;
    const char *wanted = g->region == NULL ? "nothing" : g->region;
    if (strcmp(found, wanted) != 0 ||
        (g->region != NULL && (best->score != g->score || best->is_certain != g->is_certain)))
        fail_msg("%s: %s %d %d", g->text, found, result.count > 0 ? best->score : 0,
                 result.count > 0 && best->is_certain);
    assert_int_equal(place_certain(city, g->text, strlen(g->text)),
                     g->is_certain ? best->region : -1);
}

#define CHENGJIANG "320281001000"
#define WENDING "320281001001"

static const struct golden in_jiangyin[] = {
    /* as people write it, and with more or less around it */
    {"澄江街道文定社区3幢", WENDING, 90, true},
    {"江阴市澄江街道文定社区3幢502室", WENDING, 95, true},
    {"江苏省无锡市江阴市澄江街道办事处文定社区居委会", WENDING, 100, true},
    {"文定社区居民委员会3幢", WENDING, 80, true},
    {"文定居委会", WENDING, 80, true},
    {"澄江文定社区", WENDING, 85, true},
    {"文定社区，澄江街道", WENDING, 85, true},
    {"我家住在文定社区, 楼道里堆满了垃圾", WENDING, 80, true},
    {" 澄江　街道 文定\t社区 ３幢", WENDING, 90, true},
    {"澄江街道、「文定社区」（３幢）", WENDING, 90, true},
    {"澄江街道", CHENGJIANG, 85, true},
    {"江阴高新区滨江社区", "320281400003", 90, true},
    {"临港开发区", "320281404000", 80, true},
    {"高新技术产业开发区双牌社区", "320281400005", 90, true},
    /* numbers */
    {"华西1村", "320281107201", 80, true},
    {"华士镇华西１２村3号", "320281107212", 90, true},
    {"华西十一村", "320281107211", 80, true},
    {"澄江街道文定社区第一网格", "320281001001001", 90, true},
    {"文定社区02网格", "320281001001002", 90, true},
    {"文定社区居委会第3网格", "320281001001003", 85, true},
    {"澄江街道第1网格", CHENGJIANG, 85, true}, /* of which village? */
    {"第1网格", NULL, 0, false},
    /* a bare name may be a street or an estate */
    {"文定3幢", WENDING, 55, false},
    {"澄江街道文定3幢", CHENGJIANG, 85, true},
    {"澄江街道花园路3号", CHENGJIANG, 85, true},
    {"花园路3号", "320281001025", 35, false},
    {"西大街5号", "320281001014", 35, false},
    {"澄江中路12号", CHENGJIANG, 35, false},
    {"花园村路3号", "320281110206", 35, false},
    /* the longest name */
    {"璜塘上村", "320281001216", 80, true},
    {"徐霞客镇璜塘村", "320281104206", 90, true},
    {"青阳工业园区社区", "320281400402", 85, true},
    /* namesakes */
    {"君山3号", "320281001061", 55, false},
    {"君山村3组", "320281001225", 80, true},
    {"街西村", "320281103200", 80, false},
    {"青阳镇街西村", "320281103200", 90, true},
    {"青阳园区街西村", "320281405500", 90, true},
    {"新桥3号", "320281109000", 55, false},
    {"新桥镇新桥村", "320281109203", 90, true},
    /* against each other */
    {"南闸街道文定社区", "320281004000", 40, false},
    {"从澄江街道文定社区搬到南闸街道曙光村", NULL, 0, false},
    {"澄江街道文定社区与芙蓉社区之间", CHENGJIANG, 85, true},
    {"南闸文定社区", WENDING, 60, false},
    {"文定社区君山花园", WENDING, 80, true}, /* a detail */
    /* part of another name, of another city */
    {"桃花园村", "320281110206", 55, false},
    {"长泾镇桃花园村", "320281110000", 85, true},
    {"靖江市滨江社区", "320281400003", 35, false},
    {"靖江市澄江街道文定社区", WENDING, 45, false},
    {"无锡市江阴市滨江社区", "320281400003", 85, true},
    {"联华超市文定社区", WENDING, 80, true},
    {"江阴市南闸镇曙光村", "320281004202", 90, true}, /* it was a 镇 */
    /* nothing */
    {"", NULL, 0, false},
    {"江阴市", NULL, 0, false},
    {"江阴", NULL, 0, false},
    {"人民中路", NULL, 0, false},
    {"\xe6\xbe", NULL, 0, false},
    {"12345", NULL, 0, false},
};

static const struct golden in_jiayuguan[] = {
    {"嘉峪关市", NULL, 0, false}, /* the city and its only county */
    {"嘉峪关市雄关街道福民社区3号楼", "620201001001", 100, true},
    {"雄关街道福民社区", "620201001001", 95, true},
    {"福民社区", "620201001001", 85, true},
    {"嘉峪关市钢城街道", "620201002000", 90, true},
    {"雄关3号", "620201001000", 55, false}, /* the street and a community of it */
    {"新城镇新城村", "620201100203", 90, true},
    {"嘉峪关村村民委员会", "620201101201", 85, true},
    {"嘉峪关村", "620201101201", 80, true},
    {"人民路2号", "620201001005", 35, false},
    {"五一社区", "620201002004", 85, true},
    {"51号", NULL, 0, false},
};

static void test_addresses_of_jiangyin(void **state)
{
    (void)state;
    struct loaded_city c;
    loaded_city_open(&c, jiangyin, ARRAY_LEN(jiangyin));
    for (size_t i = 0; i < ARRAY_LEN(in_jiangyin); i++)
        assert_golden(c.city, &in_jiangyin[i]);
    loaded_city_close(&c);
}

static void test_addresses_of_jiayuguan(void **state)
{
    (void)state;
    struct loaded_city c;
    loaded_city_open(&c, jiayuguan, ARRAY_LEN(jiayuguan));
    for (size_t i = 0; i < ARRAY_LEN(in_jiayuguan); i++)
        assert_golden(c.city, &in_jiayuguan[i]);
    loaded_city_close(&c);
}

/* ---- what matched -------------------------------------------------------------------------- */

static void assert_span(const char *text, struct place_span span, const char *wanted)
{
    assert_int_equal(span.to - span.from, strlen(wanted));
    assert_memory_equal(text + span.from, wanted, strlen(wanted));
}

static void test_matches_are_told_as_written(void **state)
{
    (void)state;
    static const char text[] = "住江阴市， 澄江　街道文定社区３幢";
    struct loaded_city c;
    struct place_result result;
    loaded_city_open(&c, jiangyin, ARRAY_LEN(jiangyin));
    place_find(c.city, text, strlen(text), &result);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.list[0].span_count, 3);
    assert_span(text, result.list[0].spans[0], "江阴市");
    assert_span(text, result.list[0].spans[1], "澄江　街道");
    assert_span(text, result.list[0].spans[2], "文定社区");
    loaded_city_close(&c);
}

static void test_namesakes_are_all_offered(void **state)
{
    (void)state;
    static const char text[] = "澄江街道君山3幢";
    struct loaded_city c;
    struct place_result result;
    loaded_city_open(&c, jiangyin, ARRAY_LEN(jiangyin));
    place_find(c.city, text, strlen(text), &result);
    assert_int_equal(result.count, 3);
    assert_string_equal(city_region(c.city, result.list[1].region)->code, "320281001061");
    assert_string_equal(city_region(c.city, result.list[2].region)->code, "320281001225");
    assert_int_equal(result.list[1].score, result.list[2].score);
    loaded_city_close(&c);
}

/* ---- every region by its name -------------------------------------------------------------- */

/* Has another region below the same parent, or on the way up, the same name? */
static bool has_namesake(const struct city *city, int region)
{
    const struct region *own = city_region(city, region);
    for (int at = city_region_first_child(city, own->parent); at >= 0;
         at = city_region_next_sibling(city, at))
        if (at != region && strcmp(city_region(city, at)->name, own->name) == 0)
            return true;
    return strcmp(city_region(city, own->parent)->name, own->name) == 0;
}

static bool check_path(const struct city *city, int region, bool with_city)
{
    int path[CITY_MAX_DEPTH];
    size_t length = city_region_path(city, region, path);
    struct sbuf text;
    if (length < 2 || has_namesake(city, region))
        return false;
    sbuf_init(&text, 0);
    for (size_t i = with_city ? 0 : 1; i < length; i++)
        sbuf_adds(&text, city_region(city, path[i])->name);
    sbuf_adds(&text, "3幢");
    int found = place_certain(city, text.data, text.len);
    if (found != region)
        fail_msg("%s: %s", text.data, found < 0 ? "none" : city_region(city, found)->code);
    sbuf_free(&text);
    return true;
}

static void assert_every_path(const char *const *folders, size_t count, size_t at_least)
{
    struct loaded_city c;
    size_t checked = 0;
    loaded_city_open(&c, folders, count);
    for (size_t i = 0; i < city_region_count(c.city); i++)
        checked += check_path(c.city, (int)i, true) && check_path(c.city, (int)i, false);
    assert_true(checked >= at_least);
    loaded_city_close(&c);
}

static void test_every_region_is_found_by_its_path(void **state)
{
    (void)state;
    assert_every_path(jiangyin, 1, 303);
    assert_every_path(jiangyin, 2, 678);
    assert_every_path(jiayuguan, 1, 53);
}

/* Without the official ending nobody writes: 澄江街道文定社区, 华士镇华西一村. */
static void test_every_village_is_found_by_its_usual_name(void **state)
{
    (void)state;
    static const struct {
        const char *official, *usual;
    } endings[] = {{"社区居委会", "社区"}, {"社区居民委员会", "社区"}, {"村村委会", "村"}};
    struct loaded_city c;
    size_t checked = 0;
    loaded_city_open(&c, jiangyin, 1);
    for (size_t i = 0; i < city_region_count(c.city); i++) {
        const struct region *r = city_region(c.city, (int)i);
        for (size_t e = 0; e < ARRAY_LEN(endings); e++) {
            size_t cut = strlen(endings[e].official), len = strlen(r->name);
            char text[512];
            if (len <= cut || strcmp(r->name + len - cut, endings[e].official) != 0)
                continue;
            (void)snprintf(text, sizeof(text), "%s%.*s%s12号", city_region(c.city, r->parent)->name,
                           (int)(len - cut), r->name, endings[e].usual);
            if (place_certain(c.city, text, strlen(text)) != (int)i)
                fail_msg("%s", text);
            checked++;
        }
    }
    assert_true(checked >= 270);
    loaded_city_close(&c);
}

/* ---- whatever is typed --------------------------------------------------------------------- */

static void assert_sound(const struct city *city, const char *text, size_t len)
{
    struct place_result r, again;
    place_find(city, text, len, &r);
    place_find(city, text, len, &again);
    assert_int_equal(r.count, again.count);
    assert_true(r.count <= PLACE_MAX_CANDIDATES);
    for (size_t i = 0; i < r.count; i++) {
        const struct place_candidate *c = &r.list[i];
        assert_int_equal(c->region, again.list[i].region);
        assert_int_equal(c->score, again.list[i].score);
        assert_true(c->score >= PLACE_OFFERED && c->score <= 100);
        assert_true(i == 0 || c->score <= r.list[i - 1].score);
        assert_true(!c->is_certain || (i == 0 && c->score >= PLACE_CERTAIN));
        assert_true(c->span_count > 0 && c->span_count <= CITY_MAX_DEPTH);
        for (size_t s = 0; s < c->span_count; s++)
            assert_true(c->spans[s].from < c->spans[s].to && c->spans[s].to <= len &&
                        (s == 0 || c->spans[s].from >= c->spans[s - 1].to));
    }
}

/* Names strung together, then bytes changed, cut out and doubled. */
static size_t random_text(struct random *random, const struct city *city, char *text, size_t room)
{
    size_t len = 0;
    for (int n = random_below(random, 5); n >= 0; n--) {
        const char *name =
            city_region(city, random_below(random, (int)city_region_count(city)))->name;
        size_t take = (size_t)random_below(random, (int)strlen(name) + 1);
        if (len + take > room)
            break;
        memcpy(text + len, name, take);
        len += take;
    }
    for (int n = random_below(random, 4); n > 0 && len > 0; n--) {
        size_t at = (size_t)random_below(random, (int)len);
        text[at] = (char)(unsigned char)random_below(random, 256);
    }
    return len;
}

static void test_mutations(void **state)
{
    (void)state;
    struct random random = {20260213};
    struct loaded_city c;
    char text[1024];
    loaded_city_open(&c, jiangyin, ARRAY_LEN(jiangyin));
    for (int i = 0; i < 10000; i++) {
        size_t len = random_text(&random, c.city, text, sizeof(text));
        char *exact = xmalloc(len + 1); /* so that a sanitizer sees one byte too many */
        memcpy(exact, text, len);
        assert_sound(c.city, exact, len);
        free(exact);
    }
    loaded_city_close(&c);
}

/* Only the beginning is read: what is certain there stays so, what comes later is not seen. */
static void test_long_texts(void **state)
{
    (void)state;
    struct loaded_city c;
    struct sbuf text;
    loaded_city_open(&c, jiangyin, ARRAY_LEN(jiangyin));
    sbuf_init(&text, 0);
    sbuf_adds(&text, "澄江街道文定社区");
    for (int i = 0; i < 7000; i++)
        sbuf_adds(&text, "字");
    sbuf_adds(&text, "南闸街道");
    assert_sound(c.city, text.data, text.len);
    int region = place_certain(c.city, text.data, text.len);
    assert_int_equal(region, city_find_region(c.city, WENDING));
    sbuf_clear(&text);
    for (int i = 0; i < PLACE_TEXT_MAX - 3; i++)
        sbuf_adds(&text, "字");
    sbuf_adds(&text, "南闸街道");
    assert_int_equal(place_certain(c.city, text.data, text.len), -1);
    sbuf_clear(&text);
    for (int i = 0; i < 7000; i++)
        sbuf_adds(&text, city_region(c.city, i % 300)->name);
    assert_sound(c.city, text.data, text.len);
    sbuf_free(&text);
    loaded_city_close(&c);
}

/* ---- aliases ------------------------------------------------------------------------------- */

static int certain_in(const struct city_fixture *f, const char *text)
{
    struct city *city = city_fixture_build(f);
    int region = place_certain(city, text, strlen(text));
    city_unref(&city);
    return region;
}

static void test_aliases(void **state)
{
    (void)state;
    static const char *const old_name[] = {"老城厢", "CBD"};
    struct city_fixture f;
    city_fixture_init(&f);
    assert_int_equal(certain_in(&f, "老城厢5号"), -1);
    f.regions[REGION_COM_A1].aliases = old_name;
    f.regions[REGION_COM_A1].alias_count = 2;
    assert_int_equal(certain_in(&f, "老城厢5号"), REGION_COM_A1);
    assert_int_equal(certain_in(&f, "ｃｂｄ 5号"), REGION_COM_A1);
    assert_int_equal(certain_in(&f, "5号cbd楼"), REGION_COM_A1);
    assert_int_equal(certain_in(&f, "A CBD楼"), REGION_COM_A1);
    assert_int_equal(certain_in(&f, "acbd楼"), -1);
    f.regions[REGION_COM_B1].aliases = old_name; /* of two it is nobody's */
    f.regions[REGION_COM_B1].alias_count = 1;
    assert_int_equal(certain_in(&f, "老城厢5号"), -1);
}

static void assert_alias_refused(const char *const *aliases, size_t count)
{
    static struct city_faults faults;
    struct city_fixture f;
    city_fixture_init(&f);
    f.regions[REGION_COM_A1].aliases = aliases;
    f.regions[REGION_COM_A1].alias_count = count;
    assert_null(city_build(&f.spec, &faults));
    assert_int_equal(faults.errors, 1);
    assert_string_equal(faults.list[0].reason, "range");
    assert_non_null(strstr(faults.list[0].field, "].aliases"));
}

static void test_aliases_are_checked(void **state)
{
    (void)state;
    char long_alias[CITY_MAX_NAME_BYTES + 2];
    const char *many[CITY_MAX_ALIASES + 1];
    const char *one = "村", *none = "", *too_long = long_alias;
    memset(long_alias, 'x', sizeof(long_alias) - 1);
    long_alias[sizeof(long_alias) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = "别名";
    assert_alias_refused(&one, 1);
    assert_alias_refused(&none, 1);
    assert_alias_refused(&too_long, 1);
    assert_alias_refused(many, ARRAY_LEN(many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_jiangyin),
        cmocka_unit_test(test_addresses_of_jiayuguan),
        cmocka_unit_test(test_matches_are_told_as_written),
        cmocka_unit_test(test_namesakes_are_all_offered),
        cmocka_unit_test(test_every_region_is_found_by_its_path),
        cmocka_unit_test(test_every_village_is_found_by_its_usual_name),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_aliases_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
