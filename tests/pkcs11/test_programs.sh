#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs that people have, with the module: OpenSC's pkcs11-tool, OpenSSH,
# GnuTLS's p11tool.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need ssh-keygen ssh-agent ssh-add p11tool
chip

# --- from an empty slot to a token -------------------------------------------

mark
expect_ok "the empty slot is shown" tool -L
expect_output 'uninitialized' "as such"
expect_commands "$golden/none.txt" "and costs nothing"
expect_ok "objects of the empty slot" tool -O
expect_ok "digests without a login" tool --hash -m SHA256 -i /dev/null \
    -o digest
expect_ok "are right" cmp digest <(openssl dgst -sha256 -binary /dev/null)
expect_ok "a token is made" tool --init-token --label "my token" \
    --so-pin "$SO_PIN"
expect_ok "the SO sets the user's PIN" tool --login --login-type so \
    --so-pin "$SO_PIN" --init-pin --pin first-pin
expect_ok "the user changes it" tool --login --pin first-pin --change-pin \
    --new-pin "$PIN"
expect_ok "the token is shown" tool -L
expect_output 'token label +: my token' "with its label"
expect_output 'flags.*token initialized.*PIN initialized' "and flags"
expect_ok "mechanisms" tool -M
expect_output 'ECDSA-SHA256, keySize=\{256,384\}, hw, sign, verify' "are listed"

# --- keys and signatures -----------------------------------------------------

# pair TYPE LABEL ID: pkcs11-tool 0.23 cannot write down a P-384 public key, so
# OpenSSH does that.
pair() {
    expect_ok "a pair of type $1" tool_user --keypairgen --key-type "$1" \
        --label "$2" --id "$3"
    expect_output 'sensitive, always sensitive, never extractable, local' \
        "never leaves the chip"
    expect_ok "ssh-keygen reads it" run_foreign ssh-keygen -D "$MODULE"
    grep " $2\$" "$SCRATCH/out" >"$2.pub"
    expect_ok "its public key is one" ssh-keygen -e -m PKCS8 -f "$2.pub"
    cp out "$2.pem"
}
pair EC:prime256v1 p256 01
pair EC:secp384r1 p384 02
pair rsa:2048 rsa 03
echo "to be signed" >text
openssl dgst -sha256 -binary text >digest

# signs LABEL ID MECHANISM OPTION...: options are of openssl's verification
signs() {
    local label=$1 id=$2 mechanism=$3
    shift 3
    expect_ok "$label signs by $mechanism" tool_user --sign -m "$mechanism" \
        --id "$id" -i text -o sig --signature-format openssl
    expect_ok "well" openssl dgst -verify "$label.pem" -signature sig "$@" text
}
for hash in 1 256 384 512; do
    signs p256 01 "ECDSA-SHA$hash" "-sha$hash"
    signs p384 02 "ECDSA-SHA$hash" "-sha$hash"
    signs rsa 03 "SHA$hash-RSA-PKCS" "-sha$hash"
    signs rsa 03 "SHA$hash-RSA-PKCS-PSS" "-sha$hash" \
        -sigopt rsa_padding_mode:pss
done
expect_ok "a digest is signed" tool_user --sign -m ECDSA --id 01 -i digest \
    -o sig --signature-format openssl
expect_ok "well" openssl pkeyutl -verify -pubin -inkey p256.pem -in digest \
    -sigfile sig
openssl dgst -sha512 -binary text >digest512
expect_ok "a digest longer than the curve is signed" tool_user --sign \
    -m ECDSA --id 01 -i digest512 -o sig --signature-format openssl
expect_ok "well" openssl pkeyutl -verify -pubin -inkey p256.pem -in digest512 \
    -sigfile sig
{
    printf '\60\61\60\15\6\11\140\206\110\1\145\3\4\2\1\5\0\4\40'
    cat digest
} >digest-info
expect_ok "a DigestInfo is signed" tool_user --sign -m RSA-PKCS --id 03 \
    -i digest-info -o sig
expect_ok "well" openssl dgst -sha256 -verify rsa.pem -signature sig text
expect_ok "a digest by PSS" tool_user --sign -m RSA-PKCS-PSS --id 03 \
    --hash-algorithm SHA256 --salt-len 20 -i digest -o sig
expect_ok "well" openssl pkeyutl -verify -pubin -inkey rsa.pem -in digest \
    -sigfile sig -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss \
    -pkeyopt rsa_pss_saltlen:20
expect_ok "the module verifies, too" tool --verify -m RSA-PKCS-PSS --id 03 \
    --hash-algorithm SHA256 --salt-len 20 -i digest --signature-file sig
head -c 100000 /dev/zero >long
expect_ok "a long file, in parts" tool_user --sign -m ECDSA-SHA256 --id 01 \
    -i long -o sig --signature-format openssl
expect_ok "well" openssl dgst -sha256 -verify p256.pem -signature sig long
expect_ok "pkcs11-tool tests it" tool_user --test
expect_output '^No errors' "without errors"

# --- certificates and data ---------------------------------------------------

openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=x \
    -outform DER -out x.der 2>/dev/null || give_up "openssl req"
expect_ok "a certificate goes in" tool_user --write-object x.der --type cert \
    --id 01 --label cert
expect_ok "comes out" tool --read-object --type cert --id 01 -o y.der
expect_ok "the same" cmp x.der y.der
expect_failure "text is no certificate" tool_user --write-object text \
    --type cert --id 09
expect_failure "nothing goes in without a login" tool --write-object text \
    --type data --label nobody
expect_ok "private data go in" tool_user --write-object text --type data \
    --label secret --private
expect_ok "come out" tool_user --read-object --type data --label secret \
    -o text2
expect_ok "the same" cmp text text2
expect_failure "but not without a login" tool --read-object --type data \
    --label secret -o text3
expect_failure "and are not in the store as they are" \
    grep -q "to be signed" "$SCU_STATE/store.db"
expect_ok "an object gets another label" tool_user --set-id 11 --type cert \
    --id 01
expect_ok "the certificate goes" tool_user --delete-object --type cert --id 11
expect_failure "it is gone" tool --read-object --type cert --id 11 -o y.der
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER \
    -out private.der 2>/dev/null
expect_failure "a private key does not go in" tool_user --write-object \
    private.der --type privkey --id 12
chip_is_clean

# --- OpenSSH -----------------------------------------------------------------

expect_ok "ssh-keygen reads the public keys" \
    run_foreign ssh-keygen -D "$MODULE"
for type in ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ssh-rsa; do
    expect_output "^$type AAAA" "a key of type $type"
done

# The agent holds the login; the key signs, and the signature is checked.
# Debian's agent is setgid, which would take LD_LIBRARY_PATH from the module:
# a copy is not.
cp "$(command -v ssh-agent)" own-agent || give_up "a copy of ssh-agent"
# shellcheck disable=SC2016 # the variable is the script's
printf '#!/bin/sh\necho "$PIN"\n' >askpass && chmod +x askpass
export PIN SSH_ASKPASS=$SCRATCH/askpass SSH_ASKPASS_REQUIRE=force
spawn "${FOREIGN[@]}" ./own-agent -D -a "$SCRATCH/agent" -P "$MODULE" \
    >agent.out 2>&1
agent=$SPAWNED
export SSH_AUTH_SOCK=$SCRATCH/agent
# Exit code 2: nobody listens yet.
for _ in $(seq 100); do
    ssh-add -l >/dev/null 2>&1
    [ $? -ne 2 ] && break
    read -r -t 0.1 <><(:)
done
expect_ok "ssh-agent takes the token" ssh-add -s "$MODULE"
for key in p256 p384 rsa; do
    expect_ok "and signs with $key" \
        ssh-keygen -Y sign -f "$key.pub" -n file text
    expect_ok "well" sh -c "ssh-keygen -Y check-novalidate -n file \
        -s text.sig <text"
    rm -f text.sig
done
expect_ok "and gives the token back" ssh-add -e "$MODULE"
reap "$agent"
expect_exit 2 "the agent has ended" ssh-add -l

# --- GnuTLS ------------------------------------------------------------------

url='pkcs11:model=SCU;manufacturer=SCU;serial=[0-9a-f]{16};token=my%20token'
gnutls() {
    GNUTLS_PIN=$PIN run_foreign p11tool --provider "$MODULE" --login "$@"
}
expect_ok "p11tool lists tokens" run_foreign p11tool --provider "$MODULE" \
    --list-tokens
expect_output "URL: $url\$" "an URI that identifies"
expect_ok "all objects" gnutls --list-all "pkcs11:token=my%20token"
expect_output "URL: $url;id=%01;object=p256;type=private" "a private key"
expect_output 'Private key \(RSA-2048\)' "another"
for key in p256 p384 rsa; do
    expect_ok "a signature of $key is tested" \
        gnutls --test-sign "pkcs11:token=my%20token;object=$key"
done
expect_ok "p11tool makes a key" gnutls --generate-privkey ECDSA \
    --curve secp256r1 --label gnutls "pkcs11:token=my%20token"
expect_ok "and reads it" gnutls --export-pubkey \
    "pkcs11:token=my%20token;object=gnutls;type=public"
expect_ok "random octets" gnutls --generate-random 32 \
    "pkcs11:token=my%20token"
chip_is_clean

# --- anew --------------------------------------------------------------------

expect_failure "a wrong SO PIN empties nothing" tool --init-token \
    --label other --so-pin wrong-wrong
expect_ok "the SO makes it anew" tool --init-token --label other \
    --so-pin "$SO_PIN"
expect_ok "the new one" tool -O
cp out objects
expect_failure "has no objects" grep -q Object objects
chip_is_clean
finish
