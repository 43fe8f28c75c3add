/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stddef.h>

/*
 * The reader of scu.conf(5). Lines are "key = value", "[chip]" or
 * "[chip NAME]" (no name: "default"), "# comment" or empty. Read in turn, the
 * later over the earlier: SYSCONFDIR/scu/scu.conf, then
 * $XDG_CONFIG_HOME/scu/scu.conf (or ~/.config/scu/scu.conf), then the file
 * that SCU_CONF names. A set-id program reads the first only. A file that
 * others than root or the user own, or that group or others can write, is
 * refused; a missing file is no error unless SCU_CONF names it; an unknown
 * key, an unknown section or a line that is none of these is an error that
 * names file and line. So is a "tcti" whose name is a path, that is, a library
 * to load, unless root owns the file.
 */
struct conf;

/*
 * 0 and a configuration that the caller frees, or a negative errno value and
 * one line of cause and remedy in why (always terminated).
 */
int conf_load(struct conf **conf, char *why, size_t why_size);

/* The same from one file only, whoever owns it. For tests and tools. */
int conf_load_file(const char *path, struct conf **conf, char *why,
    size_t why_size);

/*
 * The value of a key (conf_keys[] in conf.c lists them) in the section of a
 * chip ("default" where chip is NULL), or NULL. It lives as long as conf.
 */
const char *conf_get(const struct conf *conf, const char *chip,
    const char *key);

/* Takes NULL; nulls the caller's pointer. */
void conf_free(struct conf **conf);

#endif
