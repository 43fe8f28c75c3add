#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Somebody on the bus who only listens, through a day's work of PKCS#11, the
# provider and the tools: nothing secret passes there, in no encoding tried.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
. "$top_srcdir/tests/provider/ways.sh"
PATH=$top_builddir/tests/interposer:$PATH
need openssl pkcs11-tool tpm2_createprimary tpm2_getrandom iconv base64
cd "$SCRATCH" || give_up "$SCRATCH"

so_pin=so-98765-pin user_pin=user-43210-pin new_pin=other-56789-pin
wrong_pin=wrong-00000-pin key_password=password-of-a-key

# --- a bus that somebody listens at -----------------------------------------------

sim_power_on
listen_to() { # FILE
    [ -z "${LISTENER:-}" ] || reap "$LISTENER"
    spawn recorder --listen "$BUS" --upstream "$SIM_DIR/swtpm.sock" --out "$1"
    LISTENER=$SPAWNED
    tpm-counter --wait "$BUS" || give_up "nobody listens at the bus"
}
listen_to trace
export SCU_TCTI=scu:swtpm:path=$BUS SCU_STATE=$SCRATCH/state
for name in so user new wrong; do
    pin=${name}_pin
    (umask 077 && printf '%s\n' "${!pin}" >"$name.pin")
done

# secret NAME FILE-OR-TEXT [LIST]: a line for the detector.
secret() {
    if [ -f "$2" ]; then
        cat "$2"
    else
        printf '%s' "$2"
    fi | od -An -v -tx1 | tr -d ' \n' |
        sed "s/^/$1 /; s/\$/\n/" >>"${3:-secrets}"
}

# --- the tools ------------------------------------------------------------------------

expect_ok "provision" scu provision
expect_ok "a token" scu token init --label one --so-pin-file so.pin \
    --pin-file user.pin
expect_ok "keys" scu key gen --type p256 --label made \
    --pin-file user.pin
alone genpkey -algorithm EC -pkeyopt group:P-256 -out soft.pem 2>/dev/null
expect_ok "a key from outside" scu key import soft.pem --label soft \
    --pin-file user.pin
expect_ok "a quote" scu quote --out quote.json \
    --nonce 00112233445566778899aabbccddeeff
expect_ok "info" scu info
expect_ok "status" scu status
expect_ok "a PIN is changed" scu token pin --pin-file user.pin \
    --new-pin-file new.pin
expect_ok "and set by the SO" scu token unlock --so-pin-file so.pin \
    --pin-file user.pin

# --- PKCS#11 ----------------------------------------------------------------------------

echo message >message
one() { tool --token-label one "$@"; }
expect_failure "a wrong PIN" one --login --pin "$wrong_pin" --list-objects
expect_ok "a key" one --login --pin "$user_pin" --keypairgen \
    --key-type EC:prime256v1 --label p11 --id 0a
expect_ok "an RSA key" one --login --pin "$user_pin" --keypairgen \
    --key-type rsa:2048 --label p11rsa --id 0b
expect_ok "a signature" one --login --pin "$user_pin" --sign --id 0a \
    --mechanism ECDSA-SHA256 --input-file message --output-file sig
expect_ok "an RSA signature" one --login --pin "$user_pin" --sign --id 0b \
    --mechanism SHA256-RSA-PKCS --input-file message --output-file sig
expect_ok "random octets" one --generate-random 64 --output-file random
expect_ok "the SO sets the PIN" one --login --login-type so \
    --so-pin "$so_pin" --init-pin --pin "$user_pin"

# --- the provider -------------------------------------------------------------------------

choose_way scu-default
expect_ok "a key with a password" o genpkey -algorithm EC \
    -pkeyopt group:P-256 -out chip.pem -pass "pass:$key_password"
expect_ok "signs" o dgst -sha256 -sign chip.pem \
    -passin "pass:$key_password" -out sig message
expect_ok "a token's key signs" o dgst -sha256 \
    -sign "pkcs11:token=one;object=made?pin-source=file:$SCRATCH/user.pin" \
    -out sig message
alone pkey -in soft.pem -pubout -out soft.pub
expect_ok "ECDH" o pkeyutl -derive -inkey chip.pem \
    -passin "pass:$key_password" -peerkey soft.pub -out shared
o pkey -in chip.pem -passin "pass:$key_password" -pubout -out chip.pub ||
    give_up "its public half"
alone pkeyutl -derive -inkey soft.pem -peerkey chip.pub -out shared.soft
expect_ok "is what the other side has" cmp shared shared.soft

# --- what is secret of all that ------------------------------------------------------------

SCU_TCTI=scu:$SIM_TCTI reveal one "$so_pin" "$user_pin" >secrets ||
    give_up "the secrets"
expect_ok "all kinds of secrets are known" test \
    "$(cut -d- -f1 secrets | sort -u | tr '\n' ' ')" = \
    "index key lockout owner pin row seal sealed "
secret pin-new "$new_pin"
secret pin-wrong "$wrong_pin"
secret key-password "$key_password"
secret random random
secret ecdh shared
alone pkey -in soft.pem -noout -text | sed -n '/^priv:/,/^pub:/p' |
    grep '^ ' | tr -d ' :\n' >private
printf 'private %s\n' "$(sed 's/^00//' private)" >>secrets
printf '# %s secrets\n' "$(wc -l <secrets)"

# --- nothing of it is there -----------------------------------------------------------------

frames() { detector frames "$1" | sed -n "s/^$2 //p"; }
expect_ok "the trace is whole" detector frames trace
sed 's/^/# /' out
expect_ok "of some hundred commands" test "$(frames trace commands)" -gt 200
expect_ok "no session is without salt" test "$(frames trace unsalted)" -eq 0
expect_ok "no password goes in the clear" test \
    "$(frames trace passwords)" -eq 0
expect_ok "nothing secret is there" detector find trace <secrets
cat out

# --- and it would be found -------------------------------------------------------------------

# What is public is there.
alone pkey -pubin -in chip.pub -outform DER -out chip.der
tail -c 64 chip.der >point
secret point point public
expect_exit 1 "what is public is found" detector find trace <public
expect_output '^point: plain' "as it is"

# Programs that let a PIN and random octets go in the clear.
listen_to trace.leaky
export TPM2TOOLS_TCTI=swtpm:path=$BUS
expect_ok "a program that leaks a password" tpm2_createprimary -Q -C n \
    -p "$user_pin" -c leak.ctx
expect_ok "and random octets" tpm2_getrandom -o leak.random 32
unset TPM2TOOLS_TCTI
secret pin "$user_pin" leaked
secret random leak.random leaked
expect_exit 1 "is found" detector find trace.leaky <leaked
expect_output '^pin: plain' "its password"
expect_output '^random: plain' "and its random octets"
listen_to trace.rest

# Each secret in each encoding, among what was recorded.
n=0
while detector plant "$n" <secrets >planted 2>/dev/null; do
    { head -c 5001 trace; cat planted; tail -c 5000 trace; } >trace.planted
    detector find trace.planted <secrets >found
    grep -v '^#' found | cut -d: -f1 | cut -d, -f1 | sort -u >found.names
    cut -d' ' -f1 secrets | sort -u >names
    cmp -s names found.names || fail "encoding $n: not found: $(
        comm -23 names found.names | tr '\n' ' ')"
    n=$((n + 1))
done
expect_ok "each secret is found in each of $n encodings" test "$n" -gt 20

# The same by programs that are not ours.
raw() { perl -e 'print pack("H*", $ARGV[0])' "$1"; }
while read -r name digits; do
    raw "$digits" >plain
    {
        raw "$digits"; echo
        printf '%s\n' "$digits"
        printf '%s\n' "${digits^^}"
        base64 -w 0 plain; echo
        iconv -f ISO-8859-1 -t UTF-16LE plain; echo
        iconv -f ISO-8859-1 -t UTF-16BE plain; echo
        perl -e 'print scalar reverse join "", <>' plain; echo
        openssl dgst -sha256 -binary plain; echo
        openssl dgst -sha1 plain
    } >planted
    { head -c 5000 trace; cat planted; tail -c 5000 trace; } >trace.planted
    printf '%s %s\n' "$name" "$digits" |
        detector find trace.planted >found
    for encoding in ': plain' ': hex' ': HEX' ': base64' ': UTF-16LE' \
        ': UTF-16BE' ': reversed' ', SHA256: plain' ', SHA1: hex'; do
        grep -q "^$name$encoding," found || fail "$name$encoding"
    done
done < <(awk '!seen[substr($1, 1, 4)]++' secrets)
pass "and as other programs write it"
finish
