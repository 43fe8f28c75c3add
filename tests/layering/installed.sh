#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# installed.sh BINDIR LIBDIR INCLUDEDIR MODULESDIR MANDIR: what `make install`
# put there works from there. Run by `make installcheck`.
. "$top_srcdir/tests/lib/lib.sh"
bin=$1 lib=$2 include=$3 modules=$4 man=$5
need pkg-config openssl
export LD_LIBRARY_PATH=$lib OPENSSL_MODULES=$modules PATH=$bin:$PATH

for file in "$bin/scu" "$lib/libtss2-tcti-scu.so.0" "$lib/libscu.so" \
    "$lib/pkgconfig/scu.pc" "$include/scu/key.h" "$modules/scu.so" \
    "$man/man1/scu.1" "$man/man7/tcti-scu.7" "$man/man5/scu.conf.5"; do
    expect_ok "${file##*/} is installed" test -e "$file"
done

cat >"$SCRATCH/user.c" <<'C'
#include <scu/error.h>
#include <stdio.h>
int main(void) { return puts(scu_error_name(SCU_OK)) < 0; }
C
read -ra flags < <(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs scu)
# shellcheck disable=SC2086 # CC may hold options
expect_ok "a program builds by scu.pc" ${CC:-cc} -o "$SCRATCH/user" \
    "$SCRATCH/user.c" "${flags[@]}"
expect_ok "it runs" "$SCRATCH/user"
expect_ok "openssl loads the provider" run_foreign openssl list -providers \
    -provider scu
expect_output '^  scu$' "it is there"
expect_ok "the command runs" scu --version
sim_power_on
expect_ok "a program finds the link by its name" run_foreign \
    scu info --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock" --state "$SCRATCH"
finish
