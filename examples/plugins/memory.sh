#!/bin/sh
# Memory in use, from /proc/meminfo: everything that is not available to programs.
#
# Usage: memory.sh [-w PERCENT] [-c PERCENT]
# WARNING or CRITICAL when more than that share of the memory is in use.
set -eu

unknown() {
    echo "MEMORY UNKNOWN - $1"
    exit 3
}

warn=
crit=
while getopts w:c: option 2>/dev/null; do
    case $option in
    w) warn=${OPTARG%\%} ;;
    c) crit=${OPTARG%\%} ;;
    *) unknown "usage: memory.sh [-w PERCENT] [-c PERCENT]" ;;
    esac
done

[ -r /proc/meminfo ] || unknown "failed to read /proc/meminfo"

awk -v warn="$warn" -v crit="$crit" '
    { kib[$1] = $2 }
    END {
        total = kib["MemTotal:"]
        if (total == 0 || !("MemAvailable:" in kib)) {
            print "MEMORY UNKNOWN - /proc/meminfo names no MemTotal and MemAvailable"
            exit 3
        }
        used = total - kib["MemAvailable:"]
        swap = kib["SwapTotal:"] - kib["SwapFree:"]
        share = 100 * used / total
        state = "OK"
        if (crit != "" && share > crit + 0) { state = "CRITICAL"; code = 2 }
        else if (warn != "" && share > warn + 0) { state = "WARNING"; code = 1 }
        printf "MEMORY %s - %.1f%% of %d MiB in use", state, share, total / 1024
        printf " | used=%.0fB;;;0;%.0f used_percent=%.2f%%;%s;%s;0;100", used * 1024, total * 1024, share, warn, crit
        printf " swap=%.0fB;;;0;%.0f\n", swap * 1024, kib["SwapTotal:"] * 1024
        exit code
    }
' /proc/meminfo
