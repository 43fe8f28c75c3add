/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The fake's tokens. */
#include "tests/pkcs11/fakescu-private.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKENS 4

struct scu_chip {
    int unused;
};

static struct token_row token_rows[MAX_TOKENS];
static const char *failing;
static int failure;
static _Thread_local char detail[128];
static pthread_mutex_t store_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

uint64_t fake_last_id;
bool fake_spare_token;
bool fake_store_gone;
void (*fake_in_login)(void);
atomic_uint fake_logins;
atomic_uint fake_chip_calls;
atomic_int fake_alive;
char fake_log[512];
unsigned fake_log_lines;

void
fake_lock(void)
{
    (void)pthread_mutex_lock(&store_mutex);
}

void
fake_unlock(void)
{
    (void)pthread_mutex_unlock(&store_mutex);
}

int
fake_enter(const char *function)
{
    int rc = SCU_OK;

    fake_lock();
    if (failing != NULL && strcmp(failing, function) == 0) {
        failing = NULL;
        rc = fake_error(failure, "told to fail");
    }
    fake_unlock();
    return rc;
}

int
fake_error(int rc, const char *text)
{
    (void)snprintf(detail, sizeof(detail), "%s", text);
    return rc;
}

void
fake_fail(const char *function, int rc)
{
    failing = function;
    failure = rc;
}

void
fake_reset(void)
{
    fake_clear_objects(NULL);
    memset(token_rows, 0, sizeof(token_rows));
    failing = NULL;
    fake_spare_token = fake_store_gone = false;
    fake_in_login = NULL;
    fake_chip_calls = fake_logins = 0;
    fake_log_lines = 0;
    fake_log[0] = detail[0] = '\0';
}

/* --- errors, log, chip ---------------------------------------------------- */

const char *
scu_error_text(int rc)
{
    switch (rc) {
#define TEXT(name, value, ckr, exit, text) case value: return text;
    SCU_ERROR_LIST(TEXT)
#undef TEXT
    default: return "unknown";
    }
}

const char *
scu_error_detail(void)
{
    return detail;
}

void
scu_log(enum scu_log_level level, const char *format, ...)
{
    va_list ap;

    if (level > SCU_LOG_WARN)
        return;
    va_start(ap, format);
    (void)vsnprintf(fake_log, sizeof(fake_log), format, ap);
    va_end(ap);
    fake_log_lines++;
}

int
scu_chip_open(const struct scu_chip_options *options, struct scu_chip **chip)
{
    int rc = fake_enter(__func__);

    (void)options;
    if (rc != SCU_OK)
        return rc;
    *chip = calloc(1, sizeof(**chip));
    (void)atomic_fetch_add(&fake_alive, 1);
    return SCU_OK;
}

void
scu_chip_free(struct scu_chip **chip)
{
    if (*chip != NULL)
        (void)atomic_fetch_sub(&fake_alive, 1);
    free(*chip);
    *chip = NULL;
}

bool
scu_chip_spare_token(const struct scu_chip *chip)
{
    (void)chip;
    return fake_spare_token;
}

int
scu_chip_random(struct scu_chip *chip, uint8_t *data, size_t len)
{
    int rc = fake_enter(__func__);

    (void)chip;
    (void)atomic_fetch_add(&fake_chip_calls, 1);
    if (rc == SCU_OK)
        memset(data, 0xa5, len);
    return rc;
}

/* --- tokens --------------------------------------------------------------- */

struct scu_token *
fake_give_token(struct token_row *row)
{
    struct scu_token *token = calloc(1, sizeof(*token));

    atomic_init(&token->refs, 1);
    token->row = row;
    (void)atomic_fetch_add(&fake_alive, 1);
    return token;
}

int
scu_token_list(struct scu_chip *chip, struct scu_token ***tokens,
    size_t *count)
{
    int rc = fake_enter(__func__);

    (void)chip;
    *count = 0;
    *tokens = NULL;
    if (rc != SCU_OK)
        return rc;
    *tokens = calloc(MAX_TOKENS, sizeof(**tokens));
    fake_lock();
    for (size_t i = 0; !fake_store_gone && i < MAX_TOKENS; i++)
        if (token_rows[i].used)
            (*tokens)[(*count)++] = fake_give_token(&token_rows[i]);
    fake_unlock();
    return SCU_OK;
}

void
scu_token_list_free(struct scu_token ***tokens, size_t count)
{
    for (size_t i = 0; *tokens != NULL && i < count; i++)
        scu_token_free(&(*tokens)[i]);
    free(*tokens);
    *tokens = NULL;
}

struct scu_token *
scu_token_ref(struct scu_token *token)
{
    (void)atomic_fetch_add(&token->refs, 1);
    return token;
}

void
scu_token_free(struct scu_token **token)
{
    if (*token != NULL && atomic_fetch_sub(&(*token)->refs, 1) == 1) {
        free(*token);
        (void)atomic_fetch_sub(&fake_alive, 1);
    }
    *token = NULL;
}

void
scu_token_info(const struct scu_token *token, struct scu_token_info *info)
{
    *info = token->row->info;
}

static void
set_pin(char *to, const void *pin, size_t len)
{
    memcpy(to, pin, len);
    to[len] = '\0';
}

static int
try_pin(const char *right, uint32_t *failed, const void *pin, size_t len)
{
    (void)atomic_fetch_add(&fake_chip_calls, 1);
    if (*failed >= SCU_PIN_TRIES_DEFAULT)
        return fake_error(SCU_E_PIN_LOCKED, "locked");
    if (strlen(right) != len || memcmp(right, pin, len) != 0) {
        ++*failed;
        return fake_error(SCU_E_AUTH, "wrong PIN");
    }
    *failed = 0;
    return SCU_OK;
}

int
scu_provision_auto(struct scu_chip *chip, bool *done)
{
    (void)chip;
    if (done != NULL)
        *done = false;
    return fake_enter(__func__);
}

int
scu_token_init(struct scu_chip *chip, const char *label, const void *so_pin,
    size_t so_pin_len, uint32_t tries, struct scu_token **token)
{
    int rc = fake_enter(__func__);
    size_t i = 0;

    (void)chip;
    (void)tries;
    if (rc != SCU_OK)
        return rc;
    if (so_pin_len < SCU_PIN_MIN || so_pin_len > SCU_PIN_MAX)
        return SCU_E_PIN_LENGTH;
    while (i < MAX_TOKENS && token_rows[i].used)
        i++;
    if (i == MAX_TOKENS)
        return SCU_E_TOKENS_FULL;
    token_rows[i] = (struct token_row){ .used = true };
    token_rows[i].info.tries = SCU_PIN_TRIES_DEFAULT;
    (void)snprintf(token_rows[i].info.label,
        sizeof(token_rows[i].info.label), "%s", label);
    (void)snprintf(token_rows[i].info.serial,
        sizeof(token_rows[i].info.serial), "%016llx",
        0xabc0ull + (unsigned long long)++fake_last_id);
    set_pin(token_rows[i].so_pin, so_pin, so_pin_len);
    *token = fake_give_token(&token_rows[i]);
    return SCU_OK;
}

int
scu_token_reinit(struct scu_token *token, const char *label,
    const void *so_pin, size_t so_pin_len)
{
    int rc = try_pin(token->row->so_pin, &token->row->so_failed, so_pin,
        so_pin_len);

    if (rc != SCU_OK)
        return rc;
    fake_clear_objects(token->row);
    (void)snprintf(token->row->info.label, sizeof(token->row->info.label),
        "%s", label);
    token->row->info.user_pin_set = false;
    return SCU_OK;
}

int
scu_token_login(struct scu_token *token, enum scu_user user, const void *pin,
    size_t len)
{
    struct token_row *row = token->row;
    int rc = fake_enter(__func__);

    if (rc != SCU_OK)
        return rc;
    if (user == SCU_USER_NORMAL && !row->info.user_pin_set)
        return SCU_E_PIN_UNSET;
    (void)atomic_fetch_add(&fake_logins, 1);
    fake_lock();
    if (fake_in_login != NULL)
        fake_in_login();
    rc = user == SCU_USER_SO ? try_pin(row->so_pin, &row->so_failed, pin, len) :
        try_pin(row->user_pin, &row->user_failed, pin, len);
    token->logged_in = rc == SCU_OK;
    token->user = user;
    fake_unlock();
    return rc;
}

void
scu_token_logout(struct scu_token *token)
{
    fake_lock();
    token->logged_in = false;
    fake_unlock();
}

bool
scu_token_logged_in(const struct scu_token *token, enum scu_user *user)
{
    bool in;

    fake_lock();
    in = token->logged_in;
    if (in && user != NULL)
        *user = token->user;
    fake_unlock();
    return in;
}

int
scu_token_set_user_pin(struct scu_token *token, const void *pin, size_t len)
{
    if (!token->logged_in || token->user != SCU_USER_SO)
        return SCU_E_AUTH_NEEDED;
    if (len < SCU_PIN_MIN || len > SCU_PIN_MAX)
        return SCU_E_PIN_LENGTH;
    set_pin(token->row->user_pin, pin, len);
    token->row->user_failed = 0;
    token->row->info.user_pin_set = true;
    return SCU_OK;
}

int
scu_token_change_pin(struct scu_token *token, enum scu_user user,
    const void *old_pin, size_t old_len, const void *new_pin, size_t new_len)
{
    struct token_row *row = token->row;
    bool so = user == SCU_USER_SO;
    int rc = try_pin(so ? row->so_pin : row->user_pin,
        so ? &row->so_failed : &row->user_failed, old_pin, old_len);

    if (rc == SCU_OK)
        set_pin(so ? row->so_pin : row->user_pin, new_pin, new_len);
    return rc;
}

int
scu_token_pin_status(struct scu_token *token, struct scu_pin_status *status)
{
    const struct token_row *row = token->row;
    int rc = fake_enter(__func__);

    (void)atomic_fetch_add(&fake_chip_calls, 1);
    *status = (struct scu_pin_status){
        .user_failed = row->user_failed,
        .so_failed = row->so_failed,
        .tries = row->info.tries,
        .user_locked = row->user_failed >= row->info.tries,
        .so_locked = row->so_failed >= row->info.tries,
    };
    return rc;
}

void
fake_add_token(const char *label)
{
    struct scu_token *token = NULL;

    if (scu_token_init(NULL, label, "sopin", 5, 0, &token) != SCU_OK)
        abort();
    set_pin(token->row->user_pin, "userpin", 7);
    token->row->info.user_pin_set = true;
    scu_token_free(&token);
}
