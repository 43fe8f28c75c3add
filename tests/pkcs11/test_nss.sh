#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# NSS, as browsers have it: the module in a database, keys and certificates.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need certutil modutil
chip_with_token one
new_key k 01

mkdir db
echo "$PIN" >pin
head -c 100 /dev/urandom >noise
nss() { run_foreign certutil "$@" -d sql:db -h one -f pin; }
expect_ok "a database" certutil -N -d sql:db --empty-password
expect_ok "takes the module" run_foreign modutil -force -dbdir sql:db \
    -add scu -libfile "$MODULE"
expect_ok "and shows it" run_foreign modutil -dbdir sql:db -list scu
expect_output 'Token Name: one' "with its token"
expect_output 'Login Type: Login required' "which takes a PIN"
expect_ok "its keys" nss -K
expect_output ' ec +01 +k' "are listed"
for type in "ec -q nistp256" "rsa -g 2048"; do
    # shellcheck disable=SC2086 # two options
    expect_ok "NSS makes a key and its certificate: $type" nss -S \
        -n "mine-${type%% *}" -k $type -s "CN=${type%% *}" -x -t u,u,u \
        -z noise
    expect_ok "which is there" nss -L -n "one:mine-${type%% *}" -a
    cp "$SCRATCH/out" cert.pem
    expect_ok "with a signature that is good" openssl verify -CAfile \
        cert.pem -check_ss_sig cert.pem
done
expect_ok "its keys" nss -K
expect_output 'one:mine-ec' "belong to their certificates"
expect_output 'one:mine-rsa' "both"
chip_is_clean
finish
