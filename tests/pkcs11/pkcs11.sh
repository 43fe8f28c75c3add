# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Beyond tests/lib/lib.sh: a provisioned chip with a token, and programs that
# use the module.
. "$top_srcdir/tests/lib/lib.sh"
MODULE=$top_builddir/pkcs11/.libs/scu-pkcs11.so
# shellcheck disable=SC2034 # for those who source this
golden=$top_srcdir/tests/pkcs11/golden
SO_PIN=so-12345 PIN=user-12345

tool() { run_foreign pkcs11-tool --module "$MODULE" "$@"; }
tool_user() { tool --login --pin "$PIN" "$@"; }

chip() {
    need openssl pkcs11-tool tpm2_getcap
    cd "$SCRATCH" || give_up "$SCRATCH"
    sim_start
    scu provision >out 2>&1 || give_up "scu provision: $(cat out)"
}

# chip_with_token LABEL: with both PINs set.
chip_with_token() {
    chip
    new_token "$1"
}
new_token() {
    tool --init-token --label "$1" --so-pin "$SO_PIN" >out 2>&1 ||
        give_up "a token: $(cat out)"
    tool --login --login-type so --so-pin "$SO_PIN" --init-pin --pin "$PIN" \
        >out 2>&1 || give_up "its PIN: $(cat out)"
}

# new_key LABEL ID: P-256.
new_key() {
    tool_user --keypairgen --key-type EC:prime256v1 --label "$1" --id "$2" \
        >out 2>&1 || give_up "a key: $(cat out)"
}

# --- a program, step by step -------------------------------------------------

# start: the program, on descriptors 3 (its input) and 4; errors in user.err,
# which is emptied before each step.
start() {
    rm -f steps answers
    : >user.err
    mkfifo steps answers || give_up mkfifo
    run_foreign "$top_builddir/tests/pkcs11/user" "$MODULE" <steps >answers \
        2>>user.err &
    USER_PID=$!
    exec 3>steps 4<answers
}

# ask STEP: the answer is in CODE and VALUE.
ask() {
    mark
    : >user.err
    # shellcheck disable=SC2034 # VALUE is for those who source this
    CODE=none VALUE=none
    echo "$1" >&3
    # shellcheck disable=SC2034
    read -r -t 60 CODE VALUE <&4
}

# tell CODE STEP TEXT: it answers that CKR_ code.
tell() {
    ask "$2"
    if [ "$CODE" = "$1" ]; then
        pass "$3"
    else
        fail "$3 ($2 answers $CODE, not $1: $(cat user.err))"
    fi
}

# one_line REGEXP TEXT: one line on standard error since the last step.
one_line() {
    if [ "$(wc -l <user.err)" -eq 1 ] && grep -Eq -- "^scu: .*($1)" user.err
    then
        pass "$2"
    else
        fail "$2 (not one line that matches $1: $(cat user.err))"
    fi
}

# stop: end of input; the process ends by itself.
stop() {
    exec 3>&-
    wait "$USER_PID"
    expect_ok "the program ends well" test $? -eq 0
    exec 4<&-
}
