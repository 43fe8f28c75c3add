#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzzer's corpus and the key files of peers, each once.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
exec "$top_builddir/tests/fuzz/fuzz_keyfile" \
    "$top_srcdir/tests/fuzz/corpus/keyfile" \
    "$top_srcdir/tests/tss-backend/key/data"
