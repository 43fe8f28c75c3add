/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench.h"

/* The connection is kept: the least that a link to the simulator can cost. */
static const struct bench_link kept = { "scu:swtpm:path=", ",exclusive" };
/* A connection and a lock per command, so that programs share the chip. */
static const struct bench_link shared = { "scu:swtpm:path=", "" };
/* tpm2-tss' own, a connection per command without a lock. */
static const struct bench_link debian = { "swtpm:path=", "" };

static const struct door ours = { .name = "scu", .ours = true };
/* Its keys sign only where a query prefers it; digests stay in software. */
static const struct door peer = {
    .name = "tpm2", .propq = "?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes",
};

static const struct module module = {
    .path = "../../pkcs11/.libs/scu-pkcs11.so",
    .variable = "BENCH_SCU_PKCS11", .ours = true,
};
/* Opens more than one connection to the chip: its rows share the link. */
static const struct module peer_module = {
    .path = "libtpm2_pkcs11.so.1", .variable = "BENCH_TPM2_PKCS11",
};
/* No chip: what PKCS#11 and OpenSSL cost by themselves. */
static const struct module soft_module = {
    .path = "/usr/lib/softhsm/libsofthsm2.so", .variable = "BENCH_SOFTHSM",
};

#define EC "ECDSA-SHA256"
#define RSA "RSASSA-SHA256"

const struct row bench_rows[] = {
    { .id = "esys-p256", .title = "ESYS, clear password: the floor",
        .ops = &esys_sign_ops, .link = &kept, .key = "p256", .scheme = EC,
        .floor = "esys-p256" },
    { .id = "esys-p256-shared", .title = "  same, shared link",
        .ops = &esys_sign_ops, .link = &shared, .key = "p256", .scheme = EC,
        .floor = "esys-p256" },
    { .id = "esys-p256-debian", .title = "  same, tpm2-tss' swtpm TCTI",
        .ops = &esys_sign_ops, .link = &debian, .key = "p256", .scheme = EC,
        .floor = "esys-p256" },
    { .id = "esys-p256-hmac", .title = "ESYS, HMAC session, encrypted",
        .ops = &esys_sign_ops, .link = &kept, .key = "p256", .scheme = EC,
        .protect = true, .floor = "esys-p256" },
    { .id = "scu-p256", .title = "libscu",
        .ops = &scu_sign_ops, .link = &kept, .key = "p256", .scheme = EC,
        .floor = "esys-p256", .goal = 0.85 },
    { .id = "scu-p256-shared", .title = "  same, shared link",
        .ops = &scu_sign_ops, .link = &shared, .key = "p256", .scheme = EC,
        .floor = "esys-p256-shared", .goal = 0.85 },
    { .id = "scu-p256-debian", .title = "  same, tpm2-tss' swtpm TCTI",
        .ops = &scu_sign_ops, .link = &debian, .key = "p256", .scheme = EC,
        .floor = "esys-p256-debian", .goal = 0.85 },
    { .id = "prov-p256", .title = "provider, one-shot",
        .ops = &evp_sign_ops, .link = &kept, .door = &ours, .key = "p256",
        .floor = "esys-p256", .goal = 0.85 },
    { .id = "prov-p256-stream", .title = "provider, streamed",
        .ops = &evp_sign_ops, .link = &kept, .door = &ours, .key = "p256",
        .streamed = true, .floor = "esys-p256", .goal = 0.85 },
    { .id = "peer-p256", .title = "tpm2-openssl, one-shot",
        .ops = &evp_sign_ops, .link = &kept, .door = &peer, .key = "p256",
        .floor = "esys-p256" },
    { .id = "peer-p256-stream", .title = "tpm2-openssl, streamed",
        .ops = &evp_sign_ops, .link = &kept, .door = &peer, .key = "p256",
        .streamed = true, .floor = "esys-p256" },

    { .id = "esys-p384", .title = "ESYS P-384, clear: the floor",
        .ops = &esys_sign_ops, .link = &kept, .key = "p384",
        .scheme = "ECDSA-SHA384", .floor = "esys-p384" },
    { .id = "scu-p384", .title = "libscu P-384",
        .ops = &scu_sign_ops, .link = &kept, .key = "p384",
        .scheme = "ECDSA-SHA384", .floor = "esys-p384" },

    { .id = "esys-rsa2048", .title = "ESYS RSA-2048, clear: the floor",
        .ops = &esys_sign_ops, .link = &kept, .key = "rsa2048",
        .scheme = RSA, .floor = "esys-rsa2048" },
    { .id = "esys-rsa2048-debian", .title = "  same, tpm2-tss' swtpm TCTI",
        .ops = &esys_sign_ops, .link = &debian, .key = "rsa2048",
        .scheme = RSA, .floor = "esys-rsa2048" },
    { .id = "scu-rsa2048", .title = "libscu RSA-2048",
        .ops = &scu_sign_ops, .link = &kept, .key = "rsa2048",
        .scheme = RSA, .floor = "esys-rsa2048", .goal = 0.95 },
    { .id = "prov-rsa2048", .title = "provider, one-shot",
        .ops = &evp_sign_ops, .link = &kept, .door = &ours, .key = "rsa2048",
        .floor = "esys-rsa2048", .goal = 0.95 },
    { .id = "prov-rsa2048-stream", .title = "provider, streamed",
        .ops = &evp_sign_ops, .link = &kept, .door = &ours, .key = "rsa2048",
        .streamed = true, .floor = "esys-rsa2048", .goal = 0.95 },
    { .id = "peer-rsa2048", .title = "tpm2-openssl, one-shot",
        .ops = &evp_sign_ops, .link = &kept, .door = &peer, .key = "rsa2048",
        .floor = "esys-rsa2048" },
    { .id = "peer-rsa2048-stream", .title = "tpm2-openssl, streamed",
        .ops = &evp_sign_ops, .link = &kept, .door = &peer, .key = "rsa2048",
        .streamed = true, .floor = "esys-rsa2048" },
    { .id = "esys-rsa3072", .title = "ESYS RSA-3072, clear: the floor",
        .ops = &esys_sign_ops, .link = &kept, .key = "rsa3072",
        .scheme = RSA, .floor = "esys-rsa3072" },
    { .id = "scu-rsa3072", .title = "libscu RSA-3072",
        .ops = &scu_sign_ops, .link = &kept, .key = "rsa3072",
        .scheme = RSA, .floor = "esys-rsa3072" },

    { .id = "sys-random", .title = "GetRandom 32, in clear: the floor",
        .ops = &sys_random_ops, .link = &kept, .floor = "sys-random" },
    { .id = "esys-random", .title = "  ESYS, HMAC session, encrypted",
        .ops = &esys_random_ops, .link = &kept, .floor = "sys-random" },
    { .id = "scu-random", .title = "  libscu",
        .ops = &scu_random_ops, .link = &kept, .floor = "sys-random" },

    { .id = "tls-p256", .title = "TLS 1.3 P-256, provider",
        .ops = &tls_ops, .link = &kept, .door = &ours, .key = "p256",
        .floor = "esys-p256" },
    { .id = "tls-p256-peer", .title = "  tpm2-openssl",
        .ops = &tls_ops, .link = &kept, .door = &peer, .key = "p256",
        .floor = "esys-p256" },
    { .id = "tls-p256-soft", .title = "  key in software",
        .ops = &tls_ops, .link = &kept, .key = "soft-p256",
        .floor = "esys-p256" },
    { .id = "tls-rsa2048", .title = "TLS 1.3 RSA-2048, provider",
        .ops = &tls_ops, .link = &kept, .door = &ours, .key = "rsa2048",
        .floor = "esys-rsa2048" },
    { .id = "tls-rsa2048-peer", .title = "  tpm2-openssl",
        .ops = &tls_ops, .link = &kept, .door = &peer, .key = "rsa2048",
        .floor = "esys-rsa2048" },
    { .id = "tls-rsa2048-soft", .title = "  key in software",
        .ops = &tls_ops, .link = &kept, .key = "soft-rsa2048",
        .floor = "esys-rsa2048" },

    { .id = "dgst-p256", .title = "openssl dgst -sign, provider",
        .ops = &process_ops, .link = &shared, .door = &ours, .key = "p256",
        .floor = "esys-p256" },
    { .id = "dgst-p256-peer", .title = "  tpm2-openssl",
        .ops = &process_ops, .link = &debian, .door = &peer, .key = "p256",
        .floor = "esys-p256" },

    { .id = "p11-p256", .title = "PKCS#11 P-256, ours",
        .ops = &p11_sign_ops, .link = &kept, .module = &module, .key = "p256",
        .scheme = EC, .floor = "esys-p256", .goal = 0.85 },
    { .id = "p11-p256-shared", .title = "  same, shared link",
        .ops = &p11_sign_ops, .link = &shared, .module = &module,
        .key = "p256", .scheme = EC, .floor = "esys-p256-shared",
        .goal = 0.85 },
    { .id = "p11-p256-4", .title = "  same, 4 threads",
        .ops = &p11_threads_ops, .link = &kept, .module = &module,
        .key = "p256", .scheme = EC, .threads = 4, .batch = 32,
        .floor = "esys-p256" },
    { .id = "peer11-p256", .title = "  tpm2-pkcs11, shared link",
        .ops = &p11_sign_ops, .link = &shared, .module = &peer_module,
        .key = "p256", .scheme = EC, .floor = "esys-p256-shared" },
    { .id = "peer11-p256-4", .title = "  tpm2-pkcs11, shared, 4 threads",
        .ops = &p11_threads_ops, .link = &shared, .module = &peer_module,
        .key = "p256", .scheme = EC, .threads = 4, .batch = 32,
        .floor = "esys-p256-shared" },
    { .id = "soft11-p256", .title = "  SoftHSM",
        .ops = &p11_sign_ops, .link = &kept, .module = &soft_module,
        .key = "p256", .scheme = EC, .floor = "esys-p256" },

    { .id = "p11-rsa2048", .title = "PKCS#11 RSA-2048, ours",
        .ops = &p11_sign_ops, .link = &kept, .module = &module,
        .key = "rsa2048", .scheme = RSA, .floor = "esys-rsa2048",
        .goal = 0.95 },
    { .id = "peer11-rsa2048", .title = "  tpm2-pkcs11, shared link",
        .ops = &p11_sign_ops, .link = &shared, .module = &peer_module,
        .key = "rsa2048", .scheme = RSA, .floor = "esys-rsa2048" },
    { .id = "soft11-rsa2048", .title = "  SoftHSM",
        .ops = &p11_sign_ops, .link = &kept, .module = &soft_module,
        .key = "rsa2048", .scheme = RSA, .floor = "esys-rsa2048" },

    { .id = "p11-random", .title = "PKCS#11 random 32, ours",
        .ops = &p11_random_ops, .link = &kept, .module = &module,
        .floor = "sys-random" },
    { .id = "peer11-random", .title = "  tpm2-pkcs11, shared link",
        .ops = &p11_random_ops, .link = &shared, .module = &peer_module,
        .floor = "sys-random" },
    { .id = "soft11-random", .title = "  SoftHSM",
        .ops = &p11_random_ops, .link = &kept, .module = &soft_module,
        .floor = "sys-random" },

    { .id = "p11-login", .title = "C_Login again, ours",
        .ops = &p11_login_ops, .link = &kept, .module = &module,
        .floor = "esys-p256" },
    { .id = "peer11-login", .title = "  tpm2-pkcs11, shared link",
        .ops = &p11_login_ops, .link = &shared, .module = &peer_module,
        .floor = "esys-p256" },
    { .id = "p11-first", .title = "module to first signature, ours",
        .ops = &p11_first_ops, .link = &kept, .module = &module,
        .key = "p256", .scheme = EC, .floor = "esys-p256" },
    { .id = "p11-first-shared", .title = "  same, shared link",
        .ops = &p11_first_ops, .link = &shared, .module = &module,
        .key = "p256", .scheme = EC, .floor = "esys-p256" },
    { .id = "peer11-first", .title = "  tpm2-pkcs11, shared link",
        .ops = &p11_first_ops, .link = &shared, .module = &peer_module,
        .key = "p256", .scheme = EC, .floor = "esys-p256" },
    { .id = "soft11-first", .title = "  SoftHSM",
        .ops = &p11_first_ops, .link = &shared, .module = &soft_module,
        .key = "p256", .scheme = EC, .floor = "esys-p256" },
};

const size_t bench_row_count = sizeof(bench_rows) / sizeof(bench_rows[0]);
