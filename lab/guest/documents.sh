# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (c) qemu-vpasid contributors
# shellcheck shell=sh
# The project's documents, as the cases of host (L1) and guest (L2) try them.
# What is tried stands below a mark: ".. lab: NAME", "<!-- lab: NAME -->".

# documented FILE NAME: QEMU's command line below a mark.
documented() {
    awk -v mark="lab: $2" '
        index($0, mark) { marked = 1 }
        marked && /^ *qemu-system-aarch64/ { inside = 1 }
        inside {
            more = /\\$/
            sub(/^ */, "")
            sub(/ *\\$/, "")
            print
            if (!more)
                exit
        }' "/docs/$1"
}

# transcript FILE NAME PROMPT FUNCTION: does FUNCTION COMMAND print what stands
# below COMMAND?  The commands are those behind PROMPT, in all blocks with the
# mark.
transcript() {
    rm -rf /tmp/steps
    mkdir /tmp/steps
    awk -v mark=".. lab: $2" -v prompt="  $3 " '
        $0 == mark { inside = 1; next }
        /^[^ ]/ && !/^\.\. code-block::/ { inside = 0 }
        !inside || !/^  / { next }
        index($0, prompt) == 1 {
            step = sprintf("/tmp/steps/%02d", ++n)
            print substr($0, length(prompt) + 1) >(step ".command")
            printf "" >(step ".output")
            next
        }
        n { print substr($0, 3) >(step ".output") }' "/docs/$1"
    check "$1 has something to try for: $2" [ -e /tmp/steps/01.command ]
    for step in /tmp/steps/*.command; do
        shown=$(cat "$step")
        check "as documented: $shown" \
            is "$("$4" "$shown" 2>&1)" "$(cat "${step%.command}.output")"
    done
}
