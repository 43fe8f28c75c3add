#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# installed.sh BINDIR LIBDIR INCLUDEDIR MODULESDIR MANDIR DATADIR DOCDIR
# UDEVRULESDIR SYSUSERSDIR TMPFILESDIR: what `make install` put there works from
# there. The last three may be empty. Run by `make installcheck`.
. "$top_srcdir/tests/lib/lib.sh"
bin=$1 lib=$2 include=$3 modules=$4 man=$5 data=$6 doc=$7
udevrules=$8 sysusers=$9 tmpfiles=${10}
need pkg-config openssl pkcs11-tool
export LD_LIBRARY_PATH=$lib OPENSSL_MODULES=$modules PATH=$bin:$PATH

for file in "$bin/scu" "$lib/libtss2-tcti-scu.so.0" "$lib/libscu.so" \
    "$lib/pkgconfig/scu.pc" "$include/scu/key.h" "$modules/scu.so" \
    "$lib/pkcs11/scu-pkcs11.so" "$data/p11-kit/modules/scu.module" \
    "$data/scu/openssl-scu.cnf" "$doc/examples/scu.conf"; do
    expect_ok "${file##*/} is installed" test -e "$file"
done
for file in "${udevrules:+$udevrules/70-scu.rules}" \
    "${sysusers:+$sysusers/scu.conf}" "${tmpfiles:+$tmpfiles/scu.conf}"; do
    [ -z "$file" ] || expect_ok "$file is installed" test -e "$file"
done
for file in "$top_srcdir"/docs/man/*.[157]; do
    page=man${file##*.}/${file##*/}
    expect_ok "$page is installed" test -e "$man/$page"
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
expect_ok "pkcs11-tool loads the module that p11-kit is told" run_foreign \
    pkcs11-tool --show-info --module \
    "$lib/pkcs11/$(sed -n 's/^module: //p' "$data/p11-kit/modules/scu.module")"
expect_output '^Manufacturer +SCU$' "it is ours"
sim_power_on
expect_ok "a program finds the link by its name" run_foreign \
    scu info --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock" --state "$SCRATCH"
finish
