#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Keys are made, written and read as files; reading costs no chip command.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned

first_line() { head -1 "$1" >"$SCRATCH/out"; }

for way in scu-default scu-default.cnf; do
    choose_way "$way"
    for kind in EC:group:P-256 EC:group:P-384 RSA:bits:2048; do
        expect_ok "$way: genpkey ${kind#*:}" o genpkey \
            -algorithm "${kind%%:*}" -pkeyopt "${kind#*:}" -out new.pem
        first_line new.pem
        expect_output '^-----BEGIN TSS2 PRIVATE KEY-----$' "it is in the chip"
    done
done
for way in default-scu default-scu.cnf; do
    choose_way "$way"
    expect_ok "$way: genpkey" o genpkey -algorithm EC -pkeyopt group:P-256 \
        -out new.pem
    first_line new.pem
    expect_output '^-----BEGIN PRIVATE KEY-----$' "it is in software"
    expect_ok "$way: genpkey -propquery" o genpkey -propquery provider=scu \
        -algorithm EC -pkeyopt group:P-256 -out new.pem
    first_line new.pem
    expect_output '^-----BEGIN TSS2 PRIVATE KEY-----$' "it is in the chip"
done

make_keys || give_up "no keys"
: >none.golden
# A key behind other PEM, as in one file for key and certificate.
alone req -x509 -newkey rsa:2048 -noenc -keyout soft.pem -out soft.crt \
    -subj /CN=soft 2>/dev/null || give_up "no certificate"
{ echo "some text"; cat soft.crt chip.ec.pem; } >both.pem
for way in "${WAYS[@]}"; do
    choose_way "$way"
    mark
    for kind in ec rsa; do
        key=chip.$kind
        expect_ok "$way: $kind is copied" o pkey -in "$key.pem" -out copy.pem
        expect_ok "octet by octet" cmp "$key.pem" copy.pem
        expect_ok "$way: $kind as DER" o pkey -in "$key.pem" -outform DER \
            -out copy.der
        expect_ok "and back" o pkey -in copy.der -inform DER -out copy.pem
        expect_ok "octet by octet" cmp "$key.pem" copy.pem
        expect_ok "$way: $kind as DER, format not said" o pkey -in copy.der \
            -noout
        expect_ok "$way: $kind's public half" o pkey -in "$key.pem" -pubout \
            -out copy.pub
        expect_ok "as before" cmp "$key.pub" copy.pub
        expect_ok "OpenSSL alone reads it" alone pkey -pubin -in copy.pub \
            -noout
        expect_ok "$way: $kind as text" o pkey -in "$key.pem" -noout -text
        expect_output '^Private-Key: in the SCU chip$' "says where it is"
        expect_output '^Public-Key: \((256|2048) bit\)$' "says what it is"
        expect_ok "$way: $kind is checked" o pkey -in "$key.pem" -check -noout
        expect_exit 1 "$way: $kind is not encrypted" o pkey -in "$key.pem" \
            -aes256 -passout pass:x -out copy.pem
        expect_output 'scu:.*leave the cipher out' "the cause is told"
        expect_exit 1 "$way: $kind is not made PKCS#8" o pkcs8 -topk8 \
            -nocrypt -in "$key.pem" -out copy.pem
        expect_output 'scu:.*has no PKCS#8 form' "the cause is told"
    done
    expect_ok "$way: the key behind a certificate" o pkey -in both.pem \
        -out copy.pem
    expect_ok "is found" cmp chip.ec.pem copy.pem
    expect_ok "$way: the certificate before it" o x509 -in both.pem -noout
    expect_commands none.golden "$way: chip commands of all that"
done
chip_is_clean
finish
