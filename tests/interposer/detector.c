/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks for secrets in what was recorded on the bus.
 *
 *   detector find TRACE <SECRETS   SECRETS: lines of a name and hexadecimal
 *       digits, 8 octets and more. Says which of them is there, in which
 *       encoding, at which octet; any 8 to 10 octets in a row of a secret, or
 *       of a plain hash of it, count. 0: none is there; 1: some are.
 *   detector frames TRACE          counts commands, sessions without salt and
 *       passwords in the clear
 *   detector plant N <SECRETS      writes octets among which each secret
 *       stands, in the Nth encoding; fails behind the last one
 */
#include "config.h"

#include "encodings.h"
#include "wire.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#define SECRETS_MAX 128
#define SECRET_MAX 1024
#define TRACE_MAX (16 * 1024 * 1024)
#define PATTERNS_MAX (1u << 20)
#define HEAD 8 /* octets that each pattern has at least */

struct secret {
    char name[64];
    size_t len;
    uint8_t data[SECRET_MAX];
};

/* What must not be seen; in a table by its first octets. */
struct pattern {
    uint8_t data[ENCODED_MAX];
    size_t len;
    const char *encoding, *hash;
    const struct secret *secret;
    uint32_t next; /* of the same head; 0: none */
};

struct search {
    struct secret secrets[SECRETS_MAX];
    size_t n_secrets;
    struct pattern *patterns;
    uint32_t n_patterns; /* the first stays unused */
    uint32_t *heads;     /* PATTERNS_MAX */
    bool *found;         /* by secret, encoding, kind of hash */
};

/* --- secrets ------------------------------------------------------------------ */

static bool
read_secrets(struct search *s)
{
    static char line[2 * SECRET_MAX + 80], digits[2 * SECRET_MAX + 1];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct secret *x = &s->secrets[s->n_secrets];
        unsigned octet;

        if (s->n_secrets == SECRETS_MAX ||
            sscanf(line, "%63s %2048s", x->name, digits) != 2 ||
            strlen(digits) % 2 != 0 || strlen(digits) < 16) {
            (void)fprintf(stderr, "detector: no secret: %s", line);
            return false;
        }
        for (x->len = 0; x->len < strlen(digits) / 2; x->len++) {
            if (sscanf(digits + 2 * x->len, "%2x", &octet) != 1)
                return false;
            x->data[x->len] = (uint8_t)octet;
        }
        s->n_secrets++;
    }
    return s->n_secrets > 0;
}

/* --- patterns ----------------------------------------------------------------- */

static uint32_t
head_of(const uint8_t *data)
{
    uint64_t x;

    memcpy(&x, data, HEAD);
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(x >> 32) % PATTERNS_MAX;
}

static void
add_pattern(struct search *s, const struct encoding *e,
    const struct secret *secret, const uint8_t *in, const char *hash)
{
    struct pattern *p = &s->patterns[s->n_patterns];
    uint32_t head;

    if (s->n_patterns == PATTERNS_MAX - 1)
        return;
    e->encode(e, in, p->data);
    p->len = e->out;
    p->encoding = e->name;
    p->hash = hash;
    p->secret = secret;
    head = head_of(p->data);
    p->next = s->heads[head];
    s->heads[head] = s->n_patterns++;
}

static void
add_all(struct search *s, const struct secret *secret, const uint8_t *data,
    size_t len, const char *hash)
{
    for (size_t i = 0; i < encodings_n; i++)
        for (size_t at = 0; at + encodings[i].in <= len; at++)
            add_pattern(s, &encodings[i], secret, data + at, hash);
}

static bool
add_secrets(struct search *s)
{
    static const char *const hashes[] = { "SHA1", "SHA256", "SHA384",
        "SHA512", "MD5", "SM3" };
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;

    s->patterns = calloc(PATTERNS_MAX, sizeof(*s->patterns));
    s->heads = calloc(PATTERNS_MAX, sizeof(*s->heads));
    s->n_patterns = 1;
    if (s->patterns == NULL || s->heads == NULL)
        return false;
    for (size_t i = 0; i < s->n_secrets; i++) {
        const struct secret *x = &s->secrets[i];

        add_all(s, x, x->data, x->len, NULL);
        for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
            const EVP_MD *md = EVP_get_digestbyname(hashes[h]);

            if (md != NULL && EVP_Digest(x->data, x->len, digest, &len, md,
                    NULL) == 1)
                add_all(s, x, digest, len, hashes[h]);
        }
    }
    return true;
}

/* --- looking -------------------------------------------------------------------- */

static uint8_t *
read_trace(const char *path, size_t *len)
{
    uint8_t *data = malloc(TRACE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || data == NULL ? -1 : read(fd, data, TRACE_MAX);

    if (fd >= 0)
        (void)close(fd);
    if (n <= 0 || n == TRACE_MAX) {
        (void)fprintf(stderr, "detector: %s is no trace\n", path);
        free(data);
        return NULL;
    }
    *len = (size_t)n;
    return data;
}

/* Once for each secret and encoding. */
static bool
is_news(struct search *s, const struct pattern *p)
{
    for (uint32_t i = 1; i < s->n_patterns; i++)
        if (s->found[i] && s->patterns[i].secret == p->secret &&
            s->patterns[i].encoding == p->encoding &&
            s->patterns[i].hash == p->hash)
            return false;
    s->found[p - s->patterns] = true;
    return true;
}

static unsigned
look_at(struct search *s, const uint8_t *data, size_t len, size_t at)
{
    unsigned n = 0;

    for (uint32_t i = s->heads[head_of(data + at)]; i != 0;
         i = s->patterns[i].next) {
        const struct pattern *p = &s->patterns[i];

        if (p->len > len - at || memcmp(p->data, data + at, p->len) != 0)
            continue;
        n++;
        if (is_news(s, p))
            (void)printf("%s%s%s: %s, at octet %zu\n", p->secret->name,
                p->hash == NULL ? "" : ", ", p->hash == NULL ? "" : p->hash,
                p->encoding, at);
    }
    return n;
}

static int
find(const char *path)
{
    static struct search s;
    size_t len = 0;
    uint8_t *data = read_trace(path, &len);
    unsigned n = 0;
    int rc = 2;

    if (data == NULL || !read_secrets(&s) || !add_secrets(&s) ||
        (s.found = calloc(s.n_patterns, sizeof(*s.found))) == NULL)
        goto out;
    for (size_t at = 0; at + HEAD <= len; at++)
        n += look_at(&s, data, len, at);
    (void)printf("# %zu secrets, %u patterns, %zu octets: %u finds\n",
        s.n_secrets, s.n_patterns - 1, len, n);
    rc = n > 0 ? 1 : 0;
out:
    free(data);
    free(s.patterns);
    free(s.heads);
    free(s.found);
    return rc;
}

/* --- planting -------------------------------------------------------------------- */

/* One piece of each secret, its end, behind octets that mean nothing. */
static int
plant(size_t number)
{
    static struct search s;
    uint8_t out[ENCODED_MAX];
    const struct encoding *e;

    if (number >= encodings_n || !read_secrets(&s))
        return 2;
    e = &encodings[number];
    for (size_t i = 0; i < s.n_secrets; i++) {
        const struct secret *x = &s.secrets[i];

        if (x->len < e->in)
            continue;
        e->encode(e, x->data + x->len - e->in, out);
        (void)printf("%zu, ", i);
        (void)fwrite(out, 1, e->out, stdout);
    }
    return 0;
}

/* --- frames ---------------------------------------------------------------------- */

/* A password of an authorisation area, of any length. */
static bool
has_password(const struct frame *f)
{
    struct layout l;
    size_t at, end;

    if (frame_tag(f) != TAG_SESSIONS || !command_layout(f, &l))
        return false;
    at = l.area;
    end = l.area + l.area_len;
    while (at + 9 <= end) {
        size_t nonce = get16(f->data + at + 4), mac;

        if (at + 9 + nonce > end)
            break;
        mac = get16(f->data + at + 7 + nonce);
        if (get32(f->data + at) == TPM2_RH_PW && mac > 0)
            return true;
        at += 9 + nonce + mac;
    }
    return false;
}

/* Commands and responses take turns. */
static int
frames(const char *path)
{
    size_t len = 0, at = 0;
    uint8_t *data = read_trace(path, &len);
    unsigned commands = 0, sessions = 0, unsalted = 0, passwords = 0;
    bool response = true;
    struct frame f;

    while (data != NULL && at + FRAME_HEADER <= len) {
        size_t n = get32(data + at + 2);

        if (n < FRAME_HEADER || n > FRAME_MAX || n > len - at)
            break;
        f.len = 0;
        frame_add(&f, data + at, n);
        at += n;
        response = !response;
        if (response)
            continue;
        commands++;
        passwords += has_password(&f);
        if (frame_rc(&f) != TPM2_CC_StartAuthSession || n < 14)
            continue;
        sessions++;
        unsalted += get32(f.data + FRAME_HEADER) == TPM2_RH_NULL;
    }
    (void)printf("commands %u\nsessions %u\nunsalted %u\npasswords %u\n",
        commands, sessions, unsalted, passwords);
    if (data == NULL || at != len)
        (void)printf("odd octets %zu\n", len - at);
    free(data);
    return at == len && len > 0 ? 0 : 2;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "find") == 0)
        return find(argv[2]);
    if (argc == 3 && strcmp(argv[1], "frames") == 0)
        return frames(argv[2]);
    if (argc == 3 && strcmp(argv[1], "plant") == 0)
        return plant(strtoul(argv[2], NULL, 10));
    (void)fprintf(stderr, "usage: detector find|frames TRACE | plant N\n");
    return 2;
}
