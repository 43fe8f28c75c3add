# SCU_WITH_DIR(NAME, DEFAULT, WHAT)
# --with-NAME=DIR, by default DEFAULT below the prefix; --without-NAME: what
# would go there is not installed.
AC_DEFUN([SCU_WITH_DIR], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--with-$1=DIR], [$3 @<:@PREFIX/$2@:>@])],
        [], [with_$1=yes])
    AS_CASE([$with_$1],
        [yes], [$1='${prefix}/$2'],
        [no], [$1=],
        [$1=$with_$1])
    AC_SUBST([$1])
])
