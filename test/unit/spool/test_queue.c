#include "spool/queue.h"

#include "check.h"

static void add(struct queue *q, uint64_t id, size_t len, bool in_memory)
{
    queue_add(q, (struct waiting){
                     .id = id, .len = len, .bytes = in_memory ? malloc(len) : NULL});
}

static void first_in_first_out(void **state)
{
    (void)state;
    struct queue q = {0};
    CHECK(queue_oldest(&q) == NULL && queue_oldest_in_memory(&q) == NULL, "empty");
    for (uint64_t id = 1; id <= 20000; id++)
        add(&q, 3 * id, 10, false);
    CHECK_INT(200000, q.bytes, "bytes");
    for (uint64_t id = 1; id <= 20000; id++) {
        CHECK_INT(3 * id, queue_oldest(&q)->id, "oldest");
        CHECK(queue_find(&q, 3 * id) == queue_oldest(&q), "found");
        CHECK(queue_find(&q, 3 * id + 1) == NULL, "no such id");
        queue_remove(&q, queue_oldest(&q));
        CHECK(queue_find(&q, 3 * id) == NULL, "gone");
    }
    CHECK(queue_count(&q) == 0 && q.bytes == 0, "empty again");
    CHECK(q.room < 1024, "room for %zu is kept after an outage", q.room);
    queue_free(&q);
}

/* Always a few in it, for a long time: the room is used again. */
static void room_stays_small(void **state)
{
    (void)state;
    struct queue q = {0};
    for (uint64_t id = 1; id <= 100000; id++) {
        add(&q, id, 1, false);
        if (id > 5)
            queue_remove(&q, queue_oldest(&q));
    }
    CHECK_INT(5, queue_count(&q), "waiting");
    CHECK(q.room < 64, "room for %zu", q.room);
    queue_free(&q);
}

static void disk_then_memory(void **state)
{
    (void)state;
    struct queue q = {0};
    add(&q, 1, 5, false);
    for (uint64_t id = 2; id <= 6; id++)
        add(&q, id, 7, true);
    CHECK_INT(2, queue_oldest_in_memory(&q)->id, "the oldest in memory");
    CHECK_INT(5 * 7, q.memory_bytes, "bytes in memory");
    free(queue_written(&q));
    CHECK(queue_find(&q, 2)->bytes == NULL, "on disk");
    CHECK_INT(3, queue_oldest_in_memory(&q)->id, "the next one");
    free(queue_remove(&q, queue_find(&q, 5))); /* from the middle */
    free(queue_remove(&q, queue_find(&q, 3)));
    CHECK_INT(4, queue_oldest_in_memory(&q)->id, "the next one");
    CHECK(queue_remove(&q, queue_oldest(&q)) == NULL, "on disk: no bytes");
    CHECK_INT(2, queue_oldest(&q)->id, "in order");
    CHECK_INT(2 * 7, q.memory_bytes, "4 and 6");
    CHECK_INT(3 * 7, q.bytes, "2, 4 and 6");
    queue_free(&q);
    CHECK(queue_count(&q) == 0 && q.memory_bytes == 0, "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(room_stays_small),
        cmocka_unit_test(disk_then_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
