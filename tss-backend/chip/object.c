/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/object.h"

#include "chip/chip.h"

#include <string.h>

static void
unlink_object(struct scu_chip *chip, struct chip_object *object)
{
    for (struct chip_object **p = &chip->loaded; *p != NULL; p = &(*p)->next)
        if (*p == object) {
            *p = object->next;
            break;
        }
    object->next = NULL;
}

static bool
is_transient(const struct chip_object *object)
{
    return !object->persistent && object->handle != 0;
}

void
chip_objects_suspect(struct scu_chip *chip)
{
    for (struct chip_object *o = chip->loaded; o != NULL; o = o->next)
        o->suspect = true;
}

void
chip_objects_forget(struct scu_chip *chip)
{
    while (chip->loaded != NULL) {
        chip->loaded->handle = 0;
        chip->loaded->suspect = false;
        unlink_object(chip, chip->loaded);
    }
}

void
chip_objects_settle(struct scu_chip *chip, bool anew)
{
    struct chip_object *next;

    for (struct chip_object *o = chip->loaded; o != NULL; o = next) {
        next = o->next;
        if (anew ? turn_enter_again(chip, o->handle, &o->name) :
            turn_has(chip, o->handle, &o->name)) {
            o->suspect = o->suspect || anew;
            continue;
        }
        o->handle = 0;
        o->suspect = false;
        unlink_object(chip, o);
    }
}

/*
 * After a loss the handle may be empty, or another program's object may have
 * it by now: then it is not ours to use or flush.
 */
static int
settle_suspect(struct scu_chip *chip, struct chip_object *object)
{
    TPM2B_PUBLIC public;
    TPM2B_NAME name = { 0 };
    int rc;

    if (!object->suspect)
        return SCU_OK;
    rc = chip_read_public(chip, object->handle, true, &public, &name);
    if (rc != SCU_OK && rc != SCU_E_NOT_FOUND && rc != SCU_E_LOST)
        return rc;
    object->suspect = false;
    if (rc != SCU_OK || name.size != object->name.size ||
        memcmp(name.name, object->name.name, name.size) != 0) {
        turn_gone(chip, object->handle);
        object->handle = 0;
        unlink_object(chip, object);
    }
    return SCU_OK;
}

void
chip_object_drop(struct scu_chip *chip, struct chip_object *object)
{
    if (is_transient(object)) {
        if (settle_suspect(chip, object) == SCU_OK && object->handle != 0)
            (void)chip_flush(chip, object->handle);
        object->handle = 0;
        object->suspect = false;
    }
    unlink_object(chip, object);
}

bool
chip_objects_evict(struct scu_chip *chip)
{
    return slots_free_object(chip, NULL);
}

static int
load_once(struct scu_chip *chip, struct chip_object *object,
    TPM2_HANDLE parent)
{
    const struct chip_command command = {
        .code = TPM2_CC_Load, .handles = 1, .auths = 1,
        .names = { &object->parent->name },
    };
    TPM2B_NAME name = { 0 };
    int rc;

    if ((rc = turn_expect(chip, REGISTRY_OBJECT, &object->name)) != SCU_OK)
        return rc;
    rc = chip_prepared(Tss2_Sys_Load_Prepare(chip->sys, parent,
        &object->private, &object->public), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Load_Complete(chip->sys, &object->handle,
            &name), command.code);
    if (rc == SCU_OK && (name.size != object->name.size ||
            memcmp(name.name, object->name.name, name.size) != 0))
        rc = err_set(SCU_E_TAMPERED, "TPM2_Load: the chip loaded another key");
    if (rc == SCU_OK)
        chip->session.cipher_proven = true;
    turn_made(chip, rc, object->handle, &object->name);
    if (rc == SCU_E_TAMPERED && object->handle != 0)
        (void)chip_flush(chip, object->handle);
    return rc;
}

static int
create_primary_once(struct scu_chip *chip, struct chip_object *object)
{
    /* What an earlier run put into unique would make another key. */
    TPM2B_PUBLIC template = object->public;
    struct chip_primary primary = {
        .hierarchy = object->hierarchy, .template = &template,
    };
    int rc;

    memset(&template.publicArea.unique, 0, sizeof(template.publicArea.unique));
    template.size = 0;
    rc = chip_create_primary(chip, &primary);
    if (rc != SCU_OK)
        return rc;
    object->handle = primary.handle;
    object->public = primary.public;
    object->name = primary.name;
    return SCU_OK;
}

static int
bring_once(struct scu_chip *chip, struct chip_object *object)
{
    TPM2_HANDLE parent = 0;
    int rc;

    if (object->parent == NULL)
        return create_primary_once(chip, object);
    rc = chip_object_use(chip, object->parent, &parent);
    return rc != SCU_OK ? rc : load_once(chip, object, parent);
}

static int
bring(struct scu_chip *chip, struct chip_object *object)
{
    struct deadline end = deadline_in(CHIP_SLOT_WAIT_MS);
    int rc;

    while ((rc = bring_once(chip, object)) == SCU_E_SLOTS)
        if (slots_make_room(chip, object, end) != SCU_OK)
            break;
    return rc;
}

/* Its public area is not known yet: ask, and believe the session only. */
static int
meet_persistent(struct scu_chip *chip, struct chip_object *object)
{
    int rc;

    if (object->name.size != 0)
        return SCU_OK;
    rc = chip_read_public(chip, object->handle, false, &object->public,
        &object->name);
    if (rc == SCU_E_NOT_FOUND)
        return err_set(SCU_E_FOREIGN_KEY, "the chip has no key at 0x%08x: it "
            "was evicted, or the key belongs to another chip",
            object->handle);
    return rc;
}

int
chip_object_use(struct scu_chip *chip, struct chip_object *object,
    TPM2_HANDLE *handle)
{
    int rc = SCU_OK;

    if (object->persistent)
        rc = meet_persistent(chip, object);
    else
        rc = settle_suspect(chip, object);
    if (rc == SCU_OK && object->handle == 0) {
        rc = bring(chip, object);
        if (rc == SCU_OK) {
            object->next = chip->loaded;
            chip->loaded = object;
        } else {
            object->handle = 0;
        }
    }
    if (rc != SCU_OK)
        return rc;
    object->used = ++chip->tick;
    turn_touch(chip, object->handle);
    *handle = object->handle;
    return SCU_OK;
}
