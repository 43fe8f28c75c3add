# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of scu key have in common: a provisioned chip whose owner
# authorisation is empty, and a token "one". Sourced behind tools.sh.
: "${SCRATCH:?}"
MODULE=$top_builddir/pkcs11/.libs/scu-pkcs11.so

# secret NAME TEXT: a file with it, $SCRATCH/NAME.
secret() { (umask 077 && printf '%s\n' "$2" >"$SCRATCH/$1"); }

key_setup() {
    need openssl pkcs11-tool tpm2_getcap
    cd "$SCRATCH" || give_up "$SCRATCH"
    secret so so-12345
    secret user user-12345
    secret wrong wrong-0000
    # shellcheck disable=SC2034 # for those who source this
    user=--pin-file=$SCRATCH/user
    sim_start
    scu provision --owner-auth empty >out 2>&1 ||
        give_up "scu provision: $(cat out)"
    scu token init --label one --so-pin-file so "$user" >out 2>&1 ||
        give_up "scu token init: $(cat out)"
    echo 'what is signed' >data
}

tool() { run_foreign pkcs11-tool --module "$MODULE" "$@"; }
tool_user() { tool --login --pin user-12345 "$@"; }

# signs LABEL PUBLIC TEXT: by PKCS#11, and openssl verifies it by that file.
signs() {
    local id mechanism=ECDSA-SHA256
    local openssl_form=(--signature-format openssl)
    id=$(id_of "$1")
    if grep -qi rsa <<<"$1"; then
        mechanism=SHA256-RSA-PKCS openssl_form=()
    fi
    rm -f sig
    expect_ok "$3: pkcs11-tool signs" tool_user --sign -m "$mechanism" \
        "${openssl_form[@]}" --id "$id" -i data -o sig
    expect_ok "$3: openssl verifies" openssl dgst -sha256 -verify "$2" \
        -signature sig data
}

# member LABEL CLASS KEY: of an object in the list.
member() {
    local i
    scu key list "$user" --json >listed || return
    for ((i = 0; i < $(json-get objects length <listed); i++)); do
        [ "$(json-get objects $i label <listed)" = "$1" ] &&
            [ "$(json-get objects $i class <listed)" = "$2" ] &&
            json-get objects $i "$3" <listed
    done
}
id_of() { member "$1" private-key id; }

# objects: how many the token has.
objects() { scu key list "$user" --json | json-get objects length; }
