/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "victim.h"
#include "wire.h"

#include "tests/lib/unixsock.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NONCE "a nonce of 24 octets, now"
#define QUOTED "sha256:0-7,16"
#define AK_HANDLE 0x81010002u

/* --- before ----------------------------------------------------------------- */

static int
keep(const struct victim *v, const struct scu_key *key, const char *name)
{
    char path[512], *pem = NULL;
    size_t len = 0;
    int rc = scu_key_to_pem(key, &pem, &len);
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", v->dir, name);
    if (rc == SCU_OK && (file = fopen(path, "w")) != NULL) {
        (void)fwrite(pem, 1, len, file);
        (void)fclose(file);
    }
    free(pem);
    return rc;
}

static int
keep_software_key(const struct victim *v)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char path[512];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/soft.pem", v->dir);
    file = fopen(path, "w");
    if (key != NULL && file != NULL)
        (void)PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    if (file != NULL)
        (void)fclose(file);
    EVP_PKEY_free(key);
    return file == NULL ? SCU_E_FILE : SCU_OK;
}

static int
learn_attestation(struct victim *v)
{
    struct facts *facts = &v->shared->facts;
    struct scu_evidence *evidence = NULL;
    struct scu_key *key = NULL;
    char *pem = NULL;
    size_t len = 0;
    int rc = scu_key_from_handle(v->chip, AK_HANDLE, &key);

    if (rc == SCU_OK && !judge_point(key, facts->ak_point))
        rc = SCU_E_INTERNAL;
    scu_key_free(&key);
    if (rc == SCU_OK)
        rc = scu_quote(v->chip, (const uint8_t *)NONCE, 24, QUOTED,
            &evidence);
    if (rc == SCU_OK)
        rc = scu_evidence_key_pem(evidence, &pem, &len);
    if (rc == SCU_OK)
        (void)snprintf(facts->ak_pem, sizeof(facts->ak_pem), "%s", pem);
    free(pem);
    scu_evidence_free(&evidence);
    return rc;
}

int
victim_prepare_keys(struct victim *v)
{
    struct facts *facts = &v->shared->facts;
    struct scu_key *key = NULL;
    int rc = scu_key_generate(v->chip, scu_alg_by_name("P-256"), NULL, 0,
        &key);

    if (rc == SCU_OK && judge_point(key, facts->ec_point))
        rc = keep(v, key, "ec.pem");
    scu_key_free(&key);
    if (rc == SCU_OK)
        rc = scu_key_generate(v->chip, scu_alg_by_name("RSA-2048"), NULL, 0,
            &key);
    if (rc == SCU_OK && judge_modulus(key, facts->rsa_n))
        rc = keep(v, key, "rsa.pem");
    scu_key_free(&key);
    if (rc == SCU_OK)
        rc = keep_software_key(v);
    return rc == SCU_OK ? learn_attestation(v) : rc;
}

/* --- random ------------------------------------------------------------------ */

/* A connection of its own, so that its end is within the scene. */
int
scene_random(struct victim *v)
{
    static const uint8_t zero[8], forged[8] = {
        0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
    };
    struct scu_chip *chip = NULL;
    uint8_t data[48] = { 0 };
    int rc = scu_chip_open(&v->options, &chip);

    if (rc == SCU_OK)
        rc = scu_chip_random(chip, data, sizeof(data));
    scu_chip_free(&chip);
    for (size_t i = 0; rc == SCU_OK && i + 8 <= sizeof(data); i++)
        if (memcmp(data + i, zero, 8) == 0 ||
            memcmp(data + i, forged, 8) == 0)
            victim_wrong(v, "random octets are not: the attacker's or none");
    if (rc == SCU_OK && memcmp(data, data + 16, 16) == 0)
        victim_wrong(v, "random octets come twice");
    return rc;
}

/* --- signatures -------------------------------------------------------------- */

static int
read_key(struct victim *v, const char *name, struct scu_key **key)
{
    size_t len = 0;
    char *pem = victim_read(v, name, &len);
    int rc = scu_key_from_pem(v->chip, pem, len, key);

    free(pem);
    return rc;
}

static int
sign_ec(struct victim *v, struct scu_key *key, const uint8_t point[64])
{
    uint8_t sig[128];
    size_t len = sizeof(sig);
    int rc = scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0,
        victim_digest, sizeof(victim_digest), sig, &len);

    if (rc == SCU_OK && !judge_ec(point, victim_digest, sig, len))
        victim_wrong(v, "a signature that does not verify");
    return rc;
}

int
scene_ec(struct victim *v)
{
    struct scu_key *key = NULL;
    int rc = read_key(v, "ec.pem", &key);

    for (int i = 0; rc == SCU_OK && i < 2; i++)
        rc = sign_ec(v, key, v->shared->facts.ec_point);
    scu_key_free(&key);
    return rc;
}

int
scene_rsa(struct victim *v)
{
    static const char *const schemes[] = { "RSASSA-SHA256", "RSAPSS-SHA256" };
    struct scu_key *key = NULL;
    uint8_t sig[256];
    int rc = read_key(v, "rsa.pem", &key);

    for (int i = 0; rc == SCU_OK && i < 2; i++) {
        size_t len = sizeof(sig);

        rc = scu_key_sign(key, scu_scheme_by_name(schemes[i]),
            i == 0 ? 0 : SCU_SALT_DIGEST, victim_digest,
            sizeof(victim_digest), sig, &len);
        if (rc == SCU_OK && !judge_rsa(v->shared->facts.rsa_n, i == 1,
                victim_digest, sig, len))
            victim_wrong(v, "an RSA signature that does not verify");
    }
    scu_key_free(&key);
    return rc;
}

int
scene_ecdh(struct victim *v)
{
    uint8_t point[64], ours[32], right[32];
    size_t len = sizeof(ours);
    EVP_PKEY *peer = judge_new_key(point);
    struct scu_key *key = NULL;
    int rc = peer == NULL ? SCU_E_INTERNAL : read_key(v, "ec.pem", &key);

    if (rc == SCU_OK)
        rc = scu_key_ecdh(key, point, point + 32, 32, ours, &len);
    if (rc == SCU_OK && (len != 32 ||
            !judge_ecdh(peer, v->shared->facts.ec_point, right) ||
            memcmp(ours, right, 32) != 0))
        victim_wrong(v, "another shared secret than the peer's");
    EVP_PKEY_free(peer);
    scu_key_free(&key);
    return rc;
}

/* --- keys that come into being ------------------------------------------------ */

/* What is said of a new key must fit what it does. */
static int
use_new(struct victim *v, struct scu_key *key)
{
    uint8_t point[64];

    if (!judge_point(key, point)) {
        victim_wrong(v, "a new key of another kind");
        return SCU_OK;
    }
    return sign_ec(v, key, point);
}

int
scene_generate(struct victim *v)
{
    struct scu_key *key = NULL;
    int rc = scu_key_generate(v->chip, scu_alg_by_name("P-256"), "secret", 6,
        &key);

    if (rc == SCU_OK)
        rc = use_new(v, key);
    scu_key_free(&key);
    return rc;
}

int
scene_import(struct victim *v)
{
    struct scu_import *import = NULL;
    struct scu_key *key = NULL;
    size_t len = 0;
    char *pem = victim_read(v, "soft.pem", &len);
    int rc = scu_import_read(v->chip, pem, len, NULL, 0, &import);

    if (rc == SCU_OK)
        rc = scu_key_import(v->chip, import, "secret", 6, &key);
    if (rc == SCU_OK)
        rc = use_new(v, key);
    scu_key_free(&key);
    scu_import_free(&import);
    free(pem);
    return rc;
}

int
scene_handle(struct victim *v)
{
    struct scu_key *key = NULL;
    uint8_t point[64];
    int rc = scu_key_from_handle(v->chip, AK_HANDLE, &key);

    if (rc == SCU_OK && (!judge_point(key, point) ||
            memcmp(point, v->shared->facts.ak_point, 64) != 0))
        victim_wrong(v, "another key than the one that stands there");
    scu_key_free(&key);
    return rc;
}

/* --- what the chip says of itself ---------------------------------------------- */

/* Firmware measures something: a command of its own, in the clear. */
static void
measure(struct victim *v)
{
    struct frame command;
    uint8_t answer[16];
    struct pollfd p = { .events = POLLIN };
    const char *path = strrchr(v->options.tcti, '=');
    int fd = path == NULL ? -1 : unixsock_connect(path + 1);

    frame_pcr_extend(&command, 16, victim_digest);
    p.fd = fd;
    if (fd >= 0 && unixsock_send(fd, command.data, command.len) == 0 &&
        poll(&p, 1, 20000) > 0)
        (void)recv(fd, answer, sizeof(answer), 0);
    if (fd >= 0)
        (void)close(fd);
}

static bool
was_in_chip(const struct shared *s, const uint8_t *value)
{
    for (size_t i = 0; i < s->pcr_values; i++)
        if (memcmp(s->pcr[i], value, 32) == 0)
            return true;
    return false;
}

static void
judge_evidence(struct victim *v, const struct scu_evidence *evidence)
{
    const struct facts *facts = &v->shared->facts;
    const struct scu_expected expected = {
        .nonce = (const uint8_t *)NONCE, .nonce_len = 24,
        .key_pem = facts->ak_pem, .key_pem_len = strlen(facts->ak_pem),
        .pcrs = QUOTED,
    };
    struct scu_verdict verdict = { 0 };
    struct scu_pcr pcr;
    int rc = scu_evidence_verify(evidence, &expected, &verdict);

    if (rc != SCU_OK || verdict.reason != SCU_VERDICT_OK)
        victim_wrong(v, "evidence that does not hold: %s", verdict.text);
    for (size_t i = 0; scu_evidence_pcr_at(evidence, i, &pcr); i++)
        if (pcr.index == 16 && !was_in_chip(v->shared, pcr.value))
            victim_wrong(v, "a PCR value that the chip never had");
}

int
scene_quote(struct victim *v)
{
    struct scu_evidence *evidence = NULL;
    int rc;

    measure(v);
    rc = scu_quote(v->chip, (const uint8_t *)NONCE, 24, QUOTED, &evidence);
    if (rc == SCU_OK)
        judge_evidence(v, evidence);
    scu_evidence_free(&evidence);
    return rc;
}

static const char *
another_chip(const struct scu_chip_info *a, const struct scu_chip_info *b)
{
    if (memcmp(a->manufacturer, b->manufacturer, 5) != 0 ||
        memcmp(a->vendor, b->vendor, 17) != 0 ||
        a->firmware != b->firmware || a->level != b->level ||
        a->revision != b->revision)
        return "maker or firmware";
    if (a->object_slots != b->object_slots ||
        a->session_slots != b->session_slots)
        return "slots";
    if (a->persistent_used != b->persistent_used ||
        a->nv_indices != b->nv_indices)
        return "what it keeps";
    if (a->owner_auth_set != b->owner_auth_set ||
        a->lockout_auth_set != b->lockout_auth_set ||
        a->endorsement_auth_set != b->endorsement_auth_set)
        return "authorisations";
    if (a->in_lockout != b->in_lockout || a->lockout_max != b->lockout_max)
        return "lockout";
    if (a->p256 != b->p256 || a->p384 != b->p384 || a->p521 != b->p521 ||
        a->sha1 != b->sha1 || a->sha256 != b->sha256 ||
        a->sha384 != b->sha384 || a->sha512 != b->sha512)
        return "algorithms";
    /* No chip signs a no. */
    if (a->rsa2048 > b->rsa2048 || a->rsa3072 > b->rsa3072 ||
        a->rsa4096 > b->rsa4096)
        return "RSA sizes";
    return NULL;
}

int
scene_info(struct victim *v)
{
    struct scu_chip_info info;
    const char *what;
    int rc = scu_chip_info(v->chip, &info);

    if (rc != SCU_OK)
        return rc;
    what = another_chip(&info, &v->shared->facts.info);
    if (!info.authentic)
        victim_wrong(v, "what a provisioned chip says is not authentic");
    else if (what != NULL)
        victim_wrong(v, "authentic, and wrong: %s", what);
    return rc;
}

/* --- provisioning --------------------------------------------------------------- */

int
scene_provision(struct victim *v)
{
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;

    return scu_provision(v->chip, &options, &report);
}

/* It goes on from where it is, and then owner and pins are the chip's. */
void
after_provision(struct victim *v)
{
    struct scu_provision_report report;
    struct scu_token *token = NULL;
    struct scu_chip_info info;

    int rc = v->rc == SCU_OK ? SCU_OK : scene_provision(v);

    /* One wrong try locks the lockout authorisation, for a day: no error of
     * ours, and no more than anybody on the bus can do. */
    if (rc == SCU_E_LOCKED || !victim_must(v, rc, "provisioning again"))
        return;
    if (!victim_must(v, scu_provision_read(v->chip, &report), "pins") ||
        !victim_must(v, scu_chip_info(v->chip, &info), "info"))
        return;
    if (!info.authentic || !info.owner_auth_set || !info.lockout_auth_set)
        victim_wrong(v, "provisioned, but not as it should be");
    (void)victim_must(v, scu_token_init(v->chip, "first", INTERPOSER_SO_PIN,
        strlen(INTERPOSER_SO_PIN), 0, &token), "a token by the owner");
    scu_token_free(&token);
    (void)victim_must(v, scene_quote(v), "a quote");
}
