# SCU_PROBE_FLAGS(VARIABLE, FLAGS, [ld])
# Appends to VARIABLE each of FLAGS that the compiler (with "ld": the linker)
# takes without a warning. Flags are probed one by one, since gcc and clang
# know different ones.
AC_DEFUN([SCU_PROBE_FLAGS], [
    for scu_flag in m4_normalize([$2]); do
        AC_MSG_CHECKING([whether $CC takes $scu_flag])
        scu_saved_CFLAGS=$CFLAGS
        CFLAGS="$CFLAGS -Werror $scu_flag"
        m4_if([$3], [ld],
            [AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
                [scu_takes=yes], [scu_takes=no])],
            [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
                [scu_takes=yes], [scu_takes=no])])
        CFLAGS=$scu_saved_CFLAGS
        AC_MSG_RESULT([$scu_takes])
        AS_IF([test "$scu_takes" = yes], [$1="$$1 $scu_flag"])
    done
])
