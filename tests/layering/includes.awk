# SPDX-License-Identifier: BSD-2-Clause
# Reads names of sources below root, holds their #include lines and words
# against rules (rooms.txt). See tests/layering/check.

function trim(s) {
    gsub(/^[ \t]+|[ \t]+$/, "", s)
    return s
}

function complain(file, line, text) {
    print file ":" line ": " text
    bad = 1
}

function exists(path,    rest, found) {
    found = (getline rest < path) >= 0
    close(path)
    return found
}

# The header of the project that a file means, or "".
function resolve(file, name,    dir, room, n, i, where) {
    dir = file
    sub(/[^\/]*$/, "", dir)
    room = file
    sub(/\/.*/, "/", room)
    n = split(dir " " room " common/ doors/ tss-backend/", where, " ")
    for (i = 1; i <= n; i++)
        if (exists(root "/" where[i] name))
            return normal(where[i] name)
    return ""
}

# Without "x/../".
function normal(path) {
    while (sub(/[^\/]+\/\.\.\//, "", path))
        ;
    return path
}

function starts(path, prefixes,    n, i, p) {
    n = split(prefixes, p, " ")
    for (i = 1; i <= n; i++)
        if (index(path, p[i]) == 1)
            return 1
    return 0
}

# Headers of libc: no folder, or one of the system's.
function of_libc(name) {
    if (name ~ /^(sqlite3|cmocka|json|jansson|pkcs11[a-z]*|cryptoki)\.h$/)
        return 0
    return name !~ /\// || name ~ /^(sys|net|netinet|arpa|linux|asm)\//
}

function check_include(file, line, row, name, quoted,    path) {
    if (name == "config.h")
        return
    path = quoted || name ~ /^scu\// ? resolve(file, name) : ""
    if (path != "") {
        if (!starts(path, rooms[row]))
            complain(file, line, "may not include " path)
    } else if (quoted) {
        complain(file, line, "cannot tell which header \"" name "\" is")
    } else if (!of_libc(name) && \
        (headers[row] == "-" || name !~ ("^(" headers[row] ")$"))) {
        complain(file, line, "may not include <" name ">")
    }
}

function check_line(file, line, row, text,    name) {
    if (text ~ /^[ \t]*#[ \t]*include/) {
        name = text
        sub(/^[^<"]*[<"]/, "", name)
        sub(/[>"].*/, "", name)
        check_include(file, line, row, name, text ~ /include[ \t]*"/)
        # The path stays: a word in it counts.
    } else {
        gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
    }
    if (never[row] != "-" && \
        text ~ ("(^|[^A-Za-z0-9_])" never[row])) {
        complain(file, line, "may not speak of: " trim(text))
    }
}

BEGIN {
    while ((getline text < rules) > 0) {
        if (text ~ /^#/ || text ~ /^[ \t]*$/)
            continue
        split(text, column, / \| /)
        count++
        path[count] = trim(column[1])
        rooms[count] = trim(column[2])
        headers[count] = trim(column[3])
        never[count] = trim(column[4])
    }
}

{
    file = $0
    row = 0
    for (i = 1; i <= count && row == 0; i++)
        if (index(file, path[i]) == 1)
            row = i
    if (row == 0) {
        complain(file, 1, "is in no room of the rules")
        next
    }
    number = 0
    comment = 0
    while ((getline text < (root "/" file)) > 0) {
        number++
        # Comments may speak of everything.
        gsub(/\/\*([^*]|\*[^\/])*\*\//, "", text)
        if (comment) {
            if (text !~ /\*\//)
                continue
            sub(/^.*\*\//, "", text)
            comment = 0
        }
        if (text ~ /\/\*/) {
            comment = 1
            sub(/\/\*.*/, "", text)
        }
        check_line(file, number, row, text)
    }
    close(root "/" file)
}

END { exit bad }
