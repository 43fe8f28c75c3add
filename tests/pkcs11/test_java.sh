#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Java: keys in a KeyStore of type PKCS11, and a jar signed with them.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need keytool jarsigner
chip_with_token one

printf 'name = scu\nlibrary = %s\nslotListIndex = 0\n' "$MODULE" >p11.cfg
store() {
    run_foreign "$1" -keystore NONE -storetype PKCS11 -storepass "$PIN" \
        -addprovider SunPKCS11 "$2" p11.cfg "${@:3}"
}
keys() { store keytool -providerarg -providername SunPKCS11-scu "$@"; }

# keytool makes a key of the session, and keeps it by C_CopyObject.
expect_ok "keytool makes an EC key" keys -genkeypair -alias ec -keyalg EC \
    -groupname secp256r1 -dname CN=ec
expect_ok "and an RSA key" keys -genkeypair -alias rsa -keyalg RSA \
    -keysize 2048 -dname CN=rsa
expect_ok "and lists both" keys -list
expect_output '^ec, PrivateKeyEntry' "the EC key"
expect_output '^rsa, PrivateKeyEntry' "the RSA key"
expect_ok "it requests a certificate" keys -certreq -alias ec -file ec.csr
expect_ok "with a signature that is good" openssl req -in ec.csr -verify \
    -noout

# A jar is a zip: the least one is the end of its directory.
printf 'PK\005\006%18s' '' | tr ' ' '\000' >empty.jar
for key in ec rsa; do
    expect_ok "jarsigner signs with $key" store jarsigner -providerArg \
        -signedjar "$key.jar" empty.jar "$key"
    expect_ok "well" jarsigner -verify "$key.jar"
    expect_output 'jar verified' "it says"
done
expect_ok "a key goes" keys -delete -alias ec
expect_ok "the other stays" keys -list
expect_output '^rsa, PrivateKeyEntry' "where it was"
cp "$SCRATCH/out" list
expect_failure "and the first one is gone" grep -q '^ec,' list
chip_is_clean
finish
