/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Larger inputs are not worth a fuzzer's time. */
#define INPUT_MAX (1 << 20)

static int
run_stream(FILE *stream, const char *name)
{
    uint8_t *data = malloc(INPUT_MAX);
    size_t len;

    if (data == NULL || stream == NULL) {
        perror(name);
        free(data);
        return 1;
    }
    len = fread(data, 1, INPUT_MAX, stream);
    (void)LLVMFuzzerTestOneInput(data, len);
    free(data);
    return 0;
}

static int
run_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    int rc = run_stream(stream, path);

    if (stream != NULL)
        (void)fclose(stream);
    return rc;
}

/* Each file of a folder, or the file. */
static int
run_path(const char *path)
{
    char inner[PATH_MAX];
    struct dirent *entry;
    struct stat st;
    DIR *dir;
    int rc = 0, n = 0;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return run_file(path);
    dir = opendir(path);
    if (dir == NULL)
        return run_file(path);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        rc |= run_file(inner);
        n++;
    }
    (void)closedir(dir);
    (void)printf("%s: %d inputs\n", path, n);
    return rc != 0 || n == 0;
}

int
main(int argc, char **argv)
{
    int rc = 0;

    if (argc < 2)
        return run_stream(stdin, "standard input");
    for (int i = 1; i < argc; i++)
        rc |= run_path(argv[i]);
    return rc;
}
