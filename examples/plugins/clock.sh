#!/bin/sh
# Whether the clock is synchronised, and how far it is off, by what chronyd, ntpd or systemd-timesyncd says of itself.
#
# Usage: clock.sh [-w SECONDS] [-c SECONDS]
# CRITICAL if the clock is not synchronised; WARNING or CRITICAL if it is off by more than so much, in either direction.
# systemd-timesyncd does not say how far.
set -eu

unknown() {
    echo "CLOCK UNKNOWN - $1"
    exit 3
}

warn=
crit=
while getopts w:c: option 2>/dev/null; do
    case $option in
    w) warn=$OPTARG ;;
    c) crit=$OPTARG ;;
    *) unknown "usage: clock.sh [-w SECONDS] [-c SECONDS]" ;;
    esac
done

# Each answers in the one form: `yes` or `no`, the offset in seconds if it is known, and who says so.
if answer=$(chronyc -c -n tracking 2>/dev/null); then
    # Reference, name, stratum, time, offset of the clock ... leap status.
    result=$(echo "$answer" | awk -F, '{ print ($NF == "Not synchronised" || $3 == 0) ? "no" : "yes", $5, "chronyd" }')
elif answer=$(ntpq -n -c 'rv 0 leap,offset' 2>/dev/null) && [ -n "$answer" ]; then
    # Milliseconds; leap=11 is an alarm.
    result=$(echo "$answer" | tr ',' '\n' | awk -F= '
        { gsub(/[ \t]/, "", $1); value[$1] = $2 }
        END { printf "%s %.9f ntpd\n", (value["leap"] ~ /^(11|3)$/ || !("offset" in value)) ? "no" : "yes", value["offset"] / 1000 }')
elif answer=$(timedatectl show --property=NTPSynchronized --value 2>/dev/null); then
    result="$answer - systemd"
else
    unknown "none of chronyc, ntpq and timedatectl answers"
fi

echo "$result" | awk -v warn="$warn" -v crit="$crit" '
    {
        known = $2 != "-"
        off = $2 < 0 ? -$2 : $2 + 0
        said = known ? sprintf("off by %.6f s", $2) : "how far it is off is not known"
        if ($1 != "yes") { worst = 2; said = "not synchronised" }
        else if (known && crit != "" && off > crit + 0) worst = 2
        else if (known && warn != "" && off > warn + 0) worst = 1
        metrics = " synchronised=" ($1 == "yes") ";;1:"
        w = warn == "" ? "" : "-" warn ":" warn
        c = crit == "" ? "" : "-" crit ":" crit
        if (known) metrics = metrics sprintf(" offset=%.9fs;%s;%s", $2, w, c)
        split("OK WARNING CRITICAL", names, " ")
        printf "CLOCK %s - %s, by %s |%s\n", names[worst + 1], said, $3, metrics
        exit worst
    }
'
