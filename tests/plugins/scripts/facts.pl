#!/usr/bin/perl -w
# Prints what a process is given, as far as it is the same each time.
use strict;
my ($file, $line, $package) = (__FILE__, __LINE__, __PACKAGE__);
BEGIN { print 'at compile time ', __LINE__, ' ', defined caller ? 'called' : 'alone', "\n" }
INIT { print "INIT\n" }
CHECK { print "CHECK\n" }
END { print "END $?\n" }

sub lines { my ($path, $keep) = @_; open my $in, '<', $path or return "no $path\n"; return grep { /$keep/ } <$in> }
sub entries { my $path = shift; local $/ = "\0"; open my $in, '<', $path or die; return map { s/\0//r } grep { !/^CUSTOS_RUN/ } <$in> }

print "$file $line $package $0 (@ARGV) $^X $^W ", abs($^T - time) < 5 ? 'now' : 'then', ' ', ($$ == (split / /, (lines('/proc/self/stat', '.'))[0])[0]), "\n";
print defined caller(0) ? 'called' : 'alone', " $]\n", join(' ', @INC), "\n";
print join(' ', map { "$_=$ENV{$_}" } grep { $_ ne 'CUSTOS_RUN' } sort keys %ENV), "\n";
print join('|', entries('/proc/self/cmdline')), "\n", join('|', entries('/proc/self/environ')), "\n";
print lines('/proc/self/comm', '.'), lines('/proc/self/limits', '.'), lines('/proc/self/oom_score_adj', '.');
print lines('/proc/self/status', qr/^(Name|Umask|TracerPid|Uid|Gid|Groups|Threads|Sig[^Q]|Shd|Cap|NoNewPrivs|Seccomp|Cpus_allowed:)/);
my @stat = split / /, (lines('/proc/self/stat', '.'))[0] =~ s/.*\) //r;
print $stat[2] == $$, $stat[3] == $$, ' ', lines('/proc/' . getppid . '/comm', '.'), "nice $stat[16] $stat[15]\n";
print readlink '/proc/self/cwd', "\n", sprintf("%o\n", umask);
for my $fd (sort { $a <=> $b } map { /(\d+)$/ } glob '/proc/self/fd/*') {
    my $link = readlink "/proc/self/fd/$fd" or next;
    print "$fd ", $link =~ s/:.*//r, ' ', (lines("/proc/self/fdinfo/$fd", qr/flags/))[0] // "\n";
}
print join(' ', map { defined $SIG{$_} ? "$_=$SIG{$_}" : () } sort keys %SIG), "\n";
print -t STDIN ? 'tty' : 'no tty', " $| $; ", defined $, ? 'comma' : '', ' ', length($!), " $? (", $@, ")\n";
print "stdin: ", join('', <STDIN>), "\n";
print "data: ", <DATA>;
my $unset; my $warned = "x" . $unset;
$0 = 'renamed';
print "$0\n";
exit 3;
__END__
after the end
second line
