# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# The ways to load the provider: before or behind the default one, by options
# of openssl(1) or by openssl.cnf. Sourced after lib.sh.
#
#     for way in "${WAYS[@]}"; do
#         choose_way "$way"
#         expect_ok "$way: ..." o pkey -in key.pem -noout

# shellcheck disable=SC2034 # for who sources this
WAYS=(scu-default default-scu scu-default.cnf default-scu.cnf)
need openssl

# write_conf FILE FIRST SECOND [LINE-OF-SCU...]
write_conf() {
    local file=$1 first=$2 second=$3
    shift 3
    {
        printf 'openssl_conf = init\n[init]\nproviders = providers\n'
        printf '[providers]\n%s = %s_sect\n%s = %s_sect\n' \
            "$first" "$first" "$second" "$second"
        printf '[default_sect]\nactivate = 1\n[scu_sect]\nactivate = 1\n'
        [ $# -eq 0 ] || printf '%s\n' "$@"
        printf '[req]\ndistinguished_name = dn\n[dn]\n'
    } >"$file"
}

# choose_way WAY: for o().
choose_way() {
    local order=${1%.cnf}
    PROVIDERS=()
    CNF=$SCRATCH/plain.cnf
    printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$CNF"
    if [ "$order" = "$1" ]; then
        PROVIDERS=(-provider "${order%-*}" -provider "${order#*-}")
    else
        CNF=$SCRATCH/$1
        write_conf "$CNF" "${order%-*}" "${order#*-}"
    fi
}

# o COMMAND ARGUMENTS...: openssl with the provider in the chosen way.
o() {
    local command=$1
    shift
    OPENSSL_CONF=$CNF run_foreign openssl "$command" "${PROVIDERS[@]}" "$@"
}

# alone COMMAND ARGUMENTS...: openssl without us.
alone() {
    printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$SCRATCH/alone.cnf"
    OPENSSL_CONF=$SCRATCH/alone.cnf openssl "$@"
}

# make_keys: chip.ec.pem and chip.rsa.pem with their .pub, made in the chip.
make_keys() {
    choose_way scu-default
    o genpkey -algorithm EC -pkeyopt group:P-256 -out chip.ec.pem &&
        o genpkey -algorithm RSA -out chip.rsa.pem &&
        o pkey -in chip.ec.pem -pubout -out chip.ec.pub &&
        o pkey -in chip.rsa.pem -pubout -out chip.rsa.pub
}

# provisioned: chip, counter, pins; the shell is in $SCRATCH then.
provisioned() {
    sim_start
    scu provision >"$SCRATCH/provision.log" 2>&1 ||
        give_up "scu provision: $(cat "$SCRATCH/provision.log")"
    cd "$SCRATCH" || exit 99
}
