#include "base/file.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
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

    CHECK_INT(-ENOENT, file_write_whole(folder, "no/such", "x", 1), "no such folder");
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_INT(-ENAMETOOLONG, file_write_whole(folder, name, "x", 1),
              "a name that is too long");

    unlinkat(folder, "id", 0);
    close(folder);
    CHECK_INT(0, rmdir(dir), "the folder is empty again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_or_not_at_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
