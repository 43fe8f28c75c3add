#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tcti-scu(7) has the keys that the links have, and no other.
. "$top_srcdir/tests/lib/lib.sh"
need tpm2_getrandom
sed -n '/^\.Sh LINKS/,/^\.Ss What each/p' "$top_srcdir/docs/man/tcti-scu.7" \
    >"$SCRATCH/page"

# known LINK: as the link itself lists them.
known() {
    run_foreign tpm2_getrandom -T "scu:$1:colour=red" 8 2>&1 |
        sed -n 's/^scu: link .* has no key .*; known: //p' | tr -d ' ' | tr , '\n'
}
run_foreign tpm2_getrandom -T scu:colour: 8 2>&1 |
    sed -n 's/^scu: unknown link .*; known: //p' | tr -d ' ' | tr , '\n' \
    >"$SCRATCH/links"
expect_ok "there are links" test "$(wc -l <"$SCRATCH/links")" -ge 6
while read -r link; do
    expect_ok "link $link is in the page" grep -qE "^\.It Cm $link( |$)" \
        "$SCRATCH/page"
    known "$link" >"$SCRATCH/keys.$link"
    expect_ok "it lists its keys" test "$(wc -l <"$SCRATCH/keys.$link")" -ge 4
done <"$SCRATCH/links"
while read -r key; do
    expect_ok "key $key is in the page" grep -qE "Cm $key( |$)" "$SCRATCH/page"
done < <(sort -u "$SCRATCH"/keys.*)
while read -r key; do
    expect_ok "key $key of the page is a link's" \
        grep -qx -- "$key" "$SCRATCH"/keys.*
done < <(grep -oE 'Cm [a-z-]+ Ns = ' "$SCRATCH/page" | cut -d ' ' -f 2 | sort -u)
finish
