/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_VICTIM_H
#define TESTS_INTERPOSER_VICTIM_H

#include <scu/attest.h>
#include <scu/key.h>
#include <scu/provision.h>
#include <scu/token.h>

/*
 * A program that uses libscu while somebody is on the bus, a process of its
 * own. What it knows beforehand, and what it found, stand in memory that it
 * shares with the test.
 */
#define PCR_VALUES_MAX 32

/* Known before, over a bus that nobody touches. */
struct facts {
    uint8_t ec_point[64];
    uint8_t token_point[64];
    uint8_t rsa_n[256];
    uint8_t ak_point[64];
    char ak_pem[512];
    struct scu_chip_info info;
};

enum phase {
    PHASE_BEFORE, /* nothing is attacked */
    PHASE_ATTACK,
    PHASE_AFTER,  /* the attacker is gone */
};

struct shared {
    volatile enum phase phase;
    volatile unsigned speed; /* of the victim's clock */
    /* What PCR 16 of the chip was in this case, noted by the test. */
    size_t pcr_values;
    uint8_t pcr[PCR_VALUES_MAX][32];

    bool done;        /* it came to its end */
    int rc;           /* of the scene: SCU_OK, and then it was right */
    char detail[256];
    bool wrong;
    char why[512];
    struct facts facts;
};

struct victim {
    struct shared *shared;
    const char *dir; /* of key files */
    struct scu_chip_options options;
    struct scu_chip *chip;
    int rc; /* of the scene, for what is looked at afterwards */
};

/*
 * run: an operation, and whether its result is the right one; an error is no
 * wrong result. after: what must be as it should once the attacker is gone;
 * NULL: the operation again, without an error.
 */
struct scene {
    const char *name;
    int (*run)(struct victim *v);
    void (*after)(struct victim *v);
    bool fresh; /* on a chip that nobody provisioned yet */
};

extern const struct scene scenes[];
extern const size_t scenes_n;

/* Makes what the scenes need, over a bus that nobody touches, and learns the
 * facts. In a process of its own. */
int victim_prepare(struct victim *v);

/* The whole life of a victim; does not return. */
void victim_live(struct victim *v, const struct scene *scene)
    __attribute__((noreturn));

/* Notes a wrong result, the first one. */
void victim_wrong(struct victim *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* rc must be SCU_OK, the attacker being gone. */
bool victim_must(struct victim *v, int rc, const char *what);

/* --- judge.c --------------------------------------------------------------- */

/* Whether libcrypto takes a signature over a SHA-256 digest. */
bool judge_ec(const uint8_t point[64], const uint8_t digest[32],
    const uint8_t *sig, size_t len);
bool judge_rsa(const uint8_t n[256], bool pss, const uint8_t digest[32],
    const uint8_t *sig, size_t len);
/* The public half as octets; false: it is of another kind or size. */
bool judge_point(const struct scu_key *key, uint8_t point[64]);
bool judge_modulus(const struct scu_key *key, uint8_t n[256]);
/* A software key on P-256; ECDH with a point. */
struct evp_pkey_st *judge_new_key(uint8_t point[64]);
bool judge_ecdh(struct evp_pkey_st *own, const uint8_t point[64],
    uint8_t secret[32]);

/* --- scenes-*.c ------------------------------------------------------------- */

#define INTERPOSER_SO_PIN "so-pin-98765"
#define INTERPOSER_USER_PIN "user-pin-4321"
#define INTERPOSER_NEW_PIN "new-pin-5678"
#define INTERPOSER_TRIES 10

extern const uint8_t victim_digest[32];

char *victim_read(const struct victim *v, const char *name, size_t *len);
int victim_prepare_keys(struct victim *v);
int victim_prepare_tokens(struct victim *v);

int scene_random(struct victim *v);
int scene_ec(struct victim *v);
int scene_rsa(struct victim *v);
int scene_ecdh(struct victim *v);
int scene_generate(struct victim *v);
int scene_import(struct victim *v);
int scene_handle(struct victim *v);
int scene_quote(struct victim *v);
int scene_info(struct victim *v);
int scene_provision(struct victim *v);
void after_provision(struct victim *v);

int scene_login(struct victim *v);
int scene_wrong(struct victim *v);
int scene_status(struct victim *v);
int scene_change(struct victim *v);
int scene_unlock(struct victim *v);
int scene_init(struct victim *v);
int scene_remove(struct victim *v);
void after_login(struct victim *v);
void after_change(struct victim *v);
void after_unlock(struct victim *v);
void after_init(struct victim *v);
void after_remove(struct victim *v);

#endif
