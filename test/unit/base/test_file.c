#include "base/file.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void whole_or_not_at_all(void **state)
{
    (void)state;
    char dir[] = "/tmp/edgelat-file-XXXXXX";
    CHECK(mkdtemp(dir) != NULL, "a folder");
    int folder = open(dir, O_RDONLY | O_DIRECTORY);

    CHECK_INT(0, file_write_whole(folder, "id", "first", 5), "a new file");
    CHECK_INT(0, file_write_whole(folder, "id", "2nd", 3),
              "takes the place of the old one");
    char read_back[8] = {0};
    int fd = openat(folder, "id", O_RDONLY);
    CHECK_INT(3, read(fd, read_back, sizeof read_back), "length");
    CHECK_TEXT("2nd", read_back, "content");
    close(fd);
    CHECK_INT(-1, faccessat(folder, "id.tmp", F_OK, 0), "nothing is left beside it");

    CHECK_INT(0, symlinkat("id", folder, "id.tmp"), "left by somebody");
    CHECK_INT(0, file_write_whole(folder, "id", "3rd", 3), "is replaced");
    fd = openat(folder, "id", O_RDONLY | O_NOFOLLOW);
    CHECK_INT(3, read(fd, read_back, sizeof read_back), "length");
    CHECK_TEXT("3rd", read_back, "content");
    close(fd);

    CHECK_INT(-ENOENT, file_write_whole(folder, "no/such", "x", 1), "no such folder");
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_INT(-ENAMETOOLONG, file_write_whole(folder, name, "x", 1),
              "a name that is too long");

    struct file_writer w = file_writer_of(folder, "id");
    file_drop(&w);
    CHECK_INT(0, file_put(&w, "pie", 3), "a piece");
    CHECK_INT(0, faccessat(folder, "id.tmp", F_OK, 0), "it goes into another file");
    file_drop(&w);
    CHECK_INT(-1, faccessat(folder, "id.tmp", F_OK, 0), "which is removed");
    CHECK_INT(0, file_put(&w, "pie", 3), "a piece");
    CHECK_INT(0, file_put(&w, "ces", 3), "another");
    CHECK_INT(0, file_commit(&w), "all");
    fd = openat(folder, "id", O_RDONLY);
    CHECK_INT(6, read(fd, read_back, sizeof read_back), "length");
    CHECK_TEXT("pieces", read_back, "content");
    close(fd);

    unlinkat(folder, "id", 0);
    close(folder);
    CHECK_INT(0, rmdir(dir), "the folder is empty again");
}

/* ---- reading; read() of this process goes through here ---- */

static struct {
    int error;     /* read() fails with it ... */
    int after;     /* ... after so many calls */
    size_t most;   /* at most so many bytes a call; 0: all */
    int interrupt; /* so many calls end with EINTR first */
} play;

ssize_t read(int fd, void *to, size_t n)
{
    if (play.interrupt > 0) {
        play.interrupt--;
        errno = EINTR;
        return -1;
    }
    if (play.error != 0 && play.after-- <= 0) {
        errno = play.error;
        return -1;
    }
    if (play.most > 0 && n > play.most)
        n = play.most;
    return syscall(SYS_read, fd, to, n);
}

static char dir[] = "/tmp/edgelat-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(dir) != NULL && chdir(dir) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return chdir("/") == 0 ? system(command) : -1;
}

static void put(const char *name, const char *text, size_t len)
{
    FILE *file = fopen(name, "w");
    CHECK(file != NULL, "%s", name);
    CHECK_INT(len, fwrite(text, 1, len, file), name);
    fclose(file);
}

static int read_it(const char *name, unsigned options, size_t most, const char *expected)
{
    char *bytes = NULL;
    size_t len = 0;
    int rc = file_read(AT_FDCWD, name, options, most, &bytes, &len);
    if (rc == 0)
        CHECK_TEXT(expected, bytes, name);
    if (rc == 0)
        CHECK_INT(strlen(expected), len, name);
    free(bytes);
    return rc;
}

static void the_disk(void **state)
{
    (void)state;
    static const int errors[] = {EIO, ENOMEM, ESTALE, EACCES};
    put("f", "0123456789", 10);
    play.most = 3;
    play.interrupt = 5;
    CHECK_INT(0, read_it("f", 0, 10, "0123456789"), "short and interrupted reads");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (int after = 0; after < 4; after++) {
            play.error = errors[i];
            play.after = after;
            CHECK_INT(-errors[i], read_it("f", 0, 10, ""), "an error at any read");
        }
    play.error = 0;
    play.most = 0;
    CHECK_INT(0, read_it("f", 0, 10, "0123456789"), "fine again");
    CHECK_INT(-EFBIG, read_it("f", 0, 9, ""), "one byte too long");
    put("f", "", 0);
    CHECK_INT(0, read_it("f", 0, 9, ""), "empty");
    CHECK_INT(-ENOENT, read_it("none", 0, 9, ""), "is not there");
}

static void byte_order_mark(void **state)
{
    (void)state;
    put("f", "\xEF\xBB\xBFx", 4);
    CHECK_INT(0, read_it("f", FILE_SKIP_BOM, 10, "x"), "left out");
    CHECK_INT(0, read_it("f", 0, 10, "\xEF\xBB\xBFx"), "not asked for");
    put("f", "\xEF\xBB", 2);
    CHECK_INT(0, read_it("f", FILE_SKIP_BOM, 10, "\xEF\xBB"), "none");
}

/* None of these blocks or is read. */
static void no_file(void **state)
{
    (void)state;
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(0, bind(s, (struct sockaddr *)&a, sizeof a), "a socket");
    CHECK_INT(0, mkfifo("fifo", 0600), "a FIFO");
    CHECK_INT(0, mkdir("folder", 0700), "a folder");
    CHECK_INT(0, symlink("loop", "loop"), "a loop");
    CHECK_INT(0, symlink("fifo", "to-fifo"), "a link to a FIFO");
    CHECK_INT(0, symlink("/dev/zero", "to-zero"), "a link to a device");
    put("f", "x", 1);
    CHECK_INT(0, symlink("f", "to-f"), "a link to a file");
    static const struct {
        const char *name;
        unsigned options;
        int rc;
    } rows[] = {
        {"socket", 0, -EMEDIUMTYPE},
        {"fifo", 0, -EMEDIUMTYPE},
        {"folder", 0, -EISDIR},
        {"loop", 0, -ELOOP},
        {"to-fifo", 0, -EMEDIUMTYPE},
        {"to-zero", 0, -EMEDIUMTYPE},
        {"/dev/null", 0, -EMEDIUMTYPE},
        {"/dev/tty", 0, -EMEDIUMTYPE},
        {"to-f", 0, 0},
        {"to-f", FILE_NO_LINK, -ELOOP},
        {"fifo", FILE_INHERITED, -EMEDIUMTYPE},
        {"f/x", 0, -ENOTDIR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(rows[i].rc, read_it(rows[i].name, rows[i].options, 10, "x"),
                  rows[i].name);
    close(s);
}

/* Only with FILE_INHERITED: an inherited descriptor may be a pipe. */
static void inherited_pipe(void **state)
{
    (void)state;
    int ends[2], saved = dup(0);
    char name[32];
    CHECK_INT(0, pipe(ends), "a pipe");
    CHECK_INT(5, write(ends[1], "piped", 5), "written");
    close(ends[1]);
    CHECK_INT(0, dup2(ends[0], 0), "it is standard input");
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    CHECK_INT(-EMEDIUMTYPE, read_it("/dev/stdin", 0, 10, ""), "not asked for");
    CHECK_INT(0, read_it("/dev/stdin", FILE_INHERITED, 10, "piped"), "/dev/stdin");
    CHECK_INT(0, read_it("/dev/stdin", FILE_INHERITED, 10, ""), "at its end");
    CHECK_INT(0, read_it(name, FILE_INHERITED, 10, ""), "/dev/fd/N");
    dup2(saved, 0);
    close(saved);
    close(ends[0]);
}

static void *grow(void *stop)
{
    FILE *file = fopen("growing", "a");
    while (!*(volatile bool *)stop) {
        fputs("more and more and more", file);
        fflush(file);
    }
    fclose(file);
    return NULL;
}

static void growing(void **state)
{
    (void)state;
    pthread_t thread;
    volatile bool stop = false;
    char *bytes;
    size_t len;
    put("growing", "x", 1);
    CHECK_INT(0, pthread_create(&thread, NULL, grow, (void *)&stop), "a writer");
    int rc;
    do {
        rc = file_read(AT_FDCWD, "growing", 0, 100000, &bytes, &len);
        if (rc == 0)
            free(bytes);
    } while (rc == 0);
    stop = true;
    pthread_join(thread, NULL);
    CHECK_INT(-EFBIG, rc, "bounded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_or_not_at_all), cmocka_unit_test(the_disk),
        cmocka_unit_test(byte_order_mark),     cmocka_unit_test(no_file),
        cmocka_unit_test(inherited_pipe),      cmocka_unit_test(growing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
