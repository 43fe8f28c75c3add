#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The fuzzer's corpus.
. "${top_srcdir:?}/tests/fuzz/replay.sh"
replay evidence
