/* The state file of the budget. */
#include "core/budget.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct budget b;
    struct wall wall = {INT64_C(1795392000) * NS_PER_S};
    struct mono now = {NS_PER_S};
    struct text text = {0};
    double granted;
    budget_begin(&b, (struct budget_amount){5e7, 2e5}, wall, now);
    bool fine = budget_read(&b, (const char *)bytes, len);
    assert(!fine || (budget_spent(&b) >= 0 && budget_spent(&b) <= 1.001 * b.granted + 1));
    if (budget_grant(&b, true, &text, &granted))
        assert(budget_read(&b, text.bytes, text.len) || granted > 1e14);
    budget_take(&b, BUDGET_PROBES, (struct budget_amount){100, 1}, wall, now);
    text_free(&text);
    return 0;
}
