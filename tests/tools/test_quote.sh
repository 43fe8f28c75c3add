#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu quote and scu verify on simulated chips, and what peers say of it.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need swtpm tpm2_pcrextend openssl xxd

nonce=000102030405060708090a0b0c0d0e0f10111213
evidence=$SCRATCH/evidence.json
ak=$SCRATCH/ak.pem

# use NAME: a chip of that name, unprovisioned when it is new.
use() {
    SCU_TCTI=$(scu sim start --dir "$SCRATCH/$1" 2>/dev/null) ||
        give_up "scu sim start"
    export SCU_TCTI
    SIM_TCTI=swtpm:path=$SCRATCH/$1/swtpm.sock
}

# judge CODE VERDICT TEXT ARGUMENT...: scu verify says so, and shows no values
# of what it refuses.
judge() {
    local code=$1 verdict=$2 text=$3
    shift 3
    try "$code" "$text" scu verify --json "$@"
    same "$text: verdict" "$(get verdict)" "$verdict"
    same "$text: verified" "$(get verified)" \
        "$([ "$code" -eq 0 ] && echo true || echo false)"
    silent "$text"
    [ "$code" -le 1 ] || expect_failure "$text: no values" get pcrs
}

# part NAME FILE: of the evidence, in binary.
part() { json-get "$1" <"$2" | xxd -r -p; }

# changed SED-SCRIPT: the evidence after it; it must differ.
changed() {
    sed -E "$1" "$evidence" >"$SCRATCH/changed.json"
    cmp -s "$evidence" "$SCRATCH/changed.json" && fail "unchanged: $1"
    echo "$SCRATCH/changed.json"
}

# --- what is needed ----------------------------------------------------------

use one
try 4 "a chip that is not provisioned" scu quote --nonce "$nonce"
no_data "not provisioned"
says 'scu provision' "the remedy is named"
scu provision --json >"$SCRATCH/stdout" || give_up "scu provision"
name=$(get attestation_key name)

# --- a quote -----------------------------------------------------------------

try 0 "quote" scu quote --nonce "$nonce" --pcrs sha256:0-7+sha1:4
silent "quote"
same "its schema" "$(get schema)" scu.evidence/1
cp "$SCRATCH/stdout" "$evidence"
try 0 "quote with --json" scu quote --nonce "$nonce" --json
same "its schema is the same" "$(get schema)" scu.evidence/1
same "eight registers without --pcrs" \
    "$(get pcrs sha256 | grep -o '"[0-9]*":' | wc -l)" 8
try 0 "quote to a file" scu quote --nonce "$nonce" --out "$SCRATCH/file.json" \
    --ak-out "$ak" --json
silent "quote to a file"
same "schema of what it did" "$(get schema)" scu.quote/1
same "the key's Name" "$(get key_name)" "$name"
same "the file" "$(get evidence)" "$SCRATCH/file.json"
expect_ok "the file is evidence" scu verify "$SCRATCH/file.json" \
    --nonce "$nonce" --ak "$ak"
expect_ok "openssl reads the key" openssl pkey -pubin -in "$ak" -noout
try 0 "the same in text" scu quote --nonce "$nonce" \
    --out "$SCRATCH/file.json"
prints "^signed by +$name\$" "it has the Name"
try 1 "a file in no folder" scu quote --nonce "$nonce" \
    --out "$SCRATCH/nothing/file"
says "cannot write $SCRATCH/nothing/file" "it is named"
no_data "a file in no folder"

# What stands there and is no file stays what it is: root could lose /dev/null.
ln -s /dev/null "$SCRATCH/null"
expect_ok "to a device" scu quote --nonce "$nonce" --out "$SCRATCH/null"
expect_ok "the link to it stands" test -L "$SCRATCH/null"
cp "$SCRATCH/file.json" "$SCRATCH/target"
ln -s target "$SCRATCH/link"
: >"$SCRATCH/target"
expect_ok "through a link" scu quote --nonce "$nonce" --out "$SCRATCH/link"
expect_ok "the link stands" test -L "$SCRATCH/link"
expect_ok "its target is evidence" scu verify "$SCRATCH/target" \
    --nonce "$nonce" --ak "$ak"
mkfifo "$SCRATCH/fifo"
spawn timeout 20 cat "$SCRATCH/fifo" >"$SCRATCH/drained"
expect_ok "to a pipe" scu quote --nonce "$nonce" --out "$SCRATCH/fifo"
wait "$SPAWNED"
expect_ok "what came is evidence" scu verify "$SCRATCH/drained" \
    --nonce "$nonce" --ak "$ak"
try 0 "to -" scu quote --nonce "$nonce" --out -
same "is standard output" "$(get schema)" scu.evidence/1
try 2 "one file for two things" scu quote --nonce "$nonce" \
    --out "$SCRATCH/both" --ak-out "$SCRATCH/both"
no_data "one file for two things"
expect_failure "and nothing is written" test -e "$SCRATCH/both"
chip_is_clean

# --- what holds --------------------------------------------------------------

judge 0 ok "good evidence" "$evidence" --nonce "$nonce" --ak "$ak" \
    --pcrs sha256:0-7
same "it has the key's Name" "$(get key_name)" "$name"
same "and the resets" "$(get clock resets)" \
    "$(scu info --json | json-get clock resets)"
same "and the values" "$(get pcrs sha1 4)" "$(printf '%040d' 0)"
try 0 "in text" scu verify --nonce "${nonce^^}" "$evidence" --ak "$ak"
prints '^verified +yes$' "it says so"
prints '^PCR +sha256:7 0{64}$' "and shows the values"
judge 0 ok "from standard input" - --nonce "$nonce" --ak "$ak" <"$evidence"

judge 1 unvouched "without an expected key" "$evidence" --nonce "$nonce"
try 1 "the same in text" scu verify "$evidence" --nonce "$nonce"
prints '^verified +no$' "it says no"
prints '^verdict .*vouches only for itself' "and why"
judge 1 not-covered "a register that was asked for" "$evidence" \
    --nonce "$nonce" --ak "$ak" --pcrs sha256:0-7,14

# --- without any chip --------------------------------------------------------

(
    unset SCU_TCTI SCU_STATE
    export HOME=/nonexistent
    scu verify "$evidence" --nonce "$nonce" --ak "$ak" >/dev/null 2>&1
)
same "no chip, state or home is needed" $? 0

# --- what does not -----------------------------------------------------------

judge 5 other-nonce "another nonce" "$evidence" --nonce "ff${nonce#00}" \
    --ak "$ak"
judge 5 other-nonce "a shorter nonce" "$evidence" --nonce "${nonce%13}" \
    --ak "$ak"
judge 3 other-values "a changed value" \
    "$(changed 's/("7": ")0/\11/')" --nonce "$nonce" --ak "$ak"
judge 3 selection "a missing value" \
    "$(changed 's/, "7": "0+"//')" --nonce "$nonce" --ak "$ak"
judge 3 selection "a value under another number" \
    "$(changed 's/"7": /"16": /')" --nonce "$nonce" --ak "$ak"
judge 3 hidden-bank "a bank that is not shown" \
    "$(changed 's/, "sha1": \{[^}]*\}//')" --nonce "$nonce" --ak "$ak"
judge 3 extra-value "a value outside the selection" \
    "$(changed 's/("sha1": \{ )("4": )("0+")/\1\2\3, "5": \3/')" \
    --nonce "$nonce" --ak "$ak"
judge 3 wrong-magic "another magic" \
    "$(changed 's/"ff544347/"ff544348/')" --nonce "$nonce" --ak "$ak"
judge 3 wrong-type "another type" \
    "$(changed 's/"ff5443478018/"ff5443478019/')" --nonce "$nonce" --ak "$ak"
judge 3 bad-signature "a changed quote" \
    "$(changed "s/$nonce/ff${nonce#00}/")" --nonce "ff${nonce#00}" --ak "$ak"
judge 3 truncated "a quote that ends early" \
    "$(changed 's/("attest": "[0-9a-f]*)[0-9a-f]{2}"/\1"/')" \
    --nonce "$nonce" --ak "$ak"
judge 3 trailing-octets "octets behind the signature" \
    "$(changed 's/("signature": "[0-9a-f]*)"/\100"/')" \
    --nonce "$nonce" --ak "$ak"
judge 3 unrestricted-signer "a key that is not restricted" \
    "$(changed 's/"0023000b0005/"0023000b0004/')" --nonce "$nonce" --ak "$ak"
judge 3 other-signer "a key with other attributes" \
    "$(changed 's/"0023000b000504/"0023000b000500/')" \
    --nonce "$nonce" --ak "$ak"
judge 3 malformed "a member that is unknown" \
    "$(changed 's/"pcrs"/"more": "", "pcrs"/')" --nonce "$nonce" --ak "$ak"
judge 3 malformed "a member that is there twice" \
    "$(changed 's/"pcrs"/"pcrs": {}, "pcrs"/')" --nonce "$nonce" --ak "$ak"
judge 3 malformed "no JSON" "$ak" --nonce "$nonce" --ak "$ak"
judge 3 malformed "nothing" - --nonce "$nonce" --ak "$ak" </dev/null
judge 3 malformed "endless" - --nonce "$nonce" --ak "$ak" </dev/zero
head -c 300 "$evidence" >"$SCRATCH/short.json"
judge 3 malformed "half a file" "$SCRATCH/short.json" --nonce "$nonce" \
    --ak "$ak"

openssl ecparam -name prime256v1 -genkey -noout -out "$SCRATCH/other.key"
openssl pkey -in "$SCRATCH/other.key" -pubout -out "$SCRATCH/other.pem"
judge 3 other-key "another key" "$evidence" --nonce "$nonce" \
    --ak "$SCRATCH/other.pem"
try 2 "a private key for a public one" scu verify "$evidence" \
    --nonce "$nonce" --ak "$SCRATCH/other.key"
says 'no public key in PEM' "the line says so"
try 1 "a key that is not there" scu verify "$evidence" --nonce "$nonce" \
    --ak "$SCRATCH/nothing"
says "cannot read $SCRATCH/nothing" "it is named"
try 1 "evidence that is not there" scu verify "$SCRATCH/nothing" \
    --nonce "$nonce"
says "cannot read $SCRATCH/nothing" "it is named"
try 2 "a nonce of 33 octets" scu verify "$evidence" \
    --nonce "$(printf '%066d' 0)"
no_data "a nonce of 33 octets"

# --- peers, which take it for good -------------------------------------------

part attest "$evidence" >"$SCRATCH/attest"
part signature "$evidence" >"$SCRATCH/signature"
# TPMT_SIGNATURE of ECDSA: two identifiers, then r and s, a TPM2B each.
r=$(json-get signature <"$evidence" | cut -c 13-76)
s=$(json-get signature <"$evidence" | sed -E 's/.*(.{64})$/\1/')
if [ "$(json-get signature <"$evidence" | wc -c)" -eq 145 ]; then
    printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$r" "$s" \
        >"$SCRATCH/asn1"
    openssl asn1parse -genconf "$SCRATCH/asn1" -noout -out "$SCRATCH/der"
    expect_ok "openssl verifies the signature" openssl dgst -sha256 \
        -verify "$ak" -signature "$SCRATCH/der" "$SCRATCH/attest"
else
    echo "r or s is short this time: not given to openssl"
fi
if command -v tpm2_checkquote >/dev/null; then
    expect_ok "tpm2_checkquote takes it" tpm2_checkquote -u "$ak" \
        -m "$SCRATCH/attest" -s "$SCRATCH/signature" -q "$nonce" -g sha256
else
    echo "without tpm2_checkquote"
fi

# --- time goes on ------------------------------------------------------------

scu verify "$evidence" --nonce "$nonce" --ak "$ak" --json \
    >"$SCRATCH/before"
tpm2_pcrextend -T "$SIM_TCTI" \
    "7:sha256=$(printf 'x' | openssl dgst -sha256 -r | cut -d ' ' -f 1)" ||
    give_up "tpm2_pcrextend"
scu quote --nonce "$nonce" --out "$SCRATCH/file.json" >/dev/null
judge 0 ok "after an extend" "$SCRATCH/file.json" --nonce "$nonce" --ak "$ak"
expect_failure "its value is another" \
    test "$(get pcrs sha256 7)" = "$(json-get pcrs sha256 7 <"$SCRATCH/before")"
same "that of another is the same" "$(get pcrs sha256 6)" \
    "$(json-get pcrs sha256 6 <"$SCRATCH/before")"

scu sim stop --dir "$SCRATCH/one" >/dev/null
use one
scu quote --nonce "$nonce" --out "$SCRATCH/file.json" >/dev/null
judge 0 ok "after a reboot, the key is the same" "$SCRATCH/file.json" \
    --nonce "$nonce" --ak "$ak"
same "one reset more" "$(get clock resets)" \
    "$(($(json-get clock resets <"$SCRATCH/before") + 1))"

use two
export SCU_STATE=$SCRATCH/state2
scu provision >/dev/null || give_up "scu provision"
scu quote --nonce "$nonce" --out "$SCRATCH/file.json" >/dev/null
judge 3 other-key "another chip" "$SCRATCH/file.json" --nonce "$nonce" \
    --ak "$ak"
scu sim stop --dir "$SCRATCH/one"
scu sim stop --dir "$SCRATCH/two"
finish
