#!/usr/bin/perl
use strict;
use warnings;
use lib '/usr/lib/nagios/plugins';
use utils qw(%ERRORS);
use Monitoring::Plugin;
my $plugin = Monitoring::Plugin->new(
    usage => 'Usage: %s [-w WARNING] [-c CRITICAL] [-v VALUE]', version => '1.2', blurb => 'Judges a number.',
    shortname => 'NUMBER', timeout => 9,
);
$plugin->add_arg(spec => 'warning|w=s', help => 'range', default => 5);
$plugin->add_arg(spec => 'critical|c=s', help => 'range', default => 10);
$plugin->add_arg(spec => 'value|n=f', help => 'the number', required => 1);
$plugin->getopts;
alarm $plugin->opts->timeout;
my $value = $plugin->opts->value;
my $threshold = $plugin->set_thresholds(warning => $plugin->opts->warning, critical => $plugin->opts->critical);
$plugin->add_perfdata(label => 'the number', value => $value, uom => 's', threshold => $threshold);
$plugin->add_message($ERRORS{OK}, 'and no more');
$plugin->plugin_exit($plugin->check_threshold($value), "$value is judged");
