#!/usr/bin/env perl
use strict;
use warnings;
use FindBin qw($Bin $Script);
use lib "$FindBin::Bin/lib";
use Getopt::Long;
use Own::Module;
use POSIX qw(strftime :sys_wait_h);
use Socket;

sub main {
    GetOptions('warning=f' => \my $warning, 'verbose+' => \my $verbose) or return 3;
    print 'in ', $Bin =~ s{.*/}{}r, " $Script ", Own::Module::says(), ' ', $INC{'Own/Module.pm'} =~ s{.*/lib}{lib}r, "\n";
    print 'OK - ', $warning // 'none', ' ', $verbose // 0, ' ', strftime('%Y', gmtime 0), ' ', inet_ntoa(INADDR_LOOPBACK), " (@ARGV)\n";
    print "Getopt::Long of its own\n" if $Getopt::Long::OWN;
    print while <DATA>;
    return 1;
}

exit main() unless caller;
__DATA__
some data
