/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/goodbye.h"

#include "chip/chip.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct scu_chip *chips;
static pthread_once_t arranged = PTHREAD_ONCE_INIT;

void
goodbye_add(struct scu_chip *chip)
{
    (void)pthread_mutex_lock(&mutex);
    chip->next = chips;
    chips = chip;
    (void)pthread_mutex_unlock(&mutex);
}

void
goodbye_remove(struct scu_chip *chip)
{
    (void)pthread_mutex_lock(&mutex);
    for (struct scu_chip **p = &chips; *p != NULL; p = &(*p)->next)
        if (*p == chip) {
            *p = chip->next;
            break;
        }
    (void)pthread_mutex_unlock(&mutex);
}

/* Not waited for: a thread that opens or frees a chip now is as good. */
static void
say_goodbye(void)
{
    if (pthread_mutex_trylock(&mutex) != 0)
        return;
    for (struct scu_chip *chip = chips; chip != NULL; chip = chip->next)
        chip_empty_in_time(chip);
    (void)pthread_mutex_unlock(&mutex);
}

/* Who held the mutex in the parent is not here. */
static void
in_child(void)
{
    (void)pthread_mutex_init(&mutex, NULL);
}

static void
arrange(void)
{
    (void)pthread_atfork(NULL, NULL, in_child);
    (void)atexit(say_goodbye);
}

void
goodbye_arrange(void)
{
    (void)pthread_once(&arranged, arrange);
}
