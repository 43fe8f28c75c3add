#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad input and bad circumstances: one line with cause and remedy, and the
# exit code of a failure.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
make_keys || give_up "no keys"
echo message >message
reason() {
    expect_output "error:[0-9A-F]*:scu::$1" "the cause is told: $2"
}

# --- files --------------------------------------------------------------------
key=chip.ec.pem
lines=$(wc -l <$key)
head -n $((lines - 1)) $key >no-end.pem
{ head -1 $key; echo 'not base64 at all!'; tail -1 $key; } >junk.pem
{ head -1 $key; echo SGVsbG8gV29ybGQ=; tail -1 $key; } >other.pem
{ head -1 $key; tail -1 $key; } >empty.pem
{ head -2 $key; tail -1 $key; } >short.pem
o pkey -in $key -outform DER -out key.der
head -c 100 key.der >short.der
sed '3s/^..../AAAA/' $key >point.pem # another x: no point of the curve
{ head -1 $key; base64 -w 64 short.der; tail -1 $key; } >cut.pem

for way in "${WAYS[@]}"; do
    choose_way "$way"
    for bad in no-end junk other empty short cut point; do
        expect_exit 1 "$way: $bad.pem" o dgst -sha256 -sign $bad.pem \
            -out sig message
        reason 'this is not a valid TSS2 PRIVATE KEY file' "$bad"
    done
    expect_exit 1 "$way: short.der" o pkey -inform DER -in short.der -noout
    reason 'this is not a valid TSS2 PRIVATE KEY file' short.der
    expect_ok "a text without keys" sh -c 'date >text'
    expect_exit 1 "$way: no key at all" o pkey -in text -noout
    if grep -q scu:: out; then
        fail "$way: silence where it is not ours"
    else
        pass "$way: silence where it is not ours"
    fi
done

# --- the chip ----------------------------------------------------------------
sign() { o dgst -sha256 -sign chip.ec.pem -out sig message; }
for way in scu-default default-scu.cnf; do
    choose_way "$way"
    SCU_STATE=$SCRATCH/nowhere expect_exit 1 "$way: unprovisioned" sign
    reason '.*run .scu provision' unprovisioned
    SCU_TCTI=scu:swtpm:path=$SCRATCH/nothing.sock expect_exit 1 \
        "$way: no chip" sign
    reason 'no chip answers on this link' "no chip"
done

# Another chip, provisioned in a folder of its own.
sim_power_cut
rm -rf "$SIM_DIR"
sim_power_on
for way in scu-default default-scu.cnf; do
    choose_way "$way"
    expect_exit 1 "$way: another chip than the pinned" sign
    reason 'this is not the chip that was provisioned' "another chip"
done
export SCU_STATE=$SCRATCH/state2
scu provision >provision.log 2>&1 || give_up "$(cat provision.log)"
for way in scu-default default-scu.cnf; do
    choose_way "$way"
    expect_exit 1 "$way: a key of another chip" sign
    reason 'this key belongs to another chip' "key of another chip"
done
chip_is_clean
finish
