#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's commands, as they stand there: each indented block behind a line
# "<!-- test -->", one after the other in one shell, on a chip of their own.
# Only where things are installed is replaced by where they were built.
. "$top_srcdir/tests/lib/lib.sh"
need gcc openssl p11tool pkcs11-tool ssh-keygen swtpm tpm2_getrandom tpm2_quote

export HOME=$SCRATCH/home SCU_STATE=$SCRATCH/state
unset XDG_RUNTIME_DIR XDG_STATE_HOME
mkdir -p "$HOME" "$SCRATCH/bin" "$SCRATCH/work"
trap 'scu sim stop >/dev/null 2>&1; clean_up' EXIT

awk '/^<!-- test -->$/ { on = 1; next }
    /^    / { if (on) print substr($0, 5); next }
    /./ { on = 0 }' "$top_srcdir/README.md" >"$SCRATCH/readme"
expect_ok "README has commands" test "$(wc -l <"$SCRATCH/readme")" -gt 20
# shellcheck disable=SC2016 # README's variables
sed -e "s|/usr/share/scu/|$top_srcdir/conf/|" \
    -e 's|/usr/lib/$(gcc -print-multiarch)/pkcs11/|'"$top_builddir/pkcs11/.libs/|" \
    "$SCRATCH/readme" >"$SCRATCH/commands"
expect_ok "they name no installed file" sh -c \
    "! grep -E '/usr/(share|lib)/' '$SCRATCH/commands'"

# Programs of others find our libraries, in a sanitizer build as well.
for program in openssl p11tool pkcs11-tool ssh-keygen tpm2_getrandom \
    tpm2_pcrread tpm2_quote; do
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$(printf '%q ' "${FOREIGN[@]}")" \
        "$(command -v "$program")" >"$SCRATCH/bin/$program"
    chmod +x "$SCRATCH/bin/$program"
done
cd "$SCRATCH/work" || give_up "$SCRATCH/work"
expect_ok "they all work, in their order" \
    env PATH="$SCRATCH/bin:$PATH" bash -eux -o pipefail "$SCRATCH/commands"
expect_output '^verified +yes' "the evidence is verified"
expect_output '^ecdsa-sha2-nistp256 ' "ssh has a key"
expect_ok "the simulator ends" scu sim stop
finish
