/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/authentic.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define SIZE CRYPTO_SHA256_SIZE
#define IV_SIZE 16
#define CFB_KEY_SIZE 16
#define ENTRY (2 * sizeof(uint64_t)) /* of a list: id, generation */
#define HEAD sizeof(uint64_t)        /* of a list: generation */

/* --- keys ------------------------------------------------------------------- */

static const char *const purposes[] = { "attributes", "private", "key" };
enum purpose { ATTRIBUTES, PRIVATE, KEY, PURPOSES };

int
authentic_keys(struct crypto *crypto, struct bytes secret,
    struct secret **keys)
{
    int rc = SCU_OK;

    *keys = secret_new(NULL, PURPOSES * SIZE);
    if (*keys == NULL)
        return err_memory();
    for (size_t i = 0; rc == SCU_OK && i < PURPOSES; i++)
        rc = crypto_hkdf(crypto, secret, purposes[i],
            (*keys)->data + i * SIZE);
    if (rc != SCU_OK)
        secret_free(keys);
    return rc;
}

static struct bytes
key_for(const struct secret *keys, enum purpose purpose)
{
    return (struct bytes){ keys->data + purpose * SIZE, SIZE };
}

int
authentic_key_auth(struct crypto *crypto, const struct secret *keys,
    struct bytes number, struct secret **auth)
{
    int rc;

    *auth = secret_new(NULL, SIZE);
    if (*auth == NULL)
        return err_memory();
    rc = crypto_hmac(crypto, key_for(keys, KEY), &number, 1, (*auth)->data);
    if (rc != SCU_OK)
        secret_free(auth);
    return rc;
}

/* --- MACs ------------------------------------------------------------------- */

/* What a MAC covers: a name, numbers, and octets each with their length. */
struct message {
    size_t n;
    struct bytes parts[40];
    uint64_t numbers[40];
    bool full;
};

static void
add(struct message *m, struct bytes part)
{
    if (m->n >= sizeof(m->parts) / sizeof(m->parts[0]))
        m->full = true;
    else
        m->parts[m->n++] = part;
}

static void
add_number(struct message *m, uint64_t value)
{
    uint64_t *be = &m->numbers[m->n];

    if (m->n < sizeof(m->numbers) / sizeof(m->numbers[0]))
        *be = htobe64(value);
    add(m, (struct bytes){ be, sizeof(*be) });
}

static void
add_octets(struct message *m, struct bytes part)
{
    add_number(m, part.len);
    add(m, part);
}

static void
add_text(struct message *m, const char *text)
{
    add_octets(m, (struct bytes){ text, strlen(text) });
}

static int
finish(struct crypto *crypto, const struct secret *keys,
    const struct message *m, uint8_t *out)
{
    if (m->full)
        return err_set(SCU_E_INTERNAL, "too much to authenticate");
    return crypto_hmac(crypto, key_for(keys, ATTRIBUTES), m->parts, m->n,
        out);
}

static int
token_mac(struct crypto *crypto, const struct secret *keys,
    const struct token_row *row, uint8_t *out)
{
    struct message m = { 0 };

    add_text(&m, "token");
    add_octets(&m, (struct bytes){ row->chip.name, row->chip.size });
    add_text(&m, row->serial);
    add_text(&m, row->label);
    add_number(&m, row->tries);
    add_number(&m, row->cost.n);
    add_number(&m, row->cost.r);
    add_number(&m, row->cost.p);
    for (size_t i = 0; i < TOKEN_USERS; i++) {
        add_number(&m, row->index[i]);
        add_octets(&m, (struct bytes){ row->salt[i], TOKEN_SALT_SIZE });
        add_octets(&m, octets_bytes(&row->helper[i]));
    }
    add_octets(&m, octets_bytes(&row->list));
    return finish(crypto, keys, &m, out);
}

int
authentic_token(struct crypto *crypto, const struct secret *keys,
    struct token_row *row)
{
    return token_mac(crypto, keys, row, row->mac);
}

static int
object_mac(struct crypto *crypto, const struct secret *keys,
    const char *serial, const struct object_row *row, uint8_t *out)
{
    struct message m = { 0 };

    add_text(&m, "object");
    add_text(&m, serial);
    add_number(&m, row->id);
    add_number(&m, row->generation);
    add_number(&m, row->flags);
    add_number(&m, row->kind);
    add_octets(&m, octets_bytes(&row->attributes));
    add_octets(&m, octets_bytes(&row->key));
    add_octets(&m, octets_bytes(&row->tag));
    return finish(crypto, keys, &m, out);
}

int
authentic_object(struct crypto *crypto, const struct secret *keys,
    const char *serial, struct object_row *row)
{
    return object_mac(crypto, keys, serial, row, row->mac);
}

/* --- the list --------------------------------------------------------------- */

static uint64_t
number_at(const struct octets *list, size_t offset)
{
    uint64_t be;

    memcpy(&be, list->data + offset, sizeof(be));
    return be64toh(be);
}

static void
number_set(struct octets *list, size_t offset, uint64_t value)
{
    uint64_t be = htobe64(value);

    memcpy(list->data + offset, &be, sizeof(be));
}

static bool
well_formed(const struct octets *list)
{
    return list->len >= HEAD && (list->len - HEAD) % ENTRY == 0;
}

/* Where its entry is; the list's length where there is none. */
static size_t
find(const struct octets *list, uint64_t id)
{
    size_t at = HEAD;

    while (at < list->len && number_at(list, at) != id)
        at += ENTRY;
    return at;
}

int
list_empty(struct octets *list)
{
    static const uint8_t none[HEAD];

    return octets_set(list, (struct bytes){ none, sizeof(none) });
}

uint64_t
list_generation(const struct octets *list)
{
    return well_formed(list) ? number_at(list, 0) : 0;
}

int
list_put(struct octets *list, uint64_t id, uint64_t *generation)
{
    uint8_t *more;
    size_t at;

    if (!well_formed(list))
        return err_set(SCU_E_STORE, "the token's list of objects is damaged");
    at = find(list, id);
    if (at == list->len) {
        more = realloc(list->data, list->len + ENTRY);
        if (more == NULL)
            return err_memory();
        list->data = more;
        list->len += ENTRY;
    }
    *generation = number_at(list, 0) + 1;
    number_set(list, 0, *generation);
    number_set(list, at, id);
    number_set(list, at + sizeof(uint64_t), *generation);
    return SCU_OK;
}

int
list_remove(struct octets *list, uint64_t id)
{
    size_t at;

    if (!well_formed(list))
        return err_set(SCU_E_STORE, "the token's list of objects is damaged");
    at = find(list, id);
    if (at == list->len)
        return err_set(SCU_E_NOT_FOUND, "object %llu is not there any more",
            (unsigned long long)id);
    memmove(list->data + at, list->data + at + ENTRY,
        list->len - at - ENTRY);
    list->len -= ENTRY;
    number_set(list, 0, number_at(list, 0) + 1);
    return SCU_OK;
}

/* --- verification ----------------------------------------------------------- */

static int
altered(const struct token_row *token, uint64_t id, const char *how)
{
    return err_set(SCU_E_STORE, "object %llu of token '%s' was %s from "
        "outside: restore the store from a backup", (unsigned long long)id,
        token->label, how);
}

static int
check_object(struct crypto *crypto, const struct secret *keys,
    const struct token_row *token, const struct object_row *row)
{
    uint8_t mac[SIZE];
    size_t at = find(&token->list, row->id);
    int rc;

    if (at == token->list.len)
        return altered(token, row->id, "added");
    rc = object_mac(crypto, keys, token->serial, row, mac);
    if (rc != SCU_OK)
        return rc;
    if (!secret_equal(mac, row->mac, sizeof(mac)))
        return altered(token, row->id, "altered");
    if (number_at(&token->list, at + sizeof(uint64_t)) != row->generation)
        return altered(token, row->id, "taken back to an older state");
    return SCU_OK;
}

/* Both are in the order of nothing in particular, but ids are unique. */
static int
check_missing(const struct token_row *token,
    const struct object_row *objects, size_t count)
{
    for (size_t at = HEAD; at < token->list.len; at += ENTRY) {
        uint64_t id = number_at(&token->list, at);
        size_t i = 0;

        while (i < count && objects[i].id != id)
            i++;
        if (i == count)
            return altered(token, id, "deleted");
    }
    return SCU_OK;
}

int
authentic_check(struct crypto *crypto, const struct secret *keys,
    const struct token_row *token, const struct object_row *objects,
    size_t count)
{
    uint8_t mac[SIZE];
    int rc = token_mac(crypto, keys, token, mac);

    if (rc != SCU_OK)
        return rc;
    if (!well_formed(&token->list) ||
        !secret_equal(mac, token->mac, sizeof(mac)))
        return err_set(SCU_E_STORE, "the row of token '%s' was altered from "
            "outside: restore the store from a backup", token->label);
    for (size_t i = 0; rc == SCU_OK && i < count; i++)
        rc = check_object(crypto, keys, token, &objects[i]);
    return rc == SCU_OK ? check_missing(token, objects, count) : rc;
}

/* --- privacy ---------------------------------------------------------------- */

/* The MAC of the row covers what comes out: a fresh iv, and the ciphertext. */
int
private_seal(struct crypto *crypto, const struct secret *keys,
    struct bytes in, struct octets *out)
{
    struct octets sealed = { .len = IV_SIZE + in.len };
    int rc;

    sealed.data = malloc(sealed.len);
    if (sealed.data == NULL)
        return err_memory();
    rc = crypto_random(crypto, sealed.data, IV_SIZE);
    if (in.len > 0)
        memcpy(sealed.data + IV_SIZE, in.data, in.len);
    if (rc == SCU_OK)
        rc = crypto_cfb(crypto, key_for(keys, PRIVATE).data, sealed.data,
            true, sealed.data + IV_SIZE, in.len);
    if (rc != SCU_OK) {
        octets_clear(&sealed);
        return rc;
    }
    octets_clear(out);
    *out = sealed;
    return SCU_OK;
}

int
private_open(struct crypto *crypto, const struct secret *keys,
    struct bytes in, struct octets *out)
{
    const uint8_t *data = in.data;
    int rc;

    if (in.len < IV_SIZE)
        return err_set(SCU_E_STORE, "an encrypted field of %zu octets",
            in.len);
    rc = octets_set(out, (struct bytes){ data + IV_SIZE, in.len - IV_SIZE });
    if (rc == SCU_OK)
        rc = crypto_cfb(crypto, key_for(keys, PRIVATE).data, data, false,
            out->data, out->len);
    if (rc != SCU_OK)
        octets_clear(out);
    return rc;
}
