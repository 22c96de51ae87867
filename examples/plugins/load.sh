#!/bin/sh
# Load averages of the last 1, 5 and 15 minutes, from /proc/loadavg.
#
# Usage: load.sh [-w LIMIT] [-c LIMIT]
# The limits hold for the average of one minute: WARNING or CRITICAL above them.
set -eu

unknown() {
    echo "LOAD UNKNOWN - $1"
    exit 3
}

warn=
crit=
while getopts w:c: option 2>/dev/null; do
    case $option in
    w) warn=$OPTARG ;;
    c) crit=$OPTARG ;;
    *) unknown "usage: load.sh [-w LIMIT] [-c LIMIT]" ;;
    esac
done

read -r one five fifteen _ </proc/loadavg || unknown "failed to read /proc/loadavg"

above() {
    [ -n "$2" ] && awk -v value="$1" -v limit="$2" 'BEGIN { exit !(value + 0 > limit + 0) }'
}

state=OK
code=0
if above "$one" "$crit"; then
    state=CRITICAL
    code=2
elif above "$one" "$warn"; then
    state=WARNING
    code=1
fi
echo "LOAD $state - $one, $five, $fifteen | load1=$one;$warn;$crit;0 load5=$five;;;0 load15=$fifteen;;;0"
exit $code
