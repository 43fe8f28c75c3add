/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "mutate.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * fuzz_NAME                           one input, from standard input
 * fuzz_NAME PATH...                   each file, or of a folder each one
 * fuzz_NAME -m SECONDS FILE PATH...   then changed at random; see mutate.h
 */

/* Larger inputs are not worth a fuzzer's time. */
#define INPUT_MAX (1 << 20)

static int
run_stream(FILE *stream, const char *name)
{
    uint8_t *data = malloc(INPUT_MAX);
    size_t len;
    int rc;

    if (data == NULL || stream == NULL) {
        perror(name);
        free(data);
        return 1;
    }
    len = fread(data, 1, INPUT_MAX, stream);
    (void)LLVMFuzzerTestOneInput(data, len);
    rc = mutate_add(data, len);
    free(data);
    return rc;
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
    bool mutate = argc > 4 && strcmp(argv[1], "-m") == 0;
    int rc = 0;

    if (argc < 2)
        return run_stream(stdin, "standard input");
    for (int i = mutate ? 4 : 1; i < argc; i++)
        rc |= run_path(argv[i]);
    if (rc == 0 && mutate)
        rc = mutate_run((unsigned)strtoul(argv[2], NULL, 10), argv[3]);
    return rc != 0;
}
