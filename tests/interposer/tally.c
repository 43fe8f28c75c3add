/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tally.h"

#include "attack.h"

#include <stdio.h>

static void
print_tally(const char *name, const struct tally *t)
{
    (void)printf("# %-20s %8u %8u %8u %8u\n", name, t->cases, t->right,
        t->refused, t->wrong);
}

unsigned
tally_report(const struct tally *rows, size_t n)
{
    struct tally all = { 0 };

    (void)printf("# %-20s %8s %8s %8s %8s\n", "kind", "cases", "right",
        "refused", "wrong");
    for (size_t k = 0; k < attack_kinds_n; k++) {
        struct tally kind = { 0 };

        for (size_t j = 0; j < n; j++) {
            const struct tally *t = &rows[j * KINDS_MAX + k];

            kind.cases += t->cases;
            kind.right += t->right;
            kind.refused += t->refused;
            kind.wrong += t->wrong;
        }
        print_tally(attack_kinds[k]->name, &kind);
        all.cases += kind.cases;
        all.right += kind.right;
        all.refused += kind.refused;
        all.wrong += kind.wrong;
    }
    print_tally("all", &all);
    return all.wrong;
}
