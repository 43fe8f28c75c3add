# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Beyond tests/lib/lib.sh: a provisioned chip, keys, and OpenSSL with the
# provider.
. "$top_srcdir/tests/lib/lib.sh"
# shellcheck disable=SC2034 # for those who source this
golden=$top_srcdir/tests/apps/golden

# Programs of others, with our provider (which of both stands first does not
# matter; tests/provider has both orders).
with_scu() {
    local program=$1 verb=$2
    shift 2
    run_foreign "$program" "$verb" -provider scu -provider default "$@"
}

# chip_with_keys: provisioned, with server.key (P-256) and ca.key (RSA-2048)
# in $SCRATCH, which becomes the working folder.
chip_with_keys() {
    need openssl tpm2_getcap
    cd "$SCRATCH" || give_up "$SCRATCH"
    sim_start
    scu provision >out 2>&1 || give_up "scu provision: $(cat out)"
    with_scu openssl genpkey -algorithm EC -pkeyopt group:P-256 \
        -out server.key >out 2>&1 || give_up "genpkey EC: $(cat out)"
    with_scu openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
        -out ca.key >out 2>&1 || give_up "genpkey RSA: $(cat out)"
}

# at_most N: commands since the mark.
at_most() {
    local count
    count=$(commands | wc -l)
    if [ "$count" -le "$1" ]; then
        pass "$count commands, budget $1"
    else
        fail "$count commands, budget $1: $(commands | paste -sd ' ')"
    fi
}
