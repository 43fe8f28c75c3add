/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all commands know, and what only "scu" itself knows. */
struct common {
    bool json;
    bool help;
    bool version;
};

static const struct opt common_options[] = {
    {
        .name = "json",
        .help = "print one JSON object",
        .offset = offsetof(struct common, json),
    },
    {
        .name = "help",
        .help = "print this help",
        .offset = offsetof(struct common, help),
    },
    { 0 },
};

static const struct opt top_options[] = {
    {
        .name = "version",
        .help = "print the version",
        .offset = offsetof(struct common, version),
    },
    { 0 },
};

static const struct opt chip_options[] = {
    {
        .name = "chip",
        .arg = "NAME",
        .help = "section [chip NAME] of scu.conf",
        .offset = offsetof(struct scu_chip_options, name),
    },
    {
        .name = "tcti",
        .arg = "TCTI",
        .help = "link to the chip, in place of SCU_TCTI",
        .offset = offsetof(struct scu_chip_options, tcti),
    },
    {
        .name = "state",
        .arg = "DIR",
        .help = "folder of the pins, in place of SCU_STATE",
        .offset = offsetof(struct scu_chip_options, state),
    },
    { 0 },
};

static const struct cmd *const commands[] = {
    &cmd_sim,
    &cmd_provision,
    &cmd_info,
    &cmd_status,
    &cmd_token,
    &cmd_key,
    &cmd_quote,
    &cmd_verify,
    &cmd_bridge,
    &cmd_shutdown,
    NULL,
};

static const struct cmd top = {
    .name = "",
    .summary = "set up and look at a secure cryptographic unit",
    .page = "scu(1)",
    .commands = commands,
    .options = top_options,
};

/* A command line on its way to the command. */
struct line {
    const struct cmd *cmd;
    int argc;
    char **argv; /* [0] is the command's last word */
    struct common common;
    struct scu_chip_options chip;
    void *options;
};

static const char *
last_word(const struct cmd *cmd)
{
    const char *space = strrchr(cmd->name, ' ');

    return space != NULL ? space + 1 : cmd->name;
}

/* "scu sim start", for lines that people read. */
static const char *
title(const struct cmd *cmd, char *text, size_t size)
{
    (void)snprintf(text, size, "scu%s%s", cmd->name[0] != '\0' ? " " : "",
        cmd->name);
    return text;
}

static void
print_help(const struct cmd *cmd)
{
    const char *open = cmd->operand_optional ? " [" : " ";
    char name[64];

    (void)printf("Usage: %s%s%s%s%s [OPTION...]\n%s\n",
        title(cmd, name, sizeof(name)),
        cmd->commands != NULL ? " COMMAND" : "",
        cmd->operand != NULL ? open : "",
        cmd->operand != NULL ? cmd->operand : "",
        cmd->operand_optional ? "]" : "", cmd->summary);
    if (cmd->commands != NULL) {
        (void)printf("\nCommands:\n");
        for (size_t i = 0; cmd->commands[i] != NULL; i++)
            (void)printf("  %-22s %s\n", last_word(cmd->commands[i]),
                cmd->commands[i]->summary);
    }
    (void)printf("\nOptions:\n");
    opt_print(stdout, cmd->options);
    if (cmd->takes_chip)
        opt_print(stdout, chip_options);
    opt_print(stdout, common_options);
    (void)printf("\nThe manual is %s.\n", cmd->page);
}

static int
usage_error(struct out *out, const struct cmd *cmd, const char *why)
{
    char name[64];

    (void)title(cmd, name, sizeof(name));
    return out_error(out, SCU_E_ARG, "%s%s%s: `%s --help` shows the usage",
        cmd->name, cmd->name[0] != '\0' ? ": " : "", why, name);
}

static const struct cmd *
find(const struct cmd *group, const char *word)
{
    for (size_t i = 0; group->commands[i] != NULL; i++)
        if (strcmp(last_word(group->commands[i]), word) == 0)
            return group->commands[i];
    return NULL;
}

/* The options of one level; *index becomes that of the first operand. */
static int
parse_level(struct line *line, struct out *out, int *index)
{
    const struct cmd *cmd = line->cmd;
    const struct opt_set sets[] = {
        { common_options, &line->common },
        { cmd->takes_chip ? chip_options : NULL, &line->chip },
        { cmd->options, cmd == &top ? (void *)&line->common : line->options },
    };
    char why[256];

    *index = opt_parse(sets, sizeof(sets) / sizeof(sets[0]), line->argc,
        line->argv, why, sizeof(why));
    if (*index < 0)
        return usage_error(out, cmd, why);
    return SCU_OK;
}

static int
allocate_options(struct line *line, struct out *out)
{
    if (line->cmd->options_size == 0)
        return SCU_OK;
    line->options = calloc(1, line->cmd->options_size);
    if (line->options == NULL)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    return SCU_OK;
}

/* Goes down one group by the word that names its member. */
static int
descend(struct line *line, struct out *out, int index)
{
    const struct cmd *next = NULL;
    char why[256];

    if (index == line->argc) {
        (void)snprintf(why, sizeof(why), "a command is missing");
        return usage_error(out, line->cmd, why);
    }
    if ((next = find(line->cmd, line->argv[index])) == NULL) {
        (void)snprintf(why, sizeof(why), "unknown command \"%s\"",
            line->argv[index]);
        return usage_error(out, line->cmd, why);
    }
    line->cmd = next;
    line->argc -= index;
    line->argv += index;
    out_set_command(out, next->name);
    return allocate_options(line, out);
}

/* Takes the command's operand, and the options behind it. */
static int
take_operand(struct line *line, struct out *out, int *index)
{
    const struct cmd *cmd = line->cmd;
    char why[256];

    if (*index == line->argc && cmd->operand_optional)
        return SCU_OK;
    if (*index == line->argc) {
        (void)snprintf(why, sizeof(why), "%s is missing", cmd->operand);
        return usage_error(out, cmd, why);
    }
    /* The table knows the member's type; memcpy needs no alignment. */
    memcpy((char *)line->options + cmd->operand_offset, &line->argv[*index],
        sizeof(line->argv[*index]));
    line->argc -= *index;
    line->argv += *index;
    return parse_level(line, out, index);
}

/* Parses all levels. Stops early where help or the version is asked for. */
static int
parse(struct line *line, struct out *out)
{
    char why[256];
    int index = 0;
    int rc;

    for (;;) {
        if ((rc = parse_level(line, out, &index)) != SCU_OK)
            return rc;
        if (line->common.help || line->common.version)
            return SCU_OK;
        if (line->cmd->commands == NULL)
            break;
        if ((rc = descend(line, out, index)) != SCU_OK)
            return rc;
    }
    if (line->cmd->operand != NULL &&
        (rc = take_operand(line, out, &index)) != SCU_OK)
        return rc;
    if (line->common.help || index == line->argc)
        return SCU_OK;
    (void)snprintf(why, sizeof(why), "unexpected \"%s\"", line->argv[index]);
    return usage_error(out, line->cmd, why);
}

/*
 * Looked for beforehand, so that an error found on the way to the option is
 * an object, too.
 */
static bool
asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int
print_and_flush(const struct line *line)
{
    if (line->common.version)
        (void)printf("scu %s\n", PACKAGE_VERSION);
    else
        print_help(line->cmd);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct line line = { .cmd = &top, .argc = argc, .argv = argv };
    struct out *out = out_new(asks_for_json(argc, argv));
    int rc;

    if (out == NULL) {
        (void)fprintf(stderr, "scu: out of memory on the host\n");
        return 1;
    }
    /* Our own line names the cause; the TSS's would stand beside it. */
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    rc = parse(&line, out);
    if (rc == SCU_OK && (line.common.help || line.common.version)) {
        rc = print_and_flush(&line);
    } else {
        if (line.common.json)
            out_set_json(out);
        if (rc == SCU_OK)
            rc = line.cmd->run(out, &line.chip, line.options);
        rc = out_finish(out, rc);
    }
    free(line.options);
    out_free(&out);
    return rc;
}
