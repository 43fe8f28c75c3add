/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tokens.h"

#include <scu/chip.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MAX_ATTRIBUTES 8
#define MAX_OCTETS 512

/* Attributes as the store has them: a number is 8 octets, big endian. */
struct template {
    struct scu_attribute at[MAX_ATTRIBUTES];
    size_t count;
    uint8_t octets[MAX_OCTETS];
    size_t used;
};

static void
ok(int rc)
{
    if (rc != SCU_OK) {
        (void)fprintf(stderr, "%s: %s\n", scu_error_name(rc),
            scu_error_detail());
    }
    assert_int_equal(rc, SCU_OK);
}

static void
put(struct template *t, uint64_t type, const void *value, size_t len)
{
    assert_true(t->count < MAX_ATTRIBUTES && len <= MAX_OCTETS - t->used);
    memcpy(t->octets + t->used, value, len);
    t->at[t->count++] = (struct scu_attribute){
        .type = type,
        .value = t->octets + t->used,
        .len = len,
    };
    t->used += len;
}

static void
put_number(struct template *t, uint64_t type, uint64_t number)
{
    uint8_t octets[8];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(number >> (56 - 8 * i));
    put(t, type, octets, sizeof(octets));
}

static struct scu_chip *
connect_chip(void)
{
    struct scu_chip *chip = NULL;

    ok(scu_chip_open(NULL, &chip));
    return chip;
}

static struct scu_token *
find(struct scu_chip *chip, const char *label)
{
    struct scu_token *token = NULL;

    ok(scu_token_find(chip, label, NULL, &token));
    return token;
}

void
tokens_make(const char *label, bool with_pin)
{
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = NULL;

    ok(scu_token_init(chip, label, TOKENS_SO_PIN, strlen(TOKENS_SO_PIN), 0,
        &token));
    if (with_pin) {
        ok(scu_token_login(token, SCU_USER_SO, TOKENS_SO_PIN,
            strlen(TOKENS_SO_PIN)));
        ok(scu_token_set_user_pin(token, TOKENS_PIN, strlen(TOKENS_PIN)));
    }
    scu_token_free(&token);
    scu_chip_free(&chip);
}

/* The OID of P-256, and the point as an OCTET STRING, in DER. */
static void
put_ec(struct template *t, const struct scu_public *public)
{
    static const uint8_t p256[] = {
        6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7
    };
    uint8_t point[67] = { 4, 65, 4 };

    assert_int_equal(public->xy_len, 32);
    memcpy(point + 3, public->x, 32);
    memcpy(point + 35, public->y, 32);
    put_number(t, CKA_KEY_TYPE, CKK_EC);
    put(t, CKA_EC_PARAMS, p256, sizeof(p256));
    put(t, CKA_EC_POINT, point, sizeof(point));
}

static void
add_public(struct scu_token *token, struct scu_object *private,
    struct template *t)
{
    static const uint8_t exponent[] = { 1, 0, 1 };
    struct scu_object *object = NULL;
    struct scu_public public;
    struct scu_key *key = NULL;

    ok(scu_object_key(private, &key));
    scu_key_public(key, &public);
    if (public.kind == SCU_KIND_EC) {
        put_ec(t, &public);
    } else {
        put_number(t, CKA_KEY_TYPE, CKK_RSA);
        put(t, CKA_MODULUS, public.n, public.n_len);
        put(t, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
    }
    ok(scu_object_create(token, SCU_OBJECT_PUBLIC, t->at, t->count, &object));
    scu_object_free(&object);
    scu_key_free(&key);
}

static struct template
begin(uint64_t class, const char *label, uint8_t id)
{
    struct template t = { 0 };

    put_number(&t, CKA_CLASS, class);
    put(&t, CKA_LABEL, label, strlen(label));
    put(&t, CKA_ID, &id, 1);
    /* It is copied to the caller's. */
    return t;
}

static void
move(struct template *t)
{
    size_t at = 0;

    for (size_t i = 0; i < t->count; i++) {
        t->at[i].value = t->octets + at;
        at += t->at[i].len;
    }
}

void
tokens_add_key(const char *token_label, const char *alg, const char *label,
    uint8_t id, bool pair)
{
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = find(chip, token_label);
    struct template t = begin(CKO_PRIVATE_KEY, label, id);
    struct scu_object *object = NULL;

    move(&t);
    ok(scu_token_login(token, SCU_USER_NORMAL, TOKENS_PIN,
        strlen(TOKENS_PIN)));
    ok(scu_object_generate(token, scu_alg_by_name(alg), t.at, t.count,
        &object));
    t = begin(CKO_PUBLIC_KEY, label, id);
    move(&t);
    if (pair)
        add_public(token, object, &t);
    scu_object_free(&object);
    scu_token_free(&token);
    scu_chip_free(&chip);
}

void
tokens_set_sign(const char *token_label, const char *label, bool sign)
{
    const uint8_t octet = sign;
    const struct scu_attribute set = {
        .type = CKA_SIGN, .value = &octet, .len = 1,
    };
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = find(chip, token_label);
    struct scu_object **objects = NULL;
    size_t count = 0, n = 0, len = 0;

    ok(scu_token_login(token, SCU_USER_NORMAL, TOKENS_PIN,
        strlen(TOKENS_PIN)));
    ok(scu_object_list(token, &objects, &count));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *has = scu_object_attribute(objects[i], CKA_LABEL, &len);

        if (scu_object_is_private(objects[i]) && len == strlen(label) &&
            memcmp(has, label, len) == 0) {
            ok(scu_object_update(objects[i], &set, 1));
            n++;
        }
    }
    assert_int_equal(n, 1);
    scu_object_list_free(&objects, count);
    scu_token_free(&token);
    scu_chip_free(&chip);
}

void
tokens_add_object(const char *token_label, bool private, uint64_t class,
    const char *label, const struct scu_attribute *more)
{
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = find(chip, token_label);
    struct template t = begin(class, label, 1);
    struct scu_object *object = NULL;

    move(&t);
    if (more != NULL)
        t.at[t.count++] = *more;
    ok(scu_token_login(token, SCU_USER_NORMAL, TOKENS_PIN,
        strlen(TOKENS_PIN)));
    ok(scu_object_create(token,
        private ? SCU_OBJECT_PRIVATE : SCU_OBJECT_PUBLIC, t.at, t.count,
        &object));
    scu_object_free(&object);
    scu_token_free(&token);
    scu_chip_free(&chip);
}

unsigned
tokens_failed(const char *label)
{
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = find(chip, label);
    struct scu_pin_status status;

    ok(scu_token_pin_status(token, &status));
    scu_token_free(&token);
    scu_chip_free(&chip);
    return status.user_failed;
}

void
tokens_serial(const char *label, char serial[17])
{
    struct scu_chip *chip = connect_chip();
    struct scu_token *token = find(chip, label);
    struct scu_token_info info;

    scu_token_info(token, &info);
    memcpy(serial, info.serial, 17);
    scu_token_free(&token);
    scu_chip_free(&chip);
}

unsigned
tokens_in_chip(void)
{
    struct scu_chip *chip = connect_chip();
    struct scu_chip_info info;

    ok(scu_chip_info(chip, &info));
    scu_chip_free(&chip);
    /* One session is that of the question. */
    return info.objects_loaded + info.sessions_loaded - 1;
}
