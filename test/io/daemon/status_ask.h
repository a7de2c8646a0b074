/*
 * Queries the status socket while the agent's loop runs in the same thread.
 */
#ifndef EDGELAT_TEST_STATUS_ASK_H
#define EDGELAT_TEST_STATUS_ASK_H

#include "check.h"

#include "core/time.h"
#include "status/answer.h"
#include "status/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct asked {
    char bytes[65536];
    size_t len;
    struct status_answer answer;
};

static inline void ask_status(struct asked *a, uv_loop_t *loop, const char *path)
{
    uint64_t until = uv_hrtime() + 5 * NS_PER_S;
    int fd = status_connect(path, NS_PER_S);
    CHECK(fd >= 0, "connected: %s", strerror(-fd));
    a->len = 0;
    for (ssize_t n = 1; n != 0;) {
        CHECK(uv_hrtime() < until, "5 s and no answer");
        uv_run(loop, UV_RUN_NOWAIT);
        n = recv(fd, a->bytes + a->len, sizeof a->bytes - 1 - a->len, MSG_DONTWAIT);
        CHECK(n >= 0 || errno == EAGAIN, "%s", strerror(errno));
        if (n > 0)
            a->len += (size_t)n;
    }
    close(fd);
    a->bytes[a->len] = '\0';
    CHECK(answer_read(&a->answer, a->bytes, a->len), "an answer");
}

#define CHECK_STATUS(a, text)                                                            \
    CHECK(strstr((a)->bytes, (text)) != NULL, "%s is in %s", (text), (a)->bytes)

#endif
