#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzzer's corpus, and the key files of peers.
. "${top_srcdir:?}/tests/fuzz/replay.sh"
replay keyfile "$top_srcdir/tests/tss-backend/key/data"
