/* Untrusted batches of the history: decodes the input as metrics and as logs, and renders
 * a page. */
#include "core/time.h"
#include "probe/kinds.h"
#include "report/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct edge_data nothing;
    static struct rating ratings[DATASET_TARGETS_MAX];
    const struct limits limits = {.delay_ns = NS_PER_MS, .loss_ratio = 0.01};
    struct text page = {0};
    struct dataset *p = dataset_create(probe_kind_words(), len % 2 * NS_PER_S, INT64_MAX);
    dataset_add(p, SIGNAL_METRICS, bytes, len);
    dataset_add(p, SIGNAL_LOGS, bytes, len);
    dataset_end(p);
    for (size_t i = 0; i < p->n_targets; i++)
        rating_make(&ratings[i], p, p->targets[i], &limits);
    page_render(&page, &(struct page){.dataset = p,
                                      .ratings = ratings,
                                      .n_own = p->n_targets / 2,
                                      .known = &nothing});
    for (size_t i = 0; i < p->n_targets; i++)
        rating_free(&ratings[i]);
    dataset_free(p);
    text_free(&page);
    return 0;
}
