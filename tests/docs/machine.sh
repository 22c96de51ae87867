#!/bin/sh
# Makes a machine like a freshly installed Debian with Custos on it, and runs a session of a page there.
#
# Usage: unshare --mount --net --uts --pid --fork --kill-child tests/docs/machine.sh NAME REPOSITORY PROGRAM SESSION
# NAME is one of
#   packaged   as the package leaves it, with the agent stopped; also nrpe's configuration and the standard plugins
#   running    the same with the agent running
#   now        as running, by the real clock, by which programs go that no other one can be given
#   night      the host web1 on 27 November 2026 at 03:12, with 30 days of history; the agent is stopped and the clock stands
#   switch     as packaged, beside a switch with the address 192.0.2.1 and the community "secret"
#   week       the store that one sample of 100 is in
# SESSION has the commands as N.cmd, from 1; each gets N.out and N.status. The files of the host are only read.
set -eu
name=$1 repository=$2 program=$3 session=$4
root=$session/root

mkdir "$root"
mount -t tmpfs -o size=8g,mode=755 docs "$root"
cd "$root"
mkdir -p dev proc run/systemd/system tmp root .usr .work session usr etc/custos/conf.d etc/nagios/nrpe.d var/lib/custos \
    var/lib/nagios var/lib/misc var/log var/tmp var/backups srv backup
chmod 1777 tmp var/tmp
mount -t overlay -o "lowerdir=/usr,upperdir=$root/.usr,workdir=$root/.work" docs usr
for link in bin sbin lib lib64; do
    ln -s "usr/$link" "$link"
done
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 docs dev/shm
mount -t proc docs proc
mount --bind "$session" session
for file in passwd group nsswitch.conf ld.so.cache services protocols; do
    cp "/etc/$file" "etc/$file"
done
cp -r /etc/alternatives etc/
# By this the agent knows the distribution's own plugins.
mkdir -p var/lib/dpkg/info
cp /var/lib/dpkg/status var/lib/dpkg/
cp /var/lib/dpkg/info/monitoring-plugins-*.md5sums var/lib/dpkg/info/
mkdir etc/ssl
cp /etc/ssl/openssl.cnf etc/ssl/
echo "127.0.0.1 localhost web1" >etc/hosts
ln -s /proc/mounts etc/mtab
hostname web1
ip link set lo up

# What the package installs.
touch usr/bin/custos
mount --bind "$program" usr/bin/custos
mkdir -p usr/lib/custos/plugins
cp "$repository"/examples/plugins/*.sh usr/lib/custos/plugins/
install -m 755 "$repository/packaging/custos-nrpe" usr/sbin/custos-nrpe
install -m 644 "$repository/packaging/etc/custos.yaml" etc/custos/custos.yaml
install -m 644 "$repository/packaging/etc/conf.d-README" etc/custos/conf.d/README
install -m 644 "$repository/packaging/systemd/custos.service" usr/lib/systemd/system/custos.service
for file in packaging/custos.socket packaging/systemd/hardened.conf packaging/systemd/custos-serve.service examples/custos.yaml; do
    install -D -m 644 "$repository/$file" "usr/share/doc/custos/examples/${file##*/}"
done
install -D -m 644 -t usr/share/doc/custos/examples/grafana "$repository"/examples/grafana/*
chown nagios:nagios var/lib/custos
chmod 750 var/lib/custos
cp -r "$repository/tests/docs/files/." .
install -m 755 "$repository/tests/docs/systemctl" usr/local/bin/systemctl

cat >.session <<'END'
cd /root
number=1
while [ -e "/session/$number.cmd" ]; do
    command=$(cat "/session/$number.cmd")
    (exit "${status:-0}")
    eval "$command" >"/session/$number.out" 2>&1 </dev/null
    status=$?
    echo "$status" >"/session/$number.status"
    number=$((number + 1))
done
END

export HOME=/root LC_ALL=C.UTF-8 TZ=UTC TERM=xterm NO_COLOR=1 SHELL=/bin/bash USER=root LOGNAME=root
export PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
unset CUSTOS_CONFIG CUSTOS_LOG

# The night on which everything happens. Timers go by the other clock, which nobody changes.
night=$(date -u -d '2026-11-27 03:12:00' +%s)
export LD_PRELOAD=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1
export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_DISABLE_SHM=1 NO_FAKE_STAT=1
[ -e "$LD_PRELOAD" ] || { echo "there is no $LD_PRELOAD: install libfaketime" >&2; exit 1; }

now=$(LD_PRELOAD='' date +%s)
export FAKETIME="$((night - now))s"

case $name in
packaged | running | now)
    if [ "$name" = now ]; then
        unset LD_PRELOAD FAKETIME
    fi
    if [ "$name" != packaged ]; then
        chroot . systemctl start custos
        for check in load memory disk uptime; do
            chroot . custos check "$check" >/dev/null || true
        done
    fi
    ;;
night | months)
    # The clock stands.
    export FAKETIME='2026-11-27 03:12:00'
    cp "$repository/tests/docs/night.yaml" etc/custos/custos.yaml
    chmod 700 usr/local/lib/plugins/check_backup
    chroot . custos store import /var/lib/custos <"$session/$name" >/dev/null
    ;;
switch)
    ip address add 192.0.2.1/32 dev lo
    cat >etc/snmpd.conf <<'END'
agentaddress udp:192.0.2.1:161
rocommunity secret
sysName core
END
    echo "a long passphrase" >etc/custos/auth
    echo "another passphrase" >etc/custos/priv
    chmod 600 etc/custos/auth etc/custos/priv
    LD_PRELOAD='' chroot . snmpd -C -c /etc/snmpd.conf -Lf /var/log/snmpd.log -p /run/snmpd.pid
    ;;
week)
    export FAKETIME='2026-02-09 09:00:00'
    chroot . custos store import /var/lib/custos <"$session/week" >/dev/null
    ;;
*)
    echo "there is no machine $name" >&2
    exit 1
    ;;
esac
chroot . /bin/bash /.session
