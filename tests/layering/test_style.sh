#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a program can see of docs/STYLE.md: sizes and first lines.
. "$top_srcdir/tests/lib/lib.sh"
need ctags

# measure ROOT: a line per offence.
measure() {
    (
        cd "$1" || exit
        find common tcti-scu tss-backend doors pkcs11 provider tools tests demo \
            -name '*.[ch]' 2>/dev/null | LC_ALL=C sort >"$SCRATCH/sources"
        while read -r file; do
            lines=$(wc -l <"$file")
            [ "$lines" -le 500 ] || echo "$file: $lines lines, above 500"
            head -1 "$file" | grep -q 'SPDX-License-Identifier: BSD-2' ||
                echo "$file: no SPDX line at its head"
            case $file in *.h) continue ;; esac
            [ "$(grep -m1 '^#include' "$file")" = '#include "config.h"' ] ||
                echo "$file: config.h is not its first include"
        done <"$SCRATCH/sources"
        ctags -L "$SCRATCH/sources" --languages=C,C++ --langmap=C:.c.h \
            --kinds-C=f --fields=ne -o - 2>/dev/null |
            awk -F '\t' '{
                first = last = 0
                for (i = 4; i <= NF; i++) {
                    if ($i ~ /^line:/) first = substr($i, 6)
                    if ($i ~ /^end:/) last = substr($i, 5)
                }
                if (last - first + 1 > 80)
                    print $2 ": " $1 "() has " last - first + 1 \
                        " lines, above 80"
            }'
    )
}
clean() { measure "$1" >"$SCRATCH/offences"; cat "$SCRATCH/offences"
    [ ! -s "$SCRATCH/offences" ]; }

expect_ok "sources keep to the house style" clean "$top_srcdir"

mkdir -p "$SCRATCH/tree/common"
{
    printf '/* SPDX-License-Identifier: BSD-2-Clause */\n'
    printf '#include "config.h"\n\nint\nlong_one(void)\n{\n'
    seq -f '    f(%.0f);' 90
    printf '    return 0;\n}\n'
} >"$SCRATCH/tree/common/x.c"
expect_exit 1 "a long function is found" clean "$SCRATCH/tree"
expect_output 'x\.c: long_one\(\) has 9[0-9] lines' "it is named"
{
    printf '#include <stdio.h>\n'
    seq -f '/* %.0f */' 500
} >"$SCRATCH/tree/common/x.c"
expect_exit 1 "a long file without its head is found" clean "$SCRATCH/tree"
expect_output '501 lines' "its length is named"
expect_output 'no SPDX' "the SPDX line is missed"
expect_output 'config\.h is not' "config.h is missed"
finish
