#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu key: keys made, listed, exported and removed, beside PKCS#11.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
. "$top_srcdir/tests/tools/key.sh"
need setsid ssh-keygen xxd
key_setup

# --- gen -----------------------------------------------------------------------

try 0 "nothing yet" scu key list
prints '^There are no public objects' "it says so"
try 0 "a key" scu key gen --type p256 --label web "$user"
silent "gen"
prints '^URI +pkcs11:token=one;object=web$' "it has a URI"
prints '^id +[0-9a-f]{40}$' "and an id"
for type in p384 RSA2048 rsa-3072; do
    try 0 "a key of type $type" scu key gen --type "$type" \
        --label "of-$type" --id "010${#type}" "$user" --json
    silent "gen of $type"
done
same "schema" "$(get schema)" scu.key-gen/1
same "type" "$(get type)" RSA-3072
same "id" "$(get id)" 0108
same "the pair's URI" "$(get uri)" 'pkcs11:token=one;object=of-rsa-3072'
chip_is_clean

# --- both doors make the same --------------------------------------------------

tool_user --keypairgen --key-type EC:prime256v1 --label other --id 0a \
    >out 2>&1 || give_up "pkcs11-tool --keypairgen: $(cat out)"
# What pkcs11-tool shows of a pair, but for its names and numbers.
shown() {
    tool_user -O 2>/dev/null | awk -v "label=$1" '
        / Object; /  { head = $0; body = "" ; next }
        /^  label: / { mine = $2 == label }
        /^  (Usage|Access|EC_PARAMS):/ { body = body "\n" $0 }
        /^  Access:/ && mine { print head body }'
}
shown web >ours
shown other >theirs
expect_ok "gen leaves what C_GenerateKeyPair leaves" diff -u theirs ours
same "both halves are there" "$(grep -c Object ours)" 2
for label in other web; do
    scu key export --label "$label" >"$label.pub"
    signs "$label" "$label.pub" "the key '$label'"
done
try 0 "the list has both" scu key list "$user"
prints '^private key  P-256     pkcs11:token=one;object=other;type=private  id 0a$' \
    "PKCS#11's, too"
same "objects" "$(objects)" 10
try 0 "the list in JSON" scu key list "$user" --token one --json
same "schema" "$(get schema)" scu.key-list/1
same "made in the token" "$(get objects 0 local)" true
same "class" "$(get objects 0 class)" private-key
same "type" "$(get objects 0 type)" P-256
try 0 "without a login" scu key list --json
same "only the public halves" "$(get objects length)" 5
same "that is their class" "$(get objects 0 class)" public-key
mark
scu key list >/dev/null
same "which takes no command" "$(commands)" ""

# --- export --------------------------------------------------------------------

# With EC keys OpenSC 0.23 reads memory that it has freed.
tool --read-object --type pubkey --label of-RSA2048 -o rsa.der >out 2>&1 ||
    give_up "pkcs11-tool --read-object: $(cat out)"
openssl pkey -pubin -inform DER -in rsa.der -out theirs.pub
scu key export --label of-RSA2048 >rsa.pub
expect_ok "the public key is that of PKCS#11" cmp theirs.pub rsa.pub
try 0 "by URI" scu key export 'pkcs11:token=one;object=web;type=public'
expect_ok "the same" cmp "$SCRATCH/stdout" web.pub
try 0 "by id" scu key export --id "$(id_of web)"
expect_ok "the same" cmp "$SCRATCH/stdout" web.pub
try 0 "to a file" scu key export --label web --out file.pub --json
expect_ok "the same" cmp file.pub web.pub
same "the file's name" "$(get file)" file.pub
same "the text is in the object" "$(get pem)" "$(cat web.pub)"
# What stands there and is no file stays what it is: root could lose /dev/null.
: >target
ln -s target link
expect_ok "through a link" scu key export --label web --out link
expect_ok "the link stands" test -L link
expect_ok "its target is the key" cmp target web.pub
try 0 "to -" scu key export --label web --out -
expect_ok "is standard output" cmp "$SCRATCH/stdout" web.pub
expect_failure "and no file" test -e "$SCRATCH/-"
for label in web of-p384 of-RSA2048 of-rsa-3072; do
    scu key export --label "$label" >"$label.pub"
    scu key export --label "$label" --ssh >"$label.ssh"
    ssh-keygen -e -m PKCS8 -f "$label.ssh" >"$label.ssh.pub"
    expect_ok "OpenSSH reads the same key, $label" \
        cmp "$label.pub" "$label.ssh.pub"
    expect_ok "and its label" grep -q " $label\$" "$label.ssh"
done
try 2 "a private key" scu key export 'pkcs11:object=web;type=private'
says 'does not leave the chip' "it says why"
no_data "a private key"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
    -keyout soft.key -out cert.pem -subj /CN=web 2>/dev/null
openssl x509 -in cert.pem -outform DER -out cert.der
tool_user --write-object cert.der --type cert --label web \
    --id "$(id_of web)" >out 2>&1 || give_up "a certificate: $(cat out)"
try 0 "a certificate" scu key export --label web --cert
expect_ok "is what was written" cmp "$SCRATCH/stdout" cert.pem
try 0 "by URI" scu key export 'pkcs11:object=web;type=cert'
expect_ok "is the same" cmp "$SCRATCH/stdout" cert.pem
try 0 "without a type" scu key export --label web
expect_ok "it is the public key" cmp "$SCRATCH/stdout" web.pub
try 2 "a certificate for OpenSSH" scu key export --label web --cert --ssh

printf 'some data' >some
tool --write-object some --type data --label blob >out 2>&1 ||
    tool_user --write-object some --type data --label blob >out 2>&1 ||
    give_up "data: $(cat out)"
try 2 "data" scu key export --label blob "$user"
says 'is data' "are not for this command"

# --- what is refused -----------------------------------------------------------

before=$(objects)
try 1 "a label that is taken" scu key gen --type p256 --label web "$user"
says "has a key with label 'web' already" "is named"
try 1 "an id that is taken" scu key gen --type p256 --label new --id 0a "$user"
says "this id already, 'other'" "its key is named"
try 6 "a wrong PIN" scu key gen --type p256 --label new --pin-file wrong
says '9 of 10 tries are left' "it is counted"
try 6 "a wrong PIN for a list" scu key list --pin-file wrong
says '8 of 10 tries are left' "it is counted, too"
scu key list "$user" >/dev/null
try 2 "no type" scu key gen --label new "$user"
try 2 "another type" scu key gen --type ed25519 --label new "$user"
says 'p256, p384, rsa2048 and rsa3072' "those that there are, are named"
try 2 "no label" scu key gen --type p256 "$user"
try 2 "an id that is none" scu key gen --type p256 --label new --id xy "$user"
try 1 "another token" scu key gen --type p256 --label new --token two "$user"
says "no token 'two'" "is named"
try 2 "no terminal for the PIN" setsid -w scu key gen --type p256 --label new
says 'no terminal' "it says so"
try 1 "an object that is not there" scu key export --label nothing
says "no object with label 'nothing' that is public: --pin-file" \
    "it says how to see more"
try 1 "nor with the PIN" scu key export --label nothing "$user"
try 2 "nothing is named" scu key export
try 2 "a URI and a label" scu key export 'pkcs11:object=web' --label web
try 2 "a URI that is none" scu key export 'pkcs11:object'
says 'not a usable PKCS#11 URI' "it says so"
try 2 "a file name for a URI" scu key export web.pub
try 1 "a URI of another maker" scu key export 'pkcs11:object=web;model=SoftHSM'
try 0 "a URI as PKCS#11 has it" \
    scu key export 'pkcs11:model=SCU;manufacturer=SCU;token=one;object=web'
try 2 "a PIN in a URI" \
    scu key remove 'pkcs11:object=web?pin-value=user-12345' --yes
says 'leave out pin-value' "is refused"
expect_failure "and not shown" grep -q user-12345 "$SCRATCH/stderr"
same "nothing changed" "$(objects)" "$before"

# --- remove --------------------------------------------------------------------

try 2 "without a terminal and --yes" setsid -w scu key remove --label web \
    "$user"
says 'no terminal to ask on .*: say --yes' "nothing is removed"
expect_exit 1 "another answer than yes" \
    typed no -- scu key remove --label web "$user"
expect_output "Key 'web' of token 'one' will be gone" "it is asked"
same "nothing changed" "$(objects)" "$before"
# Which slot that would be, only a PKCS#11 module knows.
for part in slot-id=7 slot-description=x slot-manufacturer=x; do
    try 2 "a URI with $part" scu key remove "pkcs11:$part;object=web" "$user" \
        --yes
    says 'slot' "is refused"
done
try 1 "another library" scu key remove --yes "$user" \
    'pkcs11:library-description=x;object=web'
says "another module's" "is not meant"
for source in /pin file:pin "file://host$SCRATCH/user" "file:/$SCRATCH/user"; do
    try 2 "pin-source=$source" scu key remove \
        "pkcs11:object=web?pin-source=$source" --yes
    says 'pin-source.*file:/PATH' "is refused"
done
same "nothing changed" "$(objects)" "$before"
# A label is another's words: it gives the terminal no orders.
try 0 "a label that moves the cursor" scu key gen --type p256 \
    --label $'x\e[2J' "$user"
expect_exit 1 "and is to go" \
    typed no -- scu key remove --label $'x\e[2J' "$user"
expect_output "Key 'x[?]\[2J' of token" "stands there in the clear"
try 0 "it goes" scu key remove --label $'x\e[2J' "$user" --yes
expect_ok "the answer is yes" typed yes -- scu key remove --label web "$user"
same "both halves are gone" "$(objects)" "$((before - 2))"
try 0 "the certificate stays" scu key export --label web --cert
try 1 "once more" scu key remove --label web "$user" --yes
says "named by a URI with their type" "the certificate is not meant"
try 0 "but like that" scu key remove 'pkcs11:object=web;type=cert' --yes \
    "$user"
printf 'user-12345' >pin
chmod 600 pin
try 0 "by URI, with the PIN's file" scu key remove \
    "pkcs11:token=one;object=other?pin-source=file://$SCRATCH/pin" --yes --json
same "what is removed" \
    "$(get removed 0 class)$(get removed 1 class)" private-keypublic-key
expect_failure "PKCS#11 has it no more" \
    grep -q other <(tool_user -O 2>/dev/null)
try 0 "one half" scu key remove 'pkcs11:object=of-p384;type=public' --yes \
    "$user"
try 1 "its public key is not to be seen" scu key export --label of-p384
try 0 "but the private one has it" scu key export --label of-p384 "$user"
expect_ok "it is the same" cmp "$SCRATCH/stdout" of-p384.pub

# Two pairs of one name, which another door may make.
for id in 21 22; do
    tool_user --keypairgen --key-type EC:prime256v1 --label twin --id "$id" \
        >out 2>&1 || give_up "twins: $(cat out)"
done
try 2 "two of one label" scu key remove --label twin --yes "$user"
says 'several of these.*--id' "one has to be named"
try 2 "for export, too" scu key export --label twin
try 0 "which the list's URIs do" scu key list
prints 'id=%21;object=twin;type=public|object=twin;id=!;type=public|id=%22' \
    "by their id"
try 0 "by id" scu key remove --id 21 --yes "$user"
try 0 "the other one is there" scu key export --label twin

# Two tokens of one label, which PKCS#11 may make.
try 0 "the key of the other door" scu key list
expect_failure "no URI has a serial number without need" \
    grep -q serial= "$SCRATCH/stdout"
printf '[chip]\nspare-token = yes\n' >scu.conf
chmod 600 scu.conf
export SCU_CONF=$SCRATCH/scu.conf
spare=$(tool -L | sed -n 's/^Slot [0-9]* (\(0x[0-9a-f]*\)): Empty.*/\1/p')
expect_ok "another token 'one'" tool --init-token --slot "$((spare))" \
    --label one --so-pin so-12345
unset SCU_CONF
scu token list --json >"$SCRATCH/stdout"
first=$(get tokens 0 serial) second=$(get tokens 1 serial)
try 0 "its user PIN" scu token unlock --serial "$second" "$user" \
    --so-pin-file so
try 0 "a key in it" scu key gen --type p256 --label twin \
    --serial "$second" "$user" --json
same "its URI says in which token" "$(get uri)" \
    "pkcs11:serial=$second;token=one;object=twin"
try 0 "and by it the key is exported" scu key export "$(get uri)"
try 0 "the list" scu key list
prints "serial=$second;token=one;object=twin;type=public" "says so, too"
prints "serial=$first;token=one;object=twin;type=public" "of both"
chip_is_clean
finish
