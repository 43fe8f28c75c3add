# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
# The environment in which real programs use what was built, not what is
# installed. Sourced with top_builddir set (absolute) by `make check`, by the
# demo and by the bench.
: "${top_builddir:?}"
LD_LIBRARY_PATH=$top_builddir/tcti-scu/.libs:$top_builddir/tss-backend/.libs
OPENSSL_MODULES=$top_builddir/provider/.libs
# Libtool's wrapper of a program first looks whether it must be linked again;
# what it wraps is beside it.
PATH=$top_builddir/tools/.libs:$top_builddir/tools:$top_builddir/tests/lib:$PATH
# Nothing of whoever runs the tests.
XDG_CONFIG_HOME=$top_builddir/no-config
unset SCU_TCTI SCU_STATE SCU_STORE SCU_CONF SCU_LOG OPENSSL_CONF TPM2TOOLS_TCTI
unset TPM2OPENSSL_TCTI TCTI TSS2_LOG
export LD_LIBRARY_PATH OPENSSL_MODULES PATH XDG_CONFIG_HOME
