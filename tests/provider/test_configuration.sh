#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The provider's lines in openssl.cnf, end to end.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
make_keys || give_up "no keys"
echo message >message
PROVIDERS=()
CNF=$SCRATCH/configured.cnf
link=$SCU_TCTI state=$SCU_STATE
sign() { o dgst -sha256 -sign chip.ec.pem -out sig message; }

unset SCU_TCTI SCU_STATE
for order in "default scu" "scu default"; do
    # shellcheck disable=SC2086 # two words
    write_conf "$CNF" $order "tcti = $link" "state = $state"
    expect_ok "$order: tcti and state" sign

    # They are what is used, before the environment.
    export SCU_TCTI=scu:swtpm:path=$SCRATCH/nothing.sock
    export SCU_STATE=$SCRATCH/nowhere
    expect_ok "$order: before the environment" sign
    unset SCU_TCTI SCU_STATE

    # shellcheck disable=SC2086
    write_conf "$CNF" $order "tcti = scu:swtpm:path=$SCRATCH/nothing.sock" \
        "state = $state"
    expect_exit 1 "$order: another tcti" sign
    expect_output 'no chip answers on this link' "is tried"

    # shellcheck disable=SC2086
    write_conf "$CNF" $order "tcti = $link" "state = $SCRATCH/nowhere"
    expect_exit 1 "$order: another state" sign
    expect_output 'scu provision' "is looked at"

    # shellcheck disable=SC2086
    write_conf "$CNF" $order "chip = mine"
    printf '[chip mine]\ntcti = %s\nstate = %s\n' "$link" "$state" >scu.conf
    export SCU_CONF=$SCRATCH/scu.conf
    expect_ok "$order: a chip of scu.conf" sign
    printf '[chip mine]\nfruit = banana\n' >scu.conf
    expect_exit 1 "$order: a bad line in scu.conf" sign
    expect_output 'scu\.conf:2.*fruit|scu\.conf.*line 2' "is named"
    unset SCU_CONF
done

# What is installed as an example is right.
sed "s|^#* *tcti =.*|tcti = $link|; s|^#* *state =.*|state = $state|" \
    "$top_srcdir/conf/openssl-scu.cnf" >"$CNF"
expect_ok "the sample" sign
grep -q "^tcti = $link" "$CNF" || fail "the sample names the parameters"
expect_ok "providers" o list -providers
expect_output 'SCU security chip' "we are among them"
expect_output 'OpenSSL Default Provider' "beside the default one"
finish
