/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "login.h"
#include "printable.h"
#include "prov.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the core gives us at initialisation. */
struct core {
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_get_params_fn *get_params;
    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_set_error_debug_fn *set_error_debug;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_FUNC_BIO_read_ex_fn *read_ex;
    OSSL_FUNC_BIO_write_ex_fn *write_ex;
    OSSL_FUNC_BIO_gets_fn *gets;
};

struct prov_ctx {
    struct core core;
    atomic_int refs;
    char *tcti, *state, *name; /* of openssl.cnf, or NULL */
    struct prov_logins *logins;

    /* Made when first needed, under the mutex; then only read. */
    pthread_mutex_t mutex;
    OSSL_PROVIDER *software;
    _Atomic(OSSL_LIB_CTX *) libctx;
    _Atomic(struct scu_chip *) chip;
};

struct prov_ctx *
prov_ref(struct prov_ctx *prov)
{
    atomic_fetch_add(&prov->refs, 1);
    return prov;
}

void
prov_unref(struct prov_ctx *prov)
{
    struct scu_chip *chip = NULL;

    if (prov == NULL || atomic_fetch_sub(&prov->refs, 1) != 1)
        return;
    prov_logins_free(&prov->logins);
    chip = prov->chip;
    scu_chip_free(&chip);
    if (prov->software != NULL)
        OSSL_PROVIDER_unload(prov->software);
    OSSL_LIB_CTX_free(prov->libctx);
    pthread_mutex_destroy(&prov->mutex);
    free(prov->tcti);
    free(prov->state);
    free(prov->name);
    free(prov);
}

/* Never made inside OSSL_provider_init(): the core holds locks there. */
OSSL_LIB_CTX *
prov_libctx(struct prov_ctx *prov)
{
    OSSL_LIB_CTX *libctx = prov->libctx;

    if (libctx != NULL)
        return libctx;
    pthread_mutex_lock(&prov->mutex);
    libctx = prov->libctx;
    if (libctx == NULL && (libctx = OSSL_LIB_CTX_new()) != NULL) {
        prov->software = OSSL_PROVIDER_load(libctx, "default");
        if (prov->software == NULL) {
            OSSL_LIB_CTX_free(libctx);
            libctx = NULL;
        }
        prov->libctx = libctx;
    }
    pthread_mutex_unlock(&prov->mutex);
    if (libctx == NULL) {
        prov_raise(prov, SCU_E_INTERNAL,
            "OpenSSL's default provider cannot be loaded");
    }
    return libctx;
}

OSSL_PROVIDER *
prov_software(struct prov_ctx *prov)
{
    return prov_libctx(prov) != NULL ? prov->software : NULL;
}

struct scu_chip *
prov_chip(struct prov_ctx *prov)
{
    const struct scu_chip_options options = {
        .name = prov->name,
        .tcti = prov->tcti,
        .state = prov->state,
    };
    struct scu_chip *chip = prov->chip;
    int rc = SCU_OK;

    if (chip != NULL)
        return chip;
    pthread_mutex_lock(&prov->mutex);
    chip = prov->chip;
    if (chip == NULL && (rc = scu_chip_open(&options, &chip)) == SCU_OK)
        prov->chip = chip;
    pthread_mutex_unlock(&prov->mutex);
    if (rc != SCU_OK) {
        prov_raise_scu(prov, rc);
        return NULL;
    }
    return chip;
}

struct prov_logins *
prov_logins(struct prov_ctx *prov)
{
    return prov->logins;
}

static void set_error(const struct core *core, int rc, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static void
set_error(const struct core *core, int rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    core->vset_error(core->handle, (uint32_t)-rc, format, args);
    va_end(args);
}

static void raise_valist(struct prov_ctx *prov, int rc, const char *format,
    va_list args) __attribute__((format(printf, 3, 0)));

/*
 * Labels and file names are others' words, and programs print errors as they
 * are.
 */
static void
raise_valist(struct prov_ctx *prov, int rc, const char *format, va_list args)
{
    const struct core *core = &prov->core;
    char text[1024];

    if (core->new_error == NULL || core->vset_error == NULL ||
        core->set_error_debug == NULL) {
        return;
    }
    core->new_error(core->handle);
    /* The text says what and where; a line of ours tells a user nothing. */
    core->set_error_debug(core->handle, "", 0, "");
    (void)vsnprintf(text, sizeof(text), format, args);
    printable(text, false);
    set_error(core, rc, "%s", text);
}

int
prov_raise(struct prov_ctx *prov, int rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    raise_valist(prov, rc, format, args);
    va_end(args);
    return 0;
}

int
prov_raise_scu(struct prov_ctx *prov, int rc)
{
    return prov_raise(prov, rc, "%s", scu_error_detail());
}

bool
prov_read(struct prov_ctx *prov, OSSL_CORE_BIO *bio, void *data, size_t len)
{
    uint8_t *at = data;
    size_t done = 0;

    while (len > 0) {
        if (prov->core.read_ex(bio, at, len, &done) != 1 || done == 0 ||
            done > len) {
            return false;
        }
        at += done;
        len -= done;
    }
    return true;
}

size_t
prov_gets(struct prov_ctx *prov, OSSL_CORE_BIO *bio, char *line, size_t size)
{
    int n = prov->core.gets(bio, line, (int)size);

    return n > 0 ? (size_t)n : 0;
}

bool
prov_write(struct prov_ctx *prov, OSSL_CORE_BIO *bio, const void *data,
    size_t len)
{
    size_t done = 0;

    return prov->core.write_ex(bio, data, len, &done) == 1 && done == len;
}

OSSL_PARAM *
prov_unconst(const OSSL_PARAM *params)
{
    return (OSSL_PARAM *)(uintptr_t)params;
}

static const OSSL_ITEM reasons[] = {
#define REASON(name, value, ckr, exit, text)              \
    {                                                     \
        .id = (unsigned)-(value),                         \
        .ptr = (void *)(uintptr_t)(const void *)("" text) \
    },
    SCU_ERROR_LIST(REASON)
#undef REASON
    { .id = 0, .ptr = NULL },
};

static const OSSL_ITEM *
get_reasons(void *provctx)
{
    (void)provctx;
    return reasons;
}

static const OSSL_PARAM *
gettable_params(void *provctx)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };

    (void)provctx;
    return gettable;
}

static int
get_params(void *provctx, OSSL_PARAM params[])
{
    static const struct {
        const char *key, *value;
    } texts[] = {
        { OSSL_PROV_PARAM_NAME, "SCU security chip" },
        { OSSL_PROV_PARAM_VERSION, PACKAGE_VERSION },
        { OSSL_PROV_PARAM_BUILDINFO, PACKAGE_STRING },
    };
    OSSL_PARAM *p = NULL;

    (void)provctx;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        p = OSSL_PARAM_locate(params, texts[i].key);
        if (p != NULL && !OSSL_PARAM_set_utf8_ptr(p, texts[i].value))
            return 0;
    }
    p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return p == NULL || OSSL_PARAM_set_int(p, 1);
}

static const OSSL_ALGORITHM *
query_operation(void *provctx, int operation, int *no_cache)
{
    static const struct {
        int operation;
        const OSSL_ALGORITHM *algorithms;
    } operations[] = {
        { OSSL_OP_KEYMGMT, prov_keymgmt },
        { OSSL_OP_SIGNATURE, prov_signature },
        { OSSL_OP_KEYEXCH, prov_keyexch },
        { OSSL_OP_ASYM_CIPHER, prov_asym_cipher },
        { OSSL_OP_DECODER, prov_decoder },
        { OSSL_OP_ENCODER, prov_encoder },
        { OSSL_OP_STORE, prov_store },
    };

    (void)provctx;
    *no_cache = 0;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (operations[i].operation == operation)
            return operations[i].algorithms;
    }
    return NULL;
}

static void
teardown(void *provctx)
{
    prov_unref(provctx);
}

static const OSSL_DISPATCH provider_functions[] = {
    PROV_FN(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
    PROV_FN(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
    PROV_FN(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params),
    PROV_FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query_operation),
    PROV_FN(OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, get_reasons),
    PROV_FN(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, prov_get_capabilities),
    { 0, NULL },
};

static void
take_core(struct core *core, const OSSL_DISPATCH *in)
{
    for (; in->function_id != 0; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            core->get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            core->new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_SET_ERROR_DEBUG:
            core->set_error_debug = OSSL_FUNC_core_set_error_debug(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            core->vset_error = OSSL_FUNC_core_vset_error(in);
            break;
        case OSSL_FUNC_BIO_READ_EX:
            core->read_ex = OSSL_FUNC_BIO_read_ex(in);
            break;
        case OSSL_FUNC_BIO_WRITE_EX:
            core->write_ex = OSSL_FUNC_BIO_write_ex(in);
            break;
        case OSSL_FUNC_BIO_GETS:
            core->gets = OSSL_FUNC_BIO_gets(in);
            break;
        default:
            break;
        }
    }
}

static bool
keep(char **to, const char *from)
{
    return from == NULL || (*to = strdup(from)) != NULL;
}

/*
 * The provider's section of openssl.cnf. For a UTF8_PTR the core stores the
 * value's address at the address that data holds; hence &tcti, not tcti.
 */
static bool
take_configuration(struct prov_ctx *prov)
{
    char *tcti = NULL, *state = NULL, *name = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_ptr("tcti", &tcti, 0),
        OSSL_PARAM_construct_utf8_ptr("state", &state, 0),
        OSSL_PARAM_construct_utf8_ptr("chip", &name, 0),
        OSSL_PARAM_construct_end(),
    };

    if (prov->core.get_params == NULL ||
        !prov->core.get_params(prov->core.handle, params)) {
        return false;
    }
    return keep(&prov->tcti, tcti) && keep(&prov->state, state) &&
        keep(&prov->name, name);
}

SCU_API OSSL_provider_init_fn OSSL_provider_init;

int
OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
    struct prov_ctx *prov = calloc(1, sizeof(*prov));

    if (prov == NULL || pthread_mutex_init(&prov->mutex, NULL) != 0) {
        free(prov);
        return 0;
    }
    atomic_init(&prov->refs, 1);
    prov->core.handle = handle;
    take_core(&prov->core, in);
    if (prov->core.read_ex == NULL || prov->core.write_ex == NULL ||
        prov->core.gets == NULL || !take_configuration(prov) ||
        (prov->logins = prov_logins_new()) == NULL) {
        prov_unref(prov);
        return 0;
    }
    *out = provider_functions;
    *provctx = prov;
    return 1;
}
