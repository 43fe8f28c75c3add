#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Keys and certificates of tokens by URI, in the commands of openssl(1).
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
. "$top_srcdir/tests/provider/ways.sh"
chip_with_token "my token"
new_key ec 01
tool_user --keypairgen --key-type rsa:2048 --label rsa --id 02 >out 2>&1 ||
    give_up "an RSA key: $(cat out)"
echo message >message
openssl dgst -sha256 -binary message >digest
printf '%s\n' "$PIN" >pin && chmod 600 pin
token="pkcs11:token=my%20token"
pin="pin-source=file:$SCRATCH/pin"

alone genpkey -algorithm EC -pkeyopt group:P-256 -out soft.pem 2>/dev/null

for way in "${WAYS[@]}"; do
    choose_way "$way"
    for kind in ec rsa; do
        key="$token;object=$kind;type=private?$pin"
        expect_ok "$way: public key of $kind" o pkey -pubin \
            -in "$token;object=$kind;type=public" -pubout -out "$kind.pub"
        expect_ok "$way: the same of the private one" o pkey -in "$key" \
            -pubout -out same.pub
        expect_ok "is the same" cmp "$kind.pub" same.pub
        expect_ok "$way: dgst -sign $kind" o dgst -sha256 -sign "$key" \
            -out sig message
        expect_ok "verifies" alone dgst -sha256 -verify "$kind.pub" \
            -signature sig message
        expect_ok "$way: and by the token's public key" o dgst -sha256 \
            -verify "$token;object=$kind;type=public" -signature sig message
        expect_ok "$way: pkeyutl $kind" o pkeyutl -sign -inkey "$key" \
            -pkeyopt digest:sha256 -in digest -out sig
        expect_ok "verifies" alone pkeyutl -verify -pubin -inkey "$kind.pub" \
            -pkeyopt digest:sha256 -in digest -sigfile sig
        expect_ok "$way: req -x509 by $kind" o req -x509 -new -key "$key" \
            -subj "/CN=ca" -out ca.crt
        expect_ok "verifies" alone verify -CAfile ca.crt ca.crt
        expect_ok "$way: request by $kind" o req -new -key "$key" \
            -subj "/CN=leaf" -out leaf.csr
        expect_ok "verifies" alone req -verify -noout -in leaf.csr
        expect_ok "$way: x509 -CAkey $kind" o x509 -req -in leaf.csr \
            -CA ca.crt -CAkey "$key" -out leaf.crt
        expect_ok "verifies" alone verify -CAfile ca.crt leaf.crt
        expect_ok "$way: cms -sign by $kind" o cms -sign -nodetach \
            -signer ca.crt -inkey "$key" -in message -out message.cms
        expect_ok "verifies" alone cms -verify -purpose any -CAfile ca.crt \
            -in message.cms -out /dev/null
    done

    # The PIN in other ways; the file: loader and software keys go on.
    key="$token;object=ec"
    expect_ok "$way: the PIN by -passin" o dgst -sha256 -sign "$key" \
        -passin "file:$SCRATCH/pin" -out sig message
    expect_ok "$way: the PIN in the URI" o dgst -sha256 \
        -sign "$key?pin-value=$PIN" -out sig message
    expect_ok "$way: a key by its id" o dgst -sha256 \
        -sign "$token;id=%02?$pin" -out sig message
    expect_ok "verifies" alone dgst -sha256 -verify rsa.pub -signature sig \
        message
    expect_ok "$way: a software key in a file" o pkey -in soft.pem -noout
    expect_ok "$way: by a file: URI" o pkey -in "file:$SCRATCH/soft.pem" \
        -noout
    expect_ok "$way: a certificate by a file: URI" o x509 \
        -in "file:$SCRATCH/ca.crt" -noout
done

# --- certificates --------------------------------------------------------------

choose_way default-scu
o req -x509 -new -key "$token;object=ec?$pin" -subj /CN=localhost \
    -outform DER -out ec.der || give_up "no certificate"
tool_user --write-object ec.der --type cert --label ec --id 01 >out 2>&1 ||
    give_up "no certificate in the token: $(cat out)"
alone x509 -inform DER -in ec.der -out ec.crt
: >none.golden
for way in "${WAYS[@]}"; do
    choose_way "$way"
    mark
    expect_ok "$way: a certificate of the token" o x509 \
        -in "$token;object=ec;type=cert" -out out.crt
    expect_ok "is the one" cmp out.crt ec.crt
    expect_ok "$way: certificates by storeutl" o storeutl -certs -noout \
        "$token"
    expect_output 'Total found: 1$' "one"
    expect_ok "$way: trust in the token's certificates" o verify \
        -CAstore "$token;type=cert" ec.crt
    expect_commands none.golden "$way: which costs nothing"
    expect_ok "$way: storeutl" o storeutl -noout "$token;object=ec?$pin"
    expect_output 'Total found: 3$' "certificate, public and private key"
    expect_ok "$way: cms by URIs alone" o cms -sign -nodetach \
        -signer "$token;object=ec;type=cert" -inkey "$token;object=ec?$pin" \
        -in message -out message.cms
    expect_ok "verifies" alone cms -verify -purpose any -CAfile ec.crt \
        -in message.cms -out /dev/null
done

# --- what is not given away ------------------------------------------------------

for way in "${WAYS[@]}"; do
    choose_way "$way"
    expect_exit 1 "$way: no file of a token's key" o pkey \
        -in "$token;object=ec?$pin" -out stolen.pem
    expect_output 'a key of a token has no file of its own' "it is said why"
done
chip_is_clean
finish
