#!/bin/sh
# Time since the system started, from /proc/uptime.
#
# Usage: uptime.sh [-w SECONDS]
# WARNING while the system has been up for less than that: somebody may want to know why it started anew.
set -eu

unknown() {
    echo "UPTIME UNKNOWN - $1"
    exit 3
}

warn=
while getopts w: option 2>/dev/null; do
    case $option in
    w) warn=$OPTARG ;;
    *) unknown "usage: uptime.sh [-w SECONDS]" ;;
    esac
done

read -r up _ </proc/uptime || unknown "failed to read /proc/uptime"

awk -v up="$up" -v warn="$warn" 'BEGIN {
    state = "OK"
    if (warn != "" && up < warn + 0) { state = "WARNING"; code = 1 }
    printf "UPTIME %s - %d days, %02d:%02d", state, up / 86400, up % 86400 / 3600, up % 3600 / 60
    printf " | uptime=%ss;%s;;0\n", up, warn == "" ? "" : warn ":"
    exit code
}'
