/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_MODEL_H
#define TESTS_TCTI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A chip with the FIFO interface of the PC Client Platform TPM Profile, down
 * to its registers, behind SPI or I2C. It is reached by the driver's real
 * ioctl(2) calls: model-shim.c has an ioctl() of its own. What it executes is
 * up to the test. Written from the profile's tables, not from the driver.
 */
#define MODEL_BUFFER 4096
#define MODEL_LOCALITIES 5

/* Lines of the GPIO chip, whatever node that is. */
#define MODEL_LINE_IRQ 5
#define MODEL_LINE_CS 8
#define MODEL_LINE_RESET 9

/* How this chip, or its bus, behaves. All zero: a quick and sound chip. */
struct model_knobs {
    unsigned waits;          /* SPI: octets of each frame */
    unsigned waits_change;   /* SPI: every so many frames one wait more */
    unsigned burst;          /* 0: 64 */
    bool burst_left;         /* the burst count falls as it is used up */
    bool burst_stuck;        /* it is 0 for ever */
    unsigned invalid_reads;  /* stsValid comes after so many reads of STS */
    unsigned execution_reads; /* the answer, after so many reads of STS */
    unsigned execution_us;   /* and not before */
    bool rests_ready;        /* after a response, instead of Idle */
    bool no_expect;          /* Expect reads 0 for ever */
    unsigned access_reads;   /* ACCESS is valid after so many reads */
    unsigned grant_reads;    /* a locality is granted after so many */
    int taken_by;            /* a locality that another holds, plus one */
    uint8_t floating;        /* what every octet reads, if not 0 */
    bool dead;               /* reads 0 only */
    unsigned nacks;          /* I2C: so many of the next transfers */
    unsigned nack_each;      /* I2C: and each so many-th */
    uint8_t guard_us;        /* I2C */
    int error;               /* errno of the next ioctl, once */
    unsigned error_after;    /* ... after so many that go well */
    unsigned flip_after;     /* flips a bit of the so many-th FIFO octet ... */
    unsigned flips;          /* ... so many times */
    uint8_t flip_by;         /* these bits; 0: one */
    bool deaf_to_cancel;
    uint8_t sts_bits;        /* that read as 1 in STS ... */
    uint8_t access_bits;     /* ... and in ACCESS */
    unsigned stuck_status;   /* so many commands find STS invalid for good */
    unsigned lost;           /* octets of commands that the chip misses */
    unsigned reset_after;    /* accesses, if not 0 */
    unsigned seize_after;    /* accesses, then another locality is active */
    unsigned bufsiz;         /* SPI: of the driver; 0: 4096 */
    bool drops_cs;           /* SPI: at the end of each message */
    unsigned splits;         /* I2C: writes, in pieces as long; if not 0 */
    uint32_t did_vid;        /* 0: an SLB 9670's */
    unsigned access_max;     /* of the FIFO: octets of one access, if not 0 */
    unsigned release_us;     /* no locality is granted so soon after another */
    unsigned sleep_us;       /* SPI: asleep after so long, if not 0 */
    unsigned access_us;      /* accesses may not be closer than that */
    bool dead_line;          /* the interrupt line never falls */
    bool noisy_line;         /* it falls at every turn */
    bool no_interrupts;      /* the chip has none */
    bool reset_at_go;        /* once */
    bool reset_in_execution; /* once */
};

enum model_state {
    MODEL_IDLE,
    MODEL_READY,
    MODEL_RECEPTION,
    MODEL_EXECUTION,
    MODEL_COMPLETION,
};

/* What went over the bus. */
struct model_counts {
    unsigned messages;   /* ioctl(2) calls that carried something */
    unsigned accesses;   /* to registers */
    unsigned octets;
    unsigned executed;   /* commands */
    unsigned aborted;    /* commands that were given up before the start */
    unsigned early_fifo; /* accesses to the FIFO when it must not be touched */
    unsigned broken_frames; /* SPI: ended in the header or before its data */
    unsigned guard_faults;  /* I2C: transfers that came too soon */
    unsigned cs_held;       /* SPI: at the end of a message */
    unsigned too_soon;      /* accesses */
    unsigned cancelled;     /* commands, by commandCancel */
    unsigned combined;      /* I2C: transfers of more than one message */
    unsigned empty;         /* messages */
    size_t longest;         /* message */
    unsigned overslept;     /* SPI: messages to a chip that was asleep */
    unsigned armed;         /* commands that ran with interrupts enabled */
    unsigned int_writes;    /* to the interrupt registers */
    unsigned line_requests; /* of the interrupt line */
    unsigned resets;        /* by the line */
};

typedef size_t (*model_execute)(void *user, const uint8_t *command, size_t len,
    uint8_t *response);

struct model {
    struct model_knobs knobs;
    struct model_counts counts;
    model_execute execute;
    void *user;

    enum model_state state;
    int active; /* locality, or -1 */
    uint8_t requests; /* of the others: a bit for each locality */
    uint8_t seized;   /* from whom it was taken, until they know */
    bool stuck;       /* STS is invalid until commandReady */
    uint8_t in[MODEL_BUFFER];
    size_t in_len;
    uint8_t out[MODEL_BUFFER];
    size_t out_len;
    size_t out_at;
    unsigned burst_used;
    unsigned sts_reads;
    unsigned access_seen;
    unsigned grant_seen;
    unsigned fifo_octets;
    int64_t started_us;
    int64_t released_us;
    int64_t awake_us;
    uint32_t int_enable;
    uint32_t int_status;

    /* GPIO */
    int line_fd; /* the chip's end of the interrupt line; 0: not requested */
    bool line_low;
    int cs_fd;
    int reset_fd;

    /* SPI: the frame that is under way */
    size_t frame_at;
    uint8_t header[4];
    unsigned frame_waits;
    unsigned frames;
    uint8_t frame_data[64];
    size_t frame_len;

    /* I2C */
    uint8_t address;
    uint8_t locality;
    bool sums;
    bool last_was_read;
    unsigned transfers;
    int64_t last_us;
};

/* A chip that has just got its power. */
void model_reset(struct model *model);

/* Registers by their offset on SPI; data of one access. */
void model_read(struct model *model, unsigned locality, unsigned offset,
    uint8_t *data, size_t len);
void model_write(struct model *model, unsigned locality, unsigned offset,
    const uint8_t *data, size_t len);

/* The register ACCESS read; written, whether another has the chip now. */
uint8_t model_access(struct model *model, unsigned locality);
bool model_ask_access(struct model *model, unsigned locality, uint8_t value);

/* One octet of a frame: what the host clocks out, what it gets. */
uint8_t model_spi_octet(struct model *model, uint8_t out);
/* The chip select goes up. */
void model_spi_end(struct model *model);

/* One transfer. false: not acknowledged. */
bool model_i2c(struct model *model, bool read, uint8_t *data, size_t len);

/* The interrupt line goes back, if the program has not done so. */
void model_lines_close(struct model *model);

/* A request of spidev or of i2c-dev, and what the driver does with it. */
bool model_serves(unsigned long request);
int model_ioctl(struct model *model, unsigned long request, void *argument);

/*
 * A chip whose commands a simulated one executes, by these of the environment:
 *   SCU_MODEL_CHIP   swtpm's UNIX socket; a connection for each command
 *   SCU_MODEL_WAITS  SPI wait octets
 *   SCU_MODEL_BURST  burst count
 *   SCU_MODEL_KNOBS  faults, see model-knobs.h
 */
void model_on_swtpm(struct model *model);

/* The chip that ioctl(2) on any descriptor leads to; NULL: the kernel's. */
extern struct model *model_attached;

#endif
