#!/bin/sh
# Space in use on file systems, from df.
#
# Usage: disk.sh [-w PERCENT] [-c PERCENT] [PATH...]
# Each path stands for the file system it lies on; without one, the root. WARNING or CRITICAL when more than that
# share is in use on any of them.
set -eu

unknown() {
    echo "DISK UNKNOWN - $1"
    exit 3
}

warn=
crit=
while getopts w:c: option 2>/dev/null; do
    case $option in
    w) warn=${OPTARG%\%} ;;
    c) crit=${OPTARG%\%} ;;
    *) unknown "usage: disk.sh [-w PERCENT] [-c PERCENT] [PATH...]" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- /

table=$(df -P -k -- "$@" 2>&1) || unknown "$(echo "$table" | head -n 1)"

echo "$table" | awk -v warn="$warn" -v crit="$crit" '
    function percent_of(share, size) { return share == "" ? "" : sprintf("%.0f", share * size * 1024 / 100) }
    NR > 1 {
        # What only root may use counts as used, as in the column Capacity.
        size = $3 + $4
        share = size > 0 ? 100 * $3 / size : 0
        mount = $6
        for (field = 7; field <= NF; field++) mount = mount " " $field
        if (crit != "" && share > crit + 0) worst = 2
        else if (warn != "" && share > warn + 0 && worst < 1) worst = 1
        texts = texts sprintf("%s%s %.1f%%", texts == "" ? "" : ", ", mount, share)
        gsub(/\047/, "\047\047", mount)
        metrics = metrics sprintf(" \047%s\047=%.0fB;%s;%s;0;%.0f", mount, $3 * 1024, percent_of(warn, size), percent_of(crit, size), size * 1024)
    }
    END {
        split("OK WARNING CRITICAL", names, " ")
        printf "DISK %s - in use: %s |%s\n", names[worst + 1], texts, metrics
        exit worst
    }
'
