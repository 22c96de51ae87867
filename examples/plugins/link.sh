#!/bin/sh
# A network interface: whether it is up, and its counters, from /sys/class/net.
#
# Usage: link.sh INTERFACE
# CRITICAL if it is not up, or not there. The counters grow for ever; a threshold with `rate: true` judges them.
set -eu

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ] || [ "${1#*/}" != "$1" ]; then
    echo "LINK UNKNOWN - usage: link.sh INTERFACE"
    exit 3
fi
place=/sys/class/net/$1
if [ ! -d "$place" ]; then
    echo "LINK CRITICAL - there is no interface $1"
    exit 2
fi

state=$(cat "$place/operstate")
speed=$(cat "$place/speed" 2>/dev/null) || speed=
metrics=
for counter in rx_bytes tx_bytes; do
    metrics="$metrics $counter=$(cat "$place/statistics/$counter")B"
done
for counter in rx_packets tx_packets rx_errors tx_errors rx_dropped tx_dropped; do
    metrics="$metrics $counter=$(cat "$place/statistics/$counter")c"
done

# Unknown is what the loopback and some tunnels say of themselves.
case $state in
up | unknown) name=OK code=0 ;;
*) name=CRITICAL code=2 ;;
esac
case $speed in
'' | -*) said="$1 is $state" ;;
*) said="$1 is $state, $speed Mbit/s" ;;
esac
echo "LINK $name - $said |$metrics"
exit $code
