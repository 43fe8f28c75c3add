/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_TOKEN_H
#define SCU_TOKEN_H

#include <scu/key.h>

/*
 * Tokens
 * ------
 * A token is a set of keys and objects behind a PIN, in the store that belongs
 * to a chip. The chip checks the PIN and counts wrong tries per token, through
 * restarts and power cuts, without the chip-wide lockout. The security officer
 * (SO) has a PIN of his own, sets the user's, and unlocks it.
 *
 * The store is one SQLite file, "store.db" (0600), in the folder that
 * SCU_STORE or scu.conf ("store") names, else in the state folder of the user.
 * It holds no PIN and nothing that a PIN could be tried against: keys and
 * secrets in it are encrypted by the chip.
 *
 * A struct scu_token is one program's view of a token, with its own login. It
 * may be used from any thread. In a forked child it is logged out.
 */
struct scu_token;

#define SCU_TOKEN_LABEL_MAX 32
#define SCU_PIN_MIN 4
#define SCU_PIN_MAX 127
#define SCU_PIN_TRIES_DEFAULT 10

enum scu_user {
    SCU_USER_SO = 0,
    SCU_USER_NORMAL = 1,
};

/* What the store says of a token. No command; text is terminated. */
struct scu_token_info {
    char label[SCU_TOKEN_LABEL_MAX + 1];
    char serial[17];       /* 16 hexadecimal digits, random, unique */
    bool user_pin_set;
    uint32_t tries;        /* wrong PINs in a row that lock */
    bool other_chip;       /* made by another chip: listed, not usable */
};

/* What the chip says of the PINs of a token, read when asked. */
struct scu_pin_status {
    uint32_t user_failed, so_failed; /* wrong tries since the last right one */
    uint32_t tries;
    bool user_locked, so_locked;
};

/*
 * The tokens of a chip's store, in the order they were made. *tokens is an
 * array of *count references that scu_token_list_free() gives back. A missing
 * store has no tokens. No command. SCU_E_STORE where the store is damaged,
 * SCU_E_STORE_NEWER where a newer version wrote it, SCU_E_FILE.
 */
SCU_API SCU_MUST_CHECK int scu_token_list(struct scu_chip *chip,
    struct scu_token ***tokens, size_t *count);
SCU_API void scu_token_list_free(struct scu_token ***tokens, size_t count);

/* By serial, or by label where serial is NULL. SCU_E_NOT_FOUND. No command. */
SCU_API SCU_MUST_CHECK int scu_token_find(struct scu_chip *chip,
    const char *label, const char *serial, struct scu_token **token);

SCU_API struct scu_token *scu_token_ref(struct scu_token *token);
/* With the last reference: logs out, wipes. NULL is fine; nulls the pointer. */
SCU_API void scu_token_free(struct scu_token **token);

/* What this view last read of the store; no command. */
SCU_API void scu_token_info(const struct scu_token *token,
    struct scu_token_info *info);

/*
 * Makes a token with an SO PIN and no user PIN. tries: wrong PINs in a row
 * that lock (0: the default). The owner authorisation comes from the
 * provisioning file where this process may read it, else a token that `scu
 * provision --tokens N` prepared is used, else SCU_E_AUTH_NEEDED says so.
 * SCU_E_UNPROVISIONED; SCU_E_TOKENS_FULL where the chip has no room left and
 * none is prepared: the detail says how many it holds.
 * Some 20 commands.
 */
SCU_API SCU_MUST_CHECK int scu_token_init(struct scu_chip *chip,
    const char *label, const void *so_pin, size_t so_pin_len, uint32_t tries,
    struct scu_token **token);

/*
 * Prepares tokens for users who do not have the owner authorisation: pairs of
 * indices, with what is needed to make tokens of them in files of the folder
 * "pool" beside the pins (0700; give it to a group with mode 2770 to let that
 * group make tokens). It goes on until count of them are there to be taken;
 * *prepared says how many there are now, also on failure. owner is the owner
 * authorisation; NULL: that of the provisioning file. SCU_E_AUTH_NEEDED,
 * SCU_E_AUTH, SCU_E_TOKENS_FULL, SCU_E_FILE, SCU_E_BUSY. Some 15 commands
 * each.
 */
SCU_API SCU_MUST_CHECK int scu_token_prepare(struct scu_chip *chip,
    const void *owner, size_t owner_len, size_t count, size_t *prepared);

/* How many are there to be taken by this process. No command. */
SCU_API size_t scu_token_prepared(const struct scu_chip *chip);

/* How many tokens a chip holds, and for how many more there is room. */
struct scu_token_room {
    uint32_t in_chip;       /* of all users and stores, prepared ones too */
    uint32_t prepared;      /* those that this process could take */
    uint32_t other_indices; /* NV indices that are no token's */
    uint32_t at_least;      /* so many more surely fit; 0: the chip does not
                               tell, so it can only be tried */
};

/*
 * Asks the chip: some five commands through the session, and one in the clear
 * for each NV index. SCU_E_UNPROVISIONED.
 */
SCU_API SCU_MUST_CHECK int scu_token_room(struct scu_chip *chip,
    struct scu_token_room *room);

/*
 * Makes a token anew: all its objects are gone, its user PIN unset, its label
 * changed; the SO PIN stays and must be right.
 */
SCU_API SCU_MUST_CHECK int scu_token_reinit(struct scu_token *token,
    const char *label, const void *so_pin, size_t so_pin_len);

/*
 * Deletes a token with its NV indices; owner authorisation as for init. Of a
 * token of another chip only the rows in the store. Other references to the
 * token find it gone: SCU_E_NOT_FOUND.
 */
SCU_API SCU_MUST_CHECK int scu_token_remove(struct scu_token *token);

/*
 * Logs in. A wrong PIN counts: SCU_E_AUTH, or SCU_E_PIN_LOCKED once the limit
 * is reached; SCU_E_PIN_UNSET where the user has none yet. Verifies the
 * authenticity of all the token's rows: SCU_E_STORE names what was altered.
 * Six commands; never repeated by itself.
 */
SCU_API SCU_MUST_CHECK int scu_token_login(struct scu_token *token,
    enum scu_user user, const void *pin, size_t len);
/*
 * A login leaves an object of its own in the chip until another key wants the
 * slot; this gives the slot back at once (TPM2_FlushContext), for programs
 * that stay and leave the chip to others. The login stays.
 */
SCU_API void scu_token_release_slot(struct scu_token *token);
/* Forgets the token secret and flushes the token's keys. */
SCU_API void scu_token_logout(struct scu_token *token);
/* Whether, and as whom (user may be NULL). */
SCU_API bool scu_token_logged_in(const struct scu_token *token,
    enum scu_user *user);

/* Sets the user's PIN (also unlocks it). The SO must be logged in. */
SCU_API SCU_MUST_CHECK int scu_token_set_user_pin(struct scu_token *token,
    const void *pin, size_t len);
/* Changes one's own PIN; the old one is tried (and counts). */
SCU_API SCU_MUST_CHECK int scu_token_change_pin(struct scu_token *token,
    enum scu_user user, const void *old_pin, size_t old_len,
    const void *new_pin, size_t new_len);

/* Reads the counters from the chip, authenticated. No PIN needed. */
SCU_API SCU_MUST_CHECK int scu_token_pin_status(struct scu_token *token,
    struct scu_pin_status *status);

/*
 * Objects
 * -------
 * An object is a row of the store: attributes, and for keys the public area
 * and the blob that only the chip can use. Attributes are numbered octet
 * strings; libscu gives a meaning to none, but authenticates all of them
 * under the token secret. The doors use the numbers of PKCS#11 (CKA_...).
 */
struct scu_object;

struct scu_attribute {
    uint64_t type;
    const uint8_t *value;
    size_t len;
};

/* Who may see an object. */
#define SCU_OBJECT_PUBLIC 0u
#define SCU_OBJECT_PRIVATE 1u

/*
 * All visible objects: the public ones, and after the user's login the private
 * ones. References, freed by scu_object_list_free(). No command.
 */
SCU_API SCU_MUST_CHECK int scu_object_list(struct scu_token *token,
    struct scu_object ***objects, size_t *count);
SCU_API void scu_object_list_free(struct scu_object ***objects, size_t count);
SCU_API struct scu_object *scu_object_ref(struct scu_object *object);
SCU_API void scu_object_free(struct scu_object **object);

/* Its number in the store: stable, never used again. */
SCU_API uint64_t scu_object_id(const struct scu_object *object);
SCU_API bool scu_object_is_private(const struct scu_object *object);
/* Borrowed until this reference is updated or freed, and not for a thread
 * beside one that updates it; NULL and len 0 where it has none of this type. */
SCU_API const uint8_t *scu_object_attribute(const struct scu_object *object,
    uint64_t type, size_t *len);
/* In turn, by index; false behind the last. */
SCU_API bool scu_object_attribute_at(const struct scu_object *object,
    size_t index, struct scu_attribute *attribute);

/* Stores an object without a key (certificate, data, public key). */
SCU_API SCU_MUST_CHECK int scu_object_create(struct scu_token *token,
    unsigned flags, const struct scu_attribute *attributes, size_t count,
    struct scu_object **object);
/* Replaces attributes that are given, keeps the others; len 0 removes. */
SCU_API SCU_MUST_CHECK int scu_object_update(struct scu_object *object,
    const struct scu_attribute *attributes, size_t count);
SCU_API SCU_MUST_CHECK int scu_object_delete(struct scu_object *object);

/*
 * Makes a key in the chip, bound to the token: its authValue is derived from
 * the token secret. The user must be logged in. The object is private.
 */
SCU_API SCU_MUST_CHECK int scu_object_generate(struct scu_token *token,
    const struct scu_alg *alg, const struct scu_attribute *attributes,
    size_t count, struct scu_object **object);

/*
 * The same with a key that exists already (a key file, a persistent handle):
 * adopted; its own password, if any, is kept encrypted under the token secret.
 */
SCU_API SCU_MUST_CHECK int scu_object_adopt(struct scu_token *token,
    const struct scu_key *key, const struct scu_attribute *attributes,
    size_t count, struct scu_object **object);

/*
 * Brings a private key that exists outside into the chip, bound to the token
 * as if it had been made there. TPM2_Import. See scu_key_import().
 */
SCU_API SCU_MUST_CHECK int scu_object_import(struct scu_token *token,
    const struct scu_import *import, const struct scu_attribute *attributes,
    size_t count, struct scu_object **object);

/*
 * The key of an object, ready to use while the user is logged in; a reference
 * that the caller gives back by scu_key_free(). SCU_E_AUTH_NEEDED without a
 * login, SCU_E_USAGE where the object has no key.
 */
SCU_API SCU_MUST_CHECK int scu_object_key(struct scu_object *object,
    struct scu_key **key);

#endif
