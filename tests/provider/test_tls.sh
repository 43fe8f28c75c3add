#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# TLS servers with keys in the chip, and with keys of others; clients with and
# without us. Key shares cost no chip command, whichever curve it is.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
need curl
make_keys || give_up "no keys"
choose_way default-scu
alone genpkey -algorithm RSA -out soft.rsa.pem 2>/dev/null
for key in chip.ec chip.rsa soft.rsa; do
    o req -x509 -new -key "$key.pem" -subj /CN=localhost -out "$key.crt" ||
        give_up "no certificate of $key"
done
: >none.golden

# serve KEY OPTIONS...: until reap $SERVER, or for -naccept handshakes. At
# $SCRATCH/tls.sock.
serve() {
    local key=$1
    shift
    rm -f tls.sock
    RUNTIMES=$(sanitizer_runtimes)
    OPENSSL_CONF=$CNF LD_PRELOAD=$RUNTIMES \
        ASAN_OPTIONS="detect_leaks=0:${ASAN_OPTIONS:-}" \
        spawn openssl s_server "${PROVIDERS[@]}" -unix tls.sock \
        -key "$key.pem" -cert "$key.crt" -www "$@" >server.log 2>&1
    SERVER=$SPAWNED
    for _ in $(seq 400); do
        [ -S tls.sock ] && return
        kill -0 "$SERVER" 2>/dev/null || break
        sleep 0.05
    done
    fail "the server runs"
    sed 's/^/    /' server.log
}

# ask KEY RUNNER OPTIONS...: a page from the server, its certificate verified.
ask() {
    local key=$1 runner=$2
    shift 2
    printf 'GET / HTTP/1.0\r\n\r\n' | "$runner" s_client \
        -unix tls.sock -ign_eof -CAfile "$key.crt" \
        -verify_return_error "$@"
}
# wait_for PID: its end, or fail.
wait_for() {
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
    reap "$1"
}
fetch() { curl -sS --unix-socket "$SCRATCH/tls.sock" --cacert "$1.crt" \
    https://localhost/; }

for way in "${WAYS[@]}"; do
    choose_way "$way"
    for key in chip.ec chip.rsa; do
        golden=$top_srcdir/tests/provider/${key#chip.}.handshake.golden
        for version in -tls1_3 -tls1_2; do
            # It ends by itself, for then it frees what it has in the chip.
            serve "$key" "$version" -naccept 5
            expect_ok "$way: $key $version, curl" fetch "$key"
            # TLS 1.2 wants the certificate's curve among them.
            for group in X25519:P-256 P-256 P-384:P-256; do
                mark
                expect_ok "$way: $key $version, $group" ask "$key" alone \
                    -groups "$group"
                expect_commands "$golden"
            done
            expect_ok "$way: $key $version, the last one" fetch "$key"
            wait_for "$SERVER"
        done
    done
done

# Nothing of the chip: a server and a client that only have us in the order.
for way in "${WAYS[@]}"; do
    choose_way "$way"
    mark
    for version in -tls1_3 -tls1_2; do
        serve soft.rsa "$version"
        for group in X25519 P-256 P-521; do
            expect_ok "$way: software key $version, $group" ask soft.rsa \
                alone -groups "$group"
            expect_ok "$way: our client $version, $group" ask soft.rsa o \
                -groups "$group"
        done
        reap "$SERVER"
    done
    expect_commands none.golden "$way: chip commands of all that"
done
chip_is_clean
finish
