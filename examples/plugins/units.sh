#!/bin/sh
# Units of systemd: whether any has failed, and whether those that are named run.
#
# Usage: units.sh [-i UNIT]... [UNIT...]
# CRITICAL if a unit has failed, but for those that -i names (patterns of the shell, such as 'user@*.service'), or if a
# named one is not active. A name without an ending is a service. For a named unit, restarts counts how often systemd
# started it again by itself.
set -eu

unknown() {
    echo "UNITS UNKNOWN - $1"
    exit 3
}

ignored=
while getopts i: option 2>/dev/null; do
    case $option in
    i) ignored="$ignored
$OPTARG" ;;
    *) unknown "usage: units.sh [-i UNIT]... [UNIT...]" ;;
    esac
done
shift $((OPTIND - 1))

failed=$(systemctl list-units --all --state=failed --plain --no-legend --no-pager 2>&1) ||
    unknown "$(echo "$failed" | head -n 1)"

is_ignored() {
    while read -r pattern; do
        # The pattern is one.
        # shellcheck disable=SC2254
        case $1 in $pattern) return 0 ;; esac
    done <<END
$ignored
END
    return 1
}

count=0
texts=
while read -r unit _; do
    if [ -z "$unit" ] || is_ignored "$unit"; then continue; fi
    count=$((count + 1))
    texts="$texts, $unit failed"
done <<END
$failed
END

metrics=" failed=$count;;0;0"
for unit in "$@"; do
    case $unit in
    *.*) ;;
    *) unit=$unit.service ;;
    esac
    shown=$(systemctl show --no-pager --property=ActiveState --property=NRestarts -- "$unit" 2>&1) ||
        unknown "$(echo "$shown" | head -n 1)"
    state=$(echo "$shown" | sed -n 's/^ActiveState=//p')
    restarts=$(echo "$shown" | sed -n 's/^NRestarts=//p')
    case $state in
    active | reloading) ;;
    # Already counted above, unless it is one that is ignored.
    failed) is_ignored "$unit" && texts="$texts, $unit failed" ;;
    *) texts="$texts, $unit is ${state:-not known}" ;;
    esac
    [ -z "$restarts" ] || metrics="$metrics '${unit}_restarts'=${restarts}c"
done

if [ -n "$texts" ]; then
    echo "UNITS CRITICAL - ${texts#, } |$metrics"
    exit 2
fi
case $# in
0) said="none has failed" ;;
1) said="none has failed, $1 runs" ;;
*) said="none has failed, $# of $# run" ;;
esac
echo "UNITS OK - $said |$metrics"
