#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Signatures of keys in the chip, verified by OpenSSL without us.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
make_keys || give_up "no keys"
seq 20000 >message
alone dgst -sha256 -binary message >digest

for way in "${WAYS[@]}"; do
    choose_way "$way"
    for kind in ec rsa; do
        key=chip.$kind
        mark
        expect_ok "$way: dgst -sign $kind" o dgst -sha256 -sign "$key.pem" \
            -out sig message
        expect_commands "$top_srcdir/tests/provider/sign.golden"
        expect_ok "verifies" alone dgst -sha256 -verify "$key.pub" \
            -signature sig message
        expect_ok "$way: verifies here" o dgst -sha256 -verify "$key.pub" \
            -signature sig message
        expect_ok "$way: and by the private key" o dgst -sha256 \
            -prverify "$key.pem" -signature sig message
        expect_ok "$way: pkeyutl -rawin $kind" o pkeyutl -sign -rawin \
            -digest sha384 -inkey "$key.pem" -in message -out sig
        expect_ok "verifies" alone pkeyutl -verify -rawin -digest sha384 \
            -pubin -inkey "$key.pub" -in message -sigfile sig
        expect_ok "$way: pkeyutl $kind" o pkeyutl -sign -inkey "$key.pem" \
            -in digest -out sig
        expect_ok "verifies" alone pkeyutl -verify -pubin -inkey "$key.pub" \
            -in digest -sigfile sig
        expect_ok "$way: pkeyutl digest:sha256 $kind" o pkeyutl -sign \
            -pkeyopt digest:sha256 -inkey "$key.pem" -in digest -out sig
        expect_ok "verifies" alone pkeyutl -verify -pkeyopt digest:sha256 \
            -pubin -inkey "$key.pub" -in digest -sigfile sig
    done
done

choose_way default-scu
for salt in digest max auto 0 20; do
    pss=(-sha256 -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$salt")
    expect_ok "PSS, salt $salt" o dgst "${pss[@]}" -sign chip.rsa.pem \
        -out sig message
    expect_ok "verifies" alone dgst "${pss[@]}" -verify chip.rsa.pub \
        -signature sig message
done
expect_exit 1 "PSS with two digests" o dgst -sha256 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha384 \
    -sign chip.rsa.pem -out sig message
expect_output 'scu:.*does not sign with this padding and digest' \
    "the cause is told"
expect_exit 1 "RSA without padding" o pkeyutl -sign \
    -pkeyopt rsa_padding_mode:none -inkey chip.rsa.pem -in digest -out sig
expect_output 'scu:.*does not sign with this padding' "the cause is told"
chip_is_clean
finish
