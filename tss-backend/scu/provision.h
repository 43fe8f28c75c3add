/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_PROVISION_H
#define SCU_PROVISION_H

#include <scu/chip.h>

/*
 * Provisioning
 * ------------
 * Puts into a chip what this stack needs, and writes down ("pins") what is to
 * be recognised: the storage key, P-256 H-2 template (TCG TPM v2.0
 * Provisioning Guidance), persistent at 0x81000001; the attestation key,
 * P-256 restricted signing key of the endorsement hierarchy, persistent at
 * 0x81010002; random owner and lockout authorisations.
 *
 * Files in the chip's state folder: "pins" (0644) and "authorisations" (0600).
 */
enum scu_owner_auth {
    SCU_OWNER_AUTH_RANDOM, /* 32 random octets, kept in "authorisations" */
    SCU_OWNER_AUTH_EMPTY,  /* left empty: PIN counting is advisory then */
    SCU_OWNER_AUTH_VALUE,  /* the given one; not kept */
};

enum scu_trust {
    SCU_TRUST_FIRST_USE = 1,  /* the chip's word at the first contact */
    SCU_TRUST_EK_CERTIFICATE, /* session salted to the key that the EK
                                 certificate in the chip names; its chain
                                 was not verified */
};

struct scu_provision_options {
    enum scu_owner_auth owner_auth;
    const void *owner_value; /* SCU_OWNER_AUTH_VALUE: what to set, or what is
                                set already; NULL, 0 otherwise */
    size_t owner_len;
    bool force;              /* replace pins of another chip */
};

/* What is pinned and what was done. Hexadecimal text, terminated. */
struct scu_provision_report {
    enum scu_trust trust;
    uint32_t storage_handle, attestation_handle;
    char storage_name[2 * 34 + 1];
    char attestation_name[2 * 34 + 1];
    char ek_name[2 * 34 + 1];       /* empty where there is no certificate */
    char ek_certificate[2 * 32 + 1]; /* SHA-256 of it, or empty */
    bool created_storage, created_attestation;
    bool set_owner_auth, set_lockout_auth;
    bool wrote_pins;
    bool owner_auth_empty;          /* afterwards */
};

/*
 * Does what is still missing; a second call changes nothing. Each step is
 * complete before the next: repeat it after a power cut. An authorisation is
 * on the disk before the chip knows it.
 * SCU_E_OTHER_CHIP where the pins are of another chip (without force),
 * SCU_E_AUTH / SCU_E_AUTH_NEEDED where the owner authorisation is set and not
 * known, SCU_E_FILE, SCU_E_EXISTS where another key stands at a handle,
 * SCU_E_BUSY while another process provisions in the same folder.
 */
SCU_API SCU_MUST_CHECK int scu_provision(struct scu_chip *chip,
    const struct scu_provision_options *options,
    struct scu_provision_report *report);

/*
 * Whoever makes a token calls this before. Where nothing is pinned here and
 * scu.conf says "auto-provision = yes": scu_provision() with its defaults, and
 * its errors. Otherwise SCU_OK, and no command: what needs the pins will say
 * SCU_E_UNPROVISIONED. *done says whether it provisioned; NULL is fine.
 */
SCU_API SCU_MUST_CHECK int scu_provision_auto(struct scu_chip *chip,
    bool *done);

/*
 * Reads the pins back, without the chip. SCU_E_UNPROVISIONED where there are
 * none, SCU_E_FILE where others could have written them or they are damaged.
 */
SCU_API SCU_MUST_CHECK int scu_provision_read(const struct scu_chip *chip,
    struct scu_provision_report *report);

#endif
