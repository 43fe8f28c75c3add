#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzzer's corpus, each once.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
exec "$top_builddir/tests/fuzz/fuzz_options" "$top_srcdir/tests/fuzz/corpus/options"
