#include "traffic/wifi.h"

#include "check.h"
#include "otlp/names.h"

#include <string.h>

static struct wifi_traffic t;
static struct self_value values[WIFI_VALUES];
static size_t n_values;

static struct wifi_link reading(int signal_dbm, uint32_t frames, uint32_t retries)
{
    return (struct wifi_link){.signal_dbm = (int8_t)signal_dbm,
                              .sent_bit_s = 72200000,
                              .frames = frames,
                              .retries = retries};
}

static void take(struct wifi_link link)
{
    wifi_take(&t, &link);
}

static double value(const char *metric, bool delta)
{
    static const struct self_label received[2] = {{"network.interface.name", "wlan0"},
                                                  {"network.io.direction", "receive"}};
    static const struct self_label sent[2] = {{"network.interface.name", "wlan0"},
                                              {"network.io.direction", "transmit"}};
    const struct self_label *labels[2] = {received, sent};
    n_values = wifi_values(&t, delta, labels, values);
    for (size_t i = 0; i < n_values; i++)
        if (strcmp(values[i].name, metric) == 0)
            return values[i].value;
    return 1e9;
}

static const char *line(void)
{
    static struct text text;
    text_clear(&text);
    wifi_text(&t, &text);
    return text_string(&text);
}

static bool weak(void)
{
    struct text text = {0};
    bool is = wifi_problem(&t, "wlan0", &text);
    CHECK(is == (strstr(text_string(&text), "wlan0: the Wi-Fi signal is weak") != NULL),
          "text");
    text_free(&text);
    return is;
}

static void counts_since_the_start(void **state)
{
    (void)state;
    t = (struct wifi_traffic){.weak = 0};
    take(reading(-61, 1000, 300));
    CHECK_INT(0, value(METRIC_INTERFACE_WIFI_RETRIES, false),
              "what came before is left out");
    CHECK_INT(-61, value(METRIC_INTERFACE_WIFI_SIGNAL, false), "signal");
    CHECK_INT(72200000, value(METRIC_INTERFACE_WIFI_SPEED, false), "rate");
    take(reading(-61, 1200, 350));
    CHECK_INT(50, value(METRIC_INTERFACE_WIFI_RETRIES, false), "retries");
    CHECK_TEXT(", Wi-Fi -61 dBm, sent at 72 Mbit/s, 25 retries for 100 frames", line(),
               "status");
    take(reading(-61, 10, 5)); /* associated anew */
    CHECK_INT(50, value(METRIC_INTERFACE_WIFI_RETRIES, false), "begins again");
    take(reading(-61, 20, 9));
    CHECK_INT(54, value(METRIC_INTERFACE_WIFI_RETRIES, false), "and goes on");
    take(reading(-61, 30, 19));
    CHECK_INT(10, value(METRIC_INTERFACE_WIFI_RETRIES, true), "delta");
}

static void link_goes_and_comes(void **state)
{
    (void)state;
    t = (struct wifi_traffic){.weak = 0};
    take((struct wifi_link){0});
    CHECK_INT(1e9, value(METRIC_INTERFACE_WIFI_RETRIES, false), "never a link: no row");
    CHECK_INT(0, n_values, "nor any other");
    CHECK_TEXT("", line(), "nor a text");
    take(reading(-61, 0, 0));
    take(reading(-61, 100, 7));
    CHECK_INT(7, value(METRIC_INTERFACE_WIFI_RETRIES, false), "a link");
    take((struct wifi_link){0});
    CHECK_INT(7, value(METRIC_INTERFACE_WIFI_RETRIES, false), "the sum has no gap");
    CHECK_INT(1e9, value(METRIC_INTERFACE_WIFI_SIGNAL, false), "a signal does");
    take(reading(-61, 500, 90));
    CHECK_INT(7, value(METRIC_INTERFACE_WIFI_RETRIES, false), "meanwhile is unknown");
}

static void weak_signal(void **state)
{
    (void)state;
    t = (struct wifi_traffic){.weak = 0};
    take(reading(WIFI_WEAK_DBM - 1, 0, 0));
    CHECK(!weak(), "once");
    take(reading(WIFI_WEAK_DBM, 0, 0));
    take(reading(WIFI_WEAK_DBM - 1, 0, 0));
    CHECK(!weak(), "not in succession");
    take(reading(WIFI_WEAK_DBM - 1, 0, 0));
    take(reading(WIFI_WEAK_DBM - 9, 0, 0));
    CHECK(weak(), "in succession");
    take((struct wifi_link){0});
    CHECK(!weak(), "the link is gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_since_the_start),
        cmocka_unit_test(link_goes_and_comes),
        cmocka_unit_test(weak_signal),
    };
    return cmocka_run_group_tests_name("traffic/wifi", tests, NULL, NULL);
}
