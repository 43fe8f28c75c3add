#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Each library exports what its version script lists and what others expect;
# each public header compiles alone, as C and as C++.
. "$top_srcdir/tests/lib/lib.sh"
check=$top_srcdir/tests/layering/check
need nm awk comm

# library FILE [NAME...]: is built, exports what the map beside its sources
# lists, and just these names.
library() {
    local file=$top_builddir/$1 map
    map=$(echo "$top_srcdir/${1%%/*}"/*.map)
    shift
    if [ ! -e "$file" ]; then
        fail "$1 is not built"
        return
    fi
    expect_ok "$(basename "$file") exports what $(basename "$map") lists" \
        "$check" exports "$map" "$file"
    [ $# -eq 0 ] && return
    printf 'X {\n    global:\n%s    local: *;\n};\n' \
        "$(printf '        %s;\n' "$@")" >"$SCRATCH/expected.map"
    expect_ok "which is $*" "$check" exports "$SCRATCH/expected.map" "$file"
}
library tcti-scu/.libs/libtss2-tcti-scu.so.0 Tss2_Tcti_Info Tss2_Tcti_Scu_Init
library tss-backend/.libs/libscu.so
library provider/.libs/scu.so OSSL_provider_init
library pkcs11/.libs/scu-pkcs11.so C_GetFunctionList C_GetInterface \
    C_GetInterfaceList
libscu=$top_builddir/tss-backend/.libs/libscu.so
expect_ok "libscu exports the functions of the public headers" \
    "$check" api "$libscu" "$top_srcdir"/tss-backend/scu/*.h

# --- headers -------------------------------------------------------------------

strict="-Wall -Wextra -Wpedantic -Werror -fsyntax-only"
for header in "$top_srcdir"/tss-backend/scu/*.h; do
    name=scu/$(basename "$header")
    printf '#include <%s>\n' "$name" >"$SCRATCH/alone.c"
    # shellcheck disable=SC2086 # options, a word each
    expect_ok "$name compiles alone as C17" ${CC:-cc} -std=c17 $strict \
        -I "$top_srcdir/tss-backend" "$SCRATCH/alone.c"
    if ! command -v g++ >/dev/null; then
        echo "without g++: $name was not compiled as C++"
        continue
    fi
    # shellcheck disable=SC2086
    expect_ok "$name compiles alone as C++" g++ -std=c++11 $strict \
        -I "$top_srcdir/tss-backend" -x c++ "$SCRATCH/alone.c"
done

cat >"$SCRATCH/linked.cc" <<'CC'
#include <scu/error.h>
int main() { return scu_error_text(0) == nullptr; }
CC
if ! command -v g++ >/dev/null; then
    echo "without g++: no C++ program was linked"
elif [ "${FOREIGN[*]}" = env ]; then
    expect_ok "a C++ program links with libscu" g++ \
        -I "$top_srcdir/tss-backend" -o "$SCRATCH/linked" \
        "$SCRATCH/linked.cc" "$libscu"
    expect_ok "and runs" "$SCRATCH/linked"
fi

# --- the checker finds what it is there for -------------------------------------

cat >"$SCRATCH/x.c" <<'C'
int listed(void); int listed(void) { return 1; }
int extra(void); int extra(void) { return 2; }
C
printf 'X {\n    /* why: x */\n    global:\n        listed;\n%s\n};\n' \
    '    local: *;' >"$SCRATCH/x.map"
printf '/* SCU_API int no(void); */\n#define SCU_API\n%s\n%s\n' \
    'SCU_API int' 'listed(void);' >"$SCRATCH/x.h"
# shellcheck disable=SC2086
build() { expect_ok "the planted library builds" ${CC:-cc} -shared -fPIC \
    -o "$SCRATCH/x.so" "$SCRATCH/x.c" "$@"; }
build
expect_exit 1 "an export too many is found" \
    "$check" exports "$SCRATCH/x.map" "$SCRATCH/x.so"
expect_output '^extra: exported' "it is named"
expect_exit 1 "an export that no header declares is found" \
    "$check" api "$SCRATCH/x.so" "$SCRATCH/x.h"
build "-Wl,--version-script=$SCRATCH/x.map"
expect_ok "an exact list passes" "$check" exports "$SCRATCH/x.map" \
    "$SCRATCH/x.so"
expect_ok "an exact header passes" "$check" api "$SCRATCH/x.so" \
    "$SCRATCH/x.h"
echo 'SCU_API int gone(void);' >>"$SCRATCH/x.h"
expect_exit 1 "a missing export is found" \
    "$check" api "$SCRATCH/x.so" "$SCRATCH/x.h"
expect_output '^gone: declared, not exported' "it is named"
finish
