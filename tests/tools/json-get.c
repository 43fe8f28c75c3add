/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * json-get [KEY...]: standard input must be exactly one JSON object on one
 * line. Goes down by the keys, which are numbers from 0 in lists, and prints
 * what it finds there, strings without quotes. "length" is that of a list.
 * Exit code 1: not that, or no such key.
 */

static struct json_object *
read_object(void)
{
    static char text[65536];
    size_t len = fread(text, 1, sizeof(text) - 1, stdin);
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *object = NULL;
    size_t end = 0;

    if (tokener == NULL)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, text, (int)len);
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    /* White space behind the object belongs to what was parsed. */
    if (!json_object_is_type(object, json_type_object) || end != len ||
        memchr(text, '\n', len) != text + len - 1) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

/* Whether there is such an element; *at becomes it. */
static bool
go_down(struct json_object **at, const char *key)
{
    size_t i;
    char *end;

    if (json_object_is_type(*at, json_type_object))
        return json_object_object_get_ex(*at, key, at);
    i = strtoul(key, &end, 10);
    if (!json_object_is_type(*at, json_type_array) || *end != '\0' ||
        i >= json_object_array_length(*at))
        return false;
    *at = json_object_array_get_idx(*at, i);
    return true;
}

int
main(int argc, char **argv)
{
    struct json_object *object = read_object();
    struct json_object *at = object;

    if (object == NULL) {
        (void)fprintf(stderr, "json-get: not one JSON object on one line\n");
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        if (json_object_is_type(at, json_type_array) &&
            strcmp(argv[i], "length") == 0) {
            (void)printf("%zu\n", json_object_array_length(at));
            json_object_put(object);
            return 0;
        }
        if (!go_down(&at, argv[i])) {
            (void)fprintf(stderr, "json-get: no %s\n", argv[i]);
            json_object_put(object);
            return 1;
        }
    }
    (void)printf("%s\n", at == NULL ? "null" : json_object_get_string(at));
    json_object_put(object);
    return 0;
}
