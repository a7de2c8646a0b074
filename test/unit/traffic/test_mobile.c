#include "traffic/mobile.h"

#include "check.h"
#include "otlp/names.h"

#include <math.h>

static struct mobile_traffic t;

static struct modem_link reading(double rsrp_dbm, int quality)
{
    return (struct modem_link){.found = true,
                               .radio = "LTE",
                               .quality = quality,
                               .rsrp_dbm = rsrp_dbm,
                               .snr_db = NAN};
}

static void take(struct modem_link link)
{
    mobile_take(&t, &link);
}

static const char *line(void)
{
    static struct text text;
    text_clear(&text);
    mobile_text(&t, &text);
    return text_string(&text);
}

static bool weak(void)
{
    struct text text = {0};
    bool is = mobile_problem(&t, "wwan0", &text);
    text_free(&text);
    return is;
}

static void what_is_known(void **state)
{
    (void)state;
    struct self_value values[MOBILE_VALUES];
    t = (struct mobile_traffic){.weak = 0};
    CHECK_INT(0, mobile_values(&t, NULL, values), "no modem");
    CHECK_TEXT("", line(), "no modem");
    take(reading(-98, 67));
    CHECK_INT(2, mobile_values(&t, NULL, values), "the SNR is not known");
    CHECK_TEXT(METRIC_INTERFACE_MODEM_SIGNAL, values[0].name, "RSRP");
    CHECK(values[0].value == -98 && values[1].value == 0.67, "values");
    CHECK_TEXT(", LTE -98 dBm (quality 67 %)", line(), "status");
    take(reading(NAN, 67));
    CHECK_TEXT(", LTE (quality 67 %)", line(), "without RSRP");
    take((struct modem_link){
        .found = true, .quality = -1, .rsrp_dbm = NAN, .snr_db = NAN});
    CHECK_INT(0, mobile_values(&t, NULL, values), "not registered");
    CHECK_TEXT(", modem", line(), "not registered");
}

static void weak_signal(void **state)
{
    (void)state;
    t = (struct mobile_traffic){.weak = 0};
    take(reading(-111, 90));
    CHECK(!weak(), "once");
    take(reading(-110, 5));
    CHECK(!weak(), "the power counts where it is known");
    take(reading(-111, 90));
    take(reading(-125, 90));
    CHECK(weak(), "in succession");
    take(reading(NAN, 20));
    CHECK(!weak(), "fair quality");
    take(reading(NAN, 19));
    take(reading(NAN, 0));
    CHECK(weak(), "poor quality");
    take(reading(NAN, -1));
    CHECK(!weak(), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known),
        cmocka_unit_test(weak_signal),
    };
    return cmocka_run_group_tests_name("traffic/mobile", tests, NULL, NULL);
}
