#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu key import and adopt: keys that exist already, and what is none.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
. "$top_srcdir/tests/tools/key.sh"
need setsid tpm2_create tpm2_evictcontrol
key_setup

# --- import --------------------------------------------------------------------

genpkey() { openssl genpkey "$@" 2>/dev/null || give_up "openssl genpkey"; }
genpkey -algorithm EC -pkeyopt group:P-256 -out ec.pem
genpkey -algorithm EC -pkeyopt group:P-384 -out ec384.pem
genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem
openssl pkcs8 -topk8 -in ec.pem -passout file:wrong -out enc.pem
openssl pkey -in ec.pem -traditional -out old.pem
openssl pkey -in rsa.pem -outform DER -out rsa.der
for name in ec ec384 rsa; do
    openssl pkey -in "$name.pem" -pubout -out "$name.pub"
done

try 0 "a key of a file" scu key import ec.pem --label soft "$user" --json
says 'existed outside the chip' "it warns"
same "schema" "$(get schema)" scu.key-import/1
same "URI" "$(get uri)" 'pkcs11:token=one;object=soft'
try 0 "P-384" scu key import ec384.pem --label soft384 "$user"
try 0 "RSA, DER" scu key import rsa.der --label soft-rsa "$user"
try 0 "traditional" scu key import old.pem --label old "$user"
try 0 "encrypted" scu key import enc.pem --label enc "$user" \
    --passphrase-file wrong
try 0 "from standard input" scu key import - --label stdin "$user" <ec.pem
expect_ok "a passphrase that is typed" typed wrong-0000 -- \
    scu key import enc.pem --label asked "$user"
expect_output 'Passphrase of enc.pem: ' "it is asked for"
signs soft ec.pub "an imported key"
signs soft384 ec384.pub "on P-384"
signs soft-rsa rsa.pub "RSA"
signs enc ec.pub "from an encrypted file"
scu key export --label soft >soft.pub
expect_ok "the public half is the original" cmp soft.pub ec.pub
same "not made by the token" "$(member soft private-key local)" false
tool_user -O 2>/dev/null >listed
# shellcheck disable=SC2016 # awk's fields
expect_ok "PKCS#11 shows that it was outside" awk '
    /Private Key Object/ { private = 1 } /Public Key Object/ { private = 0 }
    /label:/ { soft = $2 == "soft" }
    /Access:/ && private && soft { bad = /never extractable|local/; seen = 1 }
    END { exit !seen || bad }' listed

before=$(objects)
try 6 "another passphrase" scu key import enc.pem --label x "$user" \
    --passphrase-file user
says 'enc.pem: the passphrase of the private key is wrong' "it says so"
try 2 "no terminal for the passphrase" setsid -w scu key import enc.pem \
    --label x "$user"
says 'use --passphrase-file or --passphrase-fd' "it says what to do"
echo garbage >garbage
try 3 "no key" scu key import garbage --label x "$user"
says 'garbage: not a private key' "it says so"
try 3 "a public key" scu key import ec.pub --label x "$user"
says 'a public key' "it says so"
genpkey -algorithm ED25519 -out ed.pem
try 7 "a key of another kind" scu key import ed.pem --label x "$user"
says "are P-256, P-384, RSA-2048 and RSA-3072" "those that there are"
try 1 "a file that is not there" scu key import nothing --label x "$user"
try 1 "a label that is taken" scu key import ec.pem --label soft "$user"
try 2 "no label" scu key import ec.pem "$user"
try 2 "no file" scu key import --label x "$user"
try 6 "a wrong PIN" scu key import ec.pem --label x --pin-file wrong
try 3 "an endless file" scu key import /dev/zero --label x "$user"
same "nothing changed" "$(objects)" "$before"
chip_is_clean

openssl ecparam -name secp256k1 -genkey -noout -out koblitz.pem
try 7 "a curve that no chip has" scu key import koblitz.pem --label x "$user"
says 'an EC key on curve secp256k1: the chip.s are P-256' "is named"

# --- adopt: key files ----------------------------------------------------------

o() { run_foreign openssl "$@"; }
chipkey() {
    o genpkey -provider scu -provider default -propquery provider=scu \
        -algorithm EC -pkeyopt group:P-256 -out "$1" >out 2>&1 ||
        give_up "a key file: $(cat out)"
}
chipkey chip.pem
o pkey -provider scu -provider default -in chip.pem -pubout -out chip.pub \
    2>/dev/null
try 0 "a key file" scu key adopt chip.pem --label file "$user"
silent "adopt"
signs file chip.pub "an adopted key"
same "not made by the token" "$(member file private-key local)" false
expect_ok "PKCS#11 says that it was never outside" \
    grep -q 'never extractable' <(tool_user -O 2>/dev/null |
        sed -n '/label: *file/,/Access/p' | head -5)
sed -n '/-----BEGIN/,/-----END/{/-----/!p}' chip.pem | openssl base64 -d \
    >chip.der
try 0 "the same in DER" scu key adopt chip.der --label der --id 31 "$user"

# One of tpm2-tools with a password, as a key file.
t() { env "TPM2TOOLS_TCTI=$SIM_TCTI" "$@" >out 2>&1 ||
    give_up "$*: $(cat out)"; }
t tpm2_create -C 0x81000001 -G ecc -u k.pub -r k.priv -p secret-01 \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda'
t tpm2_load -C 0x81000001 -u k.pub -r k.priv -c k.ctx
t tpm2_readpublic -c k.ctx -f pem -o k.pem
t tpm2_evictcontrol -C o -c k.ctx 0x81000100
t tpm2_flushcontext -t
secret password secret-01

# --- adopt: persistent handles -------------------------------------------------

# Of a file like of a handle: a key that only decrypts is of no use here.
t tpm2_create -C 0x81000001 -G ecc:ecdh -u d.pub -r d.priv \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|noda'
t tpm2_encodeobject -C 0x81000001 -u d.pub -r d.priv -o decrypt.pem
t tpm2_flushcontext -l
try 2 "a key file that does not sign" scu key adopt decrypt.pem --label d \
    "$user"
says 'decrypt.pem: the key does not sign' "is refused"

before=$(objects)
try 6 "a handle without its password" scu key adopt 0x81000100 --label kept \
    "$user"
says '0x81000100: the password of the key is wrong' "it says so"
try 6 "with another" scu key adopt 0x81000100 --label kept "$user" \
    --password-file wrong
same "nothing changed" "$(objects)" "$before"
try 0 "with its password" scu key adopt 0x81000100 --label kept "$user" \
    --password-file password --json
says 'stays in the chip at 0x81000100' "it says that it stays there"
same "type" "$(get type)" P-256
same "its handle" "$(member kept private-key handle)" 0x81000100
signs kept k.pem "the key under the handle"
chip_is_clean
expect_ok "it is still there" \
    tpm2_readpublic -T "$SIM_TCTI" -c 0x81000100

ak=$(scu info --json | json-get attestation_key handle 2>/dev/null)
if [ -n "$ak" ]; then
    try 0 "an attestation key" scu key adopt "$ak" --label ak "$user"
    expect_ok "what it is for is said" grep -q 'restricted' "$SCRATCH/stderr"
    try 0 "its public half" scu key export --label ak
    scu quote --nonce 0011223344556677 --ak-out quote.pub >/dev/null
    expect_ok "is the one that quotes" cmp "$SCRATCH/stdout" quote.pub
    expect_failure "it signs nothing of programs" tool_user --sign \
        -m ECDSA --id "$(id_of ak)" -i data -o sig
else
    fail "the attestation key's handle is not known"
fi

before=$(objects)
try 2 "a storage key" scu key adopt 0x81000001 --label x "$user"
says 'does not sign: it is a storage key' "it says so"
try 1 "a handle that nothing has" scu key adopt 0x81000999 --label x "$user"
says 'no key at 0x81000999' "it is named"
for what in 0x8100099 0x810009999 0x8100099z; do
    try 1 "no handle, $what" scu key adopt "$what" --label x "$user"
    says "$what is neither a file nor a handle: .*0x81000000 to 0x81ffffff" \
        "it is said how they are written"
done
try 2 "a handle of another type" scu key adopt 0x80000000 --label x "$user"
says 'no persistent handle' "it says so"
try 3 "no key file" scu key adopt garbage --label x "$user"
says 'garbage: ' "it is named"
try 3 "a key in software" scu key adopt ec.pem --label x "$user"
try 1 "a file that is not there" scu key adopt nothing --label x "$user"
try 1 "a label that is taken" scu key adopt chip.pem --label file "$user"
try 6 "a wrong PIN" scu key adopt chip.pem --label x --pin-file wrong
sed '4s/^..../AAAA/' chip.pem >damaged.pem
try 3 "a damaged key file" scu key adopt damaged.pem --label x "$user"

other=$(scu sim start --dir "$SCRATCH/other") || give_up "another chip"
(
    export SCU_TCTI=$other SCU_STATE=$SCRATCH/other-state
    scu provision >/dev/null && chipkey foreign.pem
) || give_up "a key of another chip"
scu sim stop --dir "$SCRATCH/other" >/dev/null
try 3 "a key of another chip" scu key adopt foreign.pem --label x "$user"
says 'foreign.pem: the chip does not take the key' "it says so"
same "nothing changed" "$(objects)" "$before"

# --- remove: only the token forgets --------------------------------------------

try 0 "removed" scu key remove --label kept "$user" --yes
says 'tpm2_evictcontrol -c 0x81000100' "it says what is left"
expect_ok "the key is still in the chip" \
    tpm2_readpublic -T "$SIM_TCTI" -c 0x81000100
try 0 "adopted once more" scu key adopt 0x81000100 --label again "$user" \
    --password-file password
t tpm2_evictcontrol -C o -c 0x81000100
expect_failure "evicted by another program: no signature" tool_user --sign \
    -m ECDSA --id "$(id_of again)" -i data -o sig
try 0 "the token can forget it" scu key remove --label again "$user" --yes
chip_is_clean
finish
