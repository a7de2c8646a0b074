/* The agent's identity over restarts, disk faults and on a cloned disk. */
#include "daemon/identity.h"

#include "io/spool/spool_bed.h"
#include "net/machine.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/syscall.h>

static int read_error; /* of files named instance_id or machine; 0: none */

ssize_t read(int fd, void *to, size_t n)
{
    char self[32], path[256];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(self, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    if (read_error != 0 &&
        (strstr(path, "/instance_id") != NULL || strstr(path, "/machine") != NULL)) {
        errno = read_error;
        return -1;
    }
    return syscall(SYS_read, fd, to, n);
}

#define ONE "11111111111111111111111111111111"
#define TWO "22222222222222222222222222222222"

static void begin(struct spool_bed *b)
{
    read_error = 0;
    bed_begin(b);
    CHECK_INT(0, mkdir(b->state, 0700), "a state folder");
}

static void end(struct spool_bed *b)
{
    uv_loop_close(&b->loop);
    child_folder_remove(&b->folder);
}

static const char *load(const struct spool_bed *b, const char *machine)
{
    static char ids[4][IDENTITY_TEXT_MAX];
    static unsigned turn;
    char *id = ids[turn++ % 4];
    CHECK_INT(0, identity_load(id, b->state, machine), "loaded");
    CHECK_INT(36, strlen(id), "a UUID");
    return id;
}

static void over_restarts(void **state)
{
    (void)state;
    struct spool_bed b;
    begin(&b);
    const char *first = load(&b, ONE);
    CHECK_TEXT(first, load(&b, ONE), "the same machine");
    CHECK_TEXT(first, load(&b, ""), "the machine is not known");
    bed_run(&b, "", "rm machine");
    CHECK_TEXT(first, load(&b, TWO), "of a version that kept no machine");
    CHECK_TEXT(first, load(&b, TWO), "which is bound now");
    CHECK(strcmp(first, load(&b, ONE)) != 0, "to that one");
    bed_run(&b, "", "echo rubbish > machine");
    first = load(&b, ONE);
    CHECK_TEXT(first, load(&b, ONE), "rubbish says nothing");
    bed_run(&b, "", "echo rubbish > instance_id");
    CHECK(strcmp(first, load(&b, ONE)) != 0, "no UUID: replaced");
    end(&b);
}

/* The disk image has a spool and a history. Each clone moves them aside and ships only its
 * own measurements. */
static void cloned(void **state)
{
    (void)state;
    struct spool_bed b;
    char original[IDENTITY_TEXT_MAX], path[128];
    begin(&b);
    snprintf(original, sizeof original, "%s", load(&b, ONE));
    bed_open(&b, wide);
    for (unsigned i = 1; i <= 3; i++)
        bed_add(&b, i);
    bed_written(&b, 3);
    bed_take(&b);
    bed_settle(&b);
    char id[IDENTITY_TEXT_MAX];
    CHECK_INT(-EWOULDBLOCK, identity_load(id, b.state, TWO), "not under a running agent");
    CHECK_TEXT("", id, "no identity");
    bed_close(&b);

    const char *clone = load(&b, TWO);
    CHECK(strcmp(original, clone) != 0, "an identity of its own");
    CHECK_TEXT(clone, load(&b, TWO), "which it keeps");
    bed_open(&b, wide);
    CHECK(bed_empty(&b), "it does not send what the original has");
    CHECK_INT(0, spool_counters(b.spool).history, "and has no history");
    bed_add(&b, 9);
    bed_written(&b, 1);
    CHECK_INT(9, bed_take(&b), "it sends its own");
    bed_close(&b);
    snprintf(path, sizeof path, "/../of-%s/spool", original);
    CHECK_INT(2, bed_files(&b, path), "nothing of the original is lost");
    snprintf(path, sizeof path, "/../of-%s/history", original);
    CHECK_INT(1, bed_files(&b, path), "nor of its history");
    end(&b);
}

/* Power cut at any point of the change: no clone has the original's identity with its own
 * machine hash, and no batch is lost. */
static void cut_while_moving(void **state)
{
    (void)state;
    static const char *const half[] = {
        "mkdir of-$(cat instance_id)",
        "mkdir of-$(cat instance_id) && mv spool of-*/",
        ("mkdir of-$(cat instance_id) && mv spool of-*/ && mkdir -p history && "
         "mv history of-*/"),
    };
    for (size_t i = 0; i < sizeof half / sizeof *half; i++) {
        struct spool_bed b;
        char original[IDENTITY_TEXT_MAX], command[128];
        begin(&b);
        snprintf(original, sizeof original, "%s", load(&b, ONE));
        bed_open(&b, wide);
        bed_add(&b, 1);
        bed_close(&b);
        bed_run(&b, "", half[i]);
        CHECK(strcmp(original, load(&b, TWO)) != 0, "an identity of its own");
        snprintf(command, sizeof command, "test -f of-%s/spool/*1-metrics.pb.gz",
                 original);
        bed_run(&b, "", command); /* fails if it is missing */
        end(&b);
    }
}

/* A temporary read error does not give the site a second identity. */
static void disk_fails(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOMEM, EACCES, ESTALE};
    struct spool_bed b;
    char id[IDENTITY_TEXT_MAX];
    begin(&b);
    const char *first = load(&b, ONE);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        read_error = errors[i];
        CHECK_INT(-errors[i], identity_load(id, b.state, TWO), "said");
        CHECK_TEXT("", id, "none is made");
        read_error = 0;
        CHECK_TEXT(first, load(&b, ONE), "it is still there");
    }
    bed_run(&b, "", "mv instance_id id && mkfifo instance_id");
    CHECK_INT(-EMEDIUMTYPE, identity_load(id, b.state, ONE), "a FIFO does not block");
    bed_run(&b, "", "rm instance_id && mv id instance_id");
    CHECK_TEXT(first, load(&b, ONE), "it is still there");
    end(&b);
}

/* ---- machine hash ---- */

static void machine_ids(void **state)
{
    (void)state;
    static const struct {
        const char *text; /* of /etc/machine-id; NULL: unchanged */
        int rc;
    } rows[] = {
        {ONE "\n", 0},
        {TWO, 0},
        {"", -ENOENT},
        {"uninitialized\n", -ENOENT},
        {"00000000000000000000000000000000\n", -ENOENT},
        {"111\n", -ENOENT},
        {ONE "1\n", -ENOENT},
    };
    char hash[2][MACHINE_TEXT_MAX], other[MACHINE_TEXT_MAX], path[128];
    struct spool_bed b;
    if (!own_mounts || access("/etc/machine-id", F_OK) < 0) {
        print_message("# no mount namespace, or no /etc/machine-id to mount over\n");
        skip();
    }
    begin(&b);
    unsetenv("container");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        child_write(b.folder.path, "id", rows[i].text);
        snprintf(path, sizeof path, "%s/id", b.folder.path);
        CHECK_INT(0, mount(path, "/etc/machine-id", NULL, MS_BIND, NULL), "mounted");
        CHECK_INT(rows[i].rc, machine_hash(i < 2 ? hash[i] : other), rows[i].text);
        setenv("container", "podman", 1);
        CHECK_INT(-ENOENT, machine_hash(other), "made anew with each container");
        unsetenv("container");
        umount2("/etc/machine-id", MNT_DETACH);
    }
    CHECK_INT(32, strlen(hash[0]), "128 bits");
    CHECK(strcmp(hash[0], hash[1]) != 0, "another machine, another hash");
    CHECK(strstr(hash[0], "1111111") == NULL, "which does not tell the id");
    end(&b);
}

int main(void)
{
    bed_own_mounts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_restarts),    cmocka_unit_test(cloned),
        cmocka_unit_test(cut_while_moving), cmocka_unit_test(disk_fails),
        cmocka_unit_test(machine_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
