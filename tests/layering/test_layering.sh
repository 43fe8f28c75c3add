#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nobody enters a room that is closed to him: sources, libraries, objects.
. "$top_srcdir/tests/lib/lib.sh"
check=$top_srcdir/tests/layering/check
need nm objdump awk

expect_ok "each source includes only what its room may" \
    "$check" includes "$top_srcdir"
expect_ok "each library needs and uses only what its room may" \
    "$check" symbols "$top_srcdir/tests/layering/libraries.txt" \
    "$top_builddir"
expect_ok "the groups of tss-backend go in one direction" \
    "$check" groups "$top_builddir"

# --- the checker finds what it is there for ---------------------------------

tree=$SCRATCH/tree
mkdir -p "$tree"/{common,tcti-scu,pkcs11,provider,tools} \
    "$tree"/tss-backend/{scu,base,chip,policy,key,store,attest}
for header in common/log.h tcti-scu/link.h tss-backend/scu/key.h \
    tss-backend/{base/error,chip/chip,key/key,store/store,attest/quote}.h \
    tss-backend/attest/verify.h provider/prov.h tools/cmd.h; do
    : >"$tree/$header"
done
expect_ok "a clean tree passes" "$check" includes "$tree"

# planted FILE LINE: that line there is a violation.
planted() {
    printf '%s\n' "$2" >"$tree/$1"
    expect_exit 1 "found in $1: $2" "$check" includes "$tree"
    expect_output "^$1:1:" "it is named"
    rm "$tree/$1"
}
# welcome FILE LINE: that line there is none.
welcome() {
    printf '%s\n' "$2" >"$tree/$1"
    expect_ok "welcome in $1: $2" "$check" includes "$tree"
    rm "$tree/$1"
}
planted common/x.c '#include <tss2/tss2_common.h>'
planted common/x.c '#include <openssl/evp.h>'
planted common/x.c '#include <scu/key.h>'
planted common/x.c '#include "../tcti-scu/link.h"'
planted tcti-scu/x.c '#include <scu/key.h>'
planted tcti-scu/x.c '#include <openssl/evp.h>'
planted tcti-scu/x.c '#include <sqlite3.h>'
planted tcti-scu/x.c '#include <tss2/tss2_sys.h>'
welcome tcti-scu/x.c '#include <tss2/tss2_tcti.h>'
welcome tcti-scu/x.c '#  include "log.h"'
planted tss-backend/chip/x.c '#include <tss2/tss2_esys.h>'
planted tss-backend/chip/x.c '#include <openssl/core_dispatch.h>'
planted tss-backend/chip/x.c '#include <p11-kit/pkcs11.h>'
planted tss-backend/chip/x.c '#include "key/key.h"'
planted tss-backend/chip/x.c '#include <sqlite3.h>'
planted tss-backend/base/x.c '#include "chip/chip.h"'
planted tss-backend/key/x.c '#include "../store/store.h"'
planted tss-backend/key/x.c 'static CK_RV rv;'
planted tss-backend/key/x.c '#include "nowhere.h"'
welcome tss-backend/key/x.c '/* a CK_RV of others */'
welcome tss-backend/key/x.c '#include "chip/chip.h"'
welcome tss-backend/store/x.c '#include <sqlite3.h>'
planted tss-backend/scu/x.h '#include "base/error.h"'
planted tss-backend/scu/x.h 'TPM2_HANDLE h;'
planted tss-backend/attest/verify_x.c '#include "chip/chip.h"'
planted tss-backend/attest/verify_x.c '#include "attest/quote.h"'
planted tss-backend/attest/verify_x.c '#include <tss2/tss2_sys.h>'
welcome tss-backend/attest/quote.c '#include "attest/verify.h"'
planted provider/x.c '#include "base/error.h"'
planted provider/x.c '#include "log.h"'
planted provider/x.c '#include <tss2/tss2_common.h>'
planted tools/x.c '#include <openssl/evp.h>'
planted tools/x.c '#include <tss2/tss2_sys.h>'
welcome tools/x.c '#include <json-c/json.h>'
welcome tools/x.c 'puts("TPM2_Shutdown, \"TPM2_Clear\"");'
planted tools/x.c 'puts("x"); TPM2_HANDLE h;'
planted pkcs11/x.c '#include <sqlite3.h>'
mkdir "$tree/tss-backend/annex"
planted tss-backend/annex/x.c 'int x;'

# Libraries and objects with a forbidden symbol.
mkdir -p "$SCRATCH/build/tcti-scu/.libs" \
    "$SCRATCH"/build/tss-backend/{chip,key}/.libs
printf 'int EVP_DigestInit(void); int f(void);\n%s\n' \
    'int f(void) { return EVP_DigestInit(); }' >"$SCRATCH/f.c"
printf 'int g(void); int key_x(void); int g(void) { return key_x(); }\n' \
    >"$SCRATCH/g.c"
printf 'int key_x(void); int key_x(void) { return 1; }\n' >"$SCRATCH/key.c"
# shellcheck disable=SC2086 # CC may hold options
build() { expect_ok "the planted $1 builds" ${CC:-cc} -fPIC "${@:2}"; }
rules=$SCRATCH/rules.txt
printf 'tcti-scu/.libs/l.so | libtss2-mu | ^EVP_\n' >"$rules"
build library -shared -o "$SCRATCH/build/tcti-scu/.libs/l.so" "$SCRATCH/f.c"
expect_exit 1 "an undefined symbol of libcrypto is found" \
    "$check" symbols "$rules" "$SCRATCH/build"
expect_output 'l\.so: uses EVP_DigestInit' "it is named"
build library -shared -Wl,--no-as-needed -o \
    "$SCRATCH/build/tcti-scu/.libs/l.so" "$SCRATCH/key.c" -lcrypto
expect_exit 1 "a library that is linked is found" \
    "$check" symbols "$rules" "$SCRATCH/build"
expect_output 'l\.so: needs libcrypto' "it is named"
build object -c -o "$SCRATCH/build/tss-backend/chip/.libs/g.o" "$SCRATCH/g.c"
build object -c -o "$SCRATCH/build/tss-backend/key/.libs/k.o" "$SCRATCH/key.c"
expect_exit 1 "chip that calls key is found" "$check" groups "$SCRATCH/build"
expect_output 'chip/.libs/g\.o: uses key_x of key' "it is named"
finish
