#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates, requests and CMS by keys in the chip; certificates of others.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
make_keys || give_up "no keys"
echo message >message
for kind in ec:P-256 ed25519: rsa:2048; do
    case ${kind%:*} in
    ec) new=(-newkey ec -pkeyopt group:P-256) ;;
    rsa) new=(-newkey rsa:2048) ;;
    *) new=(-newkey ed25519) ;;
    esac
    alone req -x509 "${new[@]}" -noenc -keyout "soft.${kind%:*}.pem" \
        -out "soft.${kind%:*}.crt" -subj "/CN=soft" 2>/dev/null ||
        give_up "no certificate of $kind"
done

for way in "${WAYS[@]}"; do
    choose_way "$way"
    for key in chip.ec chip.rsa soft.ec soft.rsa soft.ed25519; do
        expect_ok "$way: req -x509 by $key" o req -x509 -new \
            -key "$key.pem" -subj "/CN=ca" -out ca.crt
        expect_ok "verifies" alone verify -CAfile ca.crt ca.crt
        expect_ok "$way: verifies here" o verify -CAfile ca.crt ca.crt
        expect_ok "$way: request by $key" o req -new -key "$key.pem" \
            -subj "/CN=leaf" -out leaf.csr
        expect_ok "verifies" alone req -verify -noout -in leaf.csr
        expect_ok "$way: x509 -CAkey $key" o x509 -req -in leaf.csr \
            -CA ca.crt -CAkey "$key.pem" -out leaf.crt
        expect_ok "verifies" alone verify -CAfile ca.crt leaf.crt
        expect_ok "$way: x509 -signkey $key" o x509 -req -in leaf.csr \
            -signkey "$key.pem" -out self.crt
        expect_ok "verifies" alone verify -CAfile self.crt self.crt
        # OpenSSL 3.0 has no digest for CMS with these, with or without us.
        [ "$key" = soft.ed25519 ] && continue
        expect_ok "$way: cms -sign by $key" o cms -sign -nodetach \
            -signer ca.crt -inkey "$key.pem" -in message -out message.cms
        expect_ok "verifies" alone cms -verify -purpose any -CAfile ca.crt \
            -in message.cms -out /dev/null
        expect_ok "$way: verifies here" o cms -verify -purpose any \
            -CAfile ca.crt -in message.cms -out /dev/null
    done
    pss=(-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1)
    expect_ok "$way: req -x509 with PSS" o req -x509 -new \
        -key chip.rsa.pem -subj "/CN=pss" "${pss[@]}" -out pss.crt
    expect_ok "verifies" alone verify -CAfile pss.crt pss.crt
    expect_ok "$way: its text" o x509 -in pss.crt -noout -text
    expect_output 'Hash Algorithm: sha384' "names the digest"
    expect_output 'Salt Length: 0x30' "names the salt"
done
chip_is_clean
finish
