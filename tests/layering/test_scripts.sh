#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Shell scripts are free of what shellcheck knows.
. "$top_srcdir/tests/lib/lib.sh"
need shellcheck

scripts() {
    find bootstrap .ci/run tests demo -type f 2>/dev/null | while read -r f; do
        case $f in
        *.sh) echo "$f" ;;
        *.[ch] | *.am) ;;
        *) head -1 "$f" | grep -aqE '^#!.*\<(ba)?sh\>' && echo "$f" ;;
        esac
    done
}
cd "$top_srcdir" || exit 99
mapfile -t files < <(scripts)
[ "${#files[@]}" -ge 3 ] || give_up "the scripts were not found"
expect_ok "${#files[@]} scripts" shellcheck -e SC1091,SC2154,SC2317 \
    "${files[@]}"
finish
