#!/usr/bin/perl
# Ends in the way that is named.
package Loud;
sub new { my ($class, $name) = @_; return bless { name => $name }, $class }
sub DESTROY { print "destroyed $_[0]{name}\n" }

package main;
use strict;
use warnings;
our ($global, $case) = (Loud->new('global'), shift @ARGV);
my $lexical = Loud->new('lexical');
END { print "END $?\n" }
END { $? = 7 if $case eq 'end-status' }
sub deep { my $depth = shift; deep($depth - 1) if $depth; die "deep trouble\n" if $case eq 'die-line'; die 'deep trouble' }
$| = 1 if $case =~ /^exec|^fork|^signal|^system/;
print "begins $case\n";
print STDERR "to stderr\n";
my %do = (
    falls => sub { my $cycle = Loud->new('cycle'); $cycle->{self} = $cycle },
    exit => sub { exit shift @ARGV },
    'end-status' => sub { },
    die => sub { deep(2) },
    'die-line' => sub { deep(1) },
    'die-object' => sub { eval { die Loud->new('thrown') }; print ref $@, "\n"; $@ = ''; die { of => 'nobody' } if !@ARGV },
    'die-errno' => sub { $! = 5; die "with errno\n" },
    'eval' => sub { eval { deep(1) }; print "caught $@"; eval 'syntax error here'; print "caught $@" },
    confess => sub { require Carp; Carp::confess('confessed') },
    'hook' => sub { local $SIG{__DIE__} = sub { print "hook @_" }; eval { die "x\n" }; local $SIG{__WARN__} = sub { print "warned @_" }; warn "y\n" },
    'undef' => sub { my $no; print "a$no\n" },
    alarm => sub { local $SIG{ALRM} = sub { die "alarmed\n" }; eval { alarm 1; select undef, undef, undef, 20; }; print "caught $@" },
    'alarm-kills' => sub { alarm 1; sleep 20 },
    signal => sub { kill $ARGV[0], $$; sleep 20 },
    handled => sub { $SIG{TERM} = sub { print "handled\n"; exit 2 }; kill TERM => $$; sleep 20 },
    ignored => sub { $SIG{INT} = 'IGNORE'; kill INT => $$; print "goes on\n"; system q(grep SigIgn /proc/self/status) },
    exec => sub { exec '/bin/sh', '-c', 'echo executed; exit 5' },
    'exec-fails' => sub { no warnings; exec '/no/such/program' or print "failed: $!\n" },
    system => sub { print 'status ', system('/bin/sh', '-c', 'exit 3') >> 8, ' ', system('kill -9 $$'), ' ', `echo said`, $? },
    fork => sub { my $pid = fork; if (!$pid) { print "child\n"; exit 4 } waitpid $pid, 0; print 'parent ', $? >> 8, "\n" },
    pipe => sub { open my $in, '-|', 'cat; echo more' or die; print <$in>; close $in; open my $out, '|-', 'cat' or die; print $out "given\n"; close $out },
    posix => sub { require POSIX; print 'posix ', POSIX::floor(2.5), "\n"; POSIX::_exit(6) },
    closed => sub { close STDOUT; close STDERR },
    dup => sub { open my $old, '>&', \*STDOUT or die; close STDOUT; open STDOUT, '>', '/dev/null'; print "gone\n"; print $old "kept\n" },
    file => sub { our $left; open $left, '>', "$ENV{STAGE}/left" or die; print $left "written but not flushed\n" },
    'file-then' => sub { open my $in, '<', "$ENV{STAGE}/left" or die; print <$in> },
    stdin => sub { print map { "$.:$_" } <STDIN> },
    args => sub { while (<>) { print "$ARGV $. $_"; last if $. > 2 } },
    threads => sub { eval { require threads; 1 } or return print "none\n"; print 'thread ', threads->create(sub { return 6 * 7 })->join, "\n" },
    sort => sub { print join(',', sort { $a <=> $b } 10, 9, 8), ' ', sprintf('%.2f', 1 / 3), ' ', "\x{263a}", "\n" },
    require => sub { require No::Such::Module },
    top => sub { eval "return 1; 1"; print caller() ? 'called' : 'alone', "\n" },
    inc => sub { print join(' ', grep { ref } @INC), scalar(@INC), "\n" },
    format => sub { our ($name, $value) = ('load', 1.5); eval "format STDOUT =\n@<<<<< @>>>>>\n\$name, \$value\n.\n"; write },
    local => sub { print scalar(localtime 0), ' ', join(' ', (localtime 86_400 * 200)[2, 3, 4]), "\n" },
);
$do{$case} ? $do{$case}->() : die "no $case";
