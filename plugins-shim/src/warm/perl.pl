# The parent of warm Perl plugins: loads what plugins commonly use, then forks for each run.
#
# It runs while perl still compiles its main program. A fork ends this block, and perl goes on to read its program from the
# descriptor that it has it on, which by then is the plugin's file. So the plugin is the main program in every respect, and
# its `#!` line, `caller`, INIT blocks and `__END__` mean what they always mean.
#
# Descriptor 1 is the socket to the worker (see `parent.rs` for what is said over it); the arguments are numbers of this system.
BEGIN {
    package Custos::Warm;
    our %is = map { /(.*)=(.*)/ ? ($1 => 0 + $2) : () } @ARGV;
    our ($program, $kept, @loaded);

    # A system call. What it writes to are the very arguments.
    sub number { my $name = shift; return syscall $is{$name}, @_ }

    # Those that are not installed are left out.
    for my $module (qw(strict warnings lib POSIX Carp Fcntl Errno Socket IO::Handle IO::File IO::Socket IO::Socket::INET IO::Select
        File::Basename File::Spec Getopt::Long Getopt::Std Data::Dumper List::Util Scalar::Util Time::HiRes Time::Local
        IPC::Open3 Text::ParseWords constant vars overload utf8 Config::Tiny Monitoring::Plugin
        Monitoring::Plugin::Getopt Monitoring::Plugin::Performance Monitoring::Plugin::Threshold Monitoring::Plugin::Range))
    {
        my $file = "$module.pm";
        $file =~ s{::}{/}g;
        local $SIG{__WARN__} = sub { };
        eval { require $file };
    }
    @loaded = keys %INC;

    sub cold { exec { $_[0] } @_; number('exit_group', 127) }

    sub refuse {
        syswrite STDOUT, join "\0", @_;
        number('exit_group', 0);
    }

    # What a plugin has in a directory of its own is to be found there, though it is loaded from elsewhere.
    {
        my $import = \&lib::import;
        no warnings 'redefine';
        *lib::import = sub {
            my %before = map { ref $_ ? () : ($_ => 1) } @INC;
            &$import(@_);
            for my $directory (grep { !ref $_ && !$before{$_} } @INC) {
                cold($0, @ARGV) if grep { -e "$directory/$_" } @loaded;
            }
        };
    }

    refuse('refused', 'perl does not read its program from where it is expected') if (readlink "/proc/self/fd/$is{program}") !~ /memfd/;
    my @tasks = do { opendir my $list, '/proc/self/task'; grep { /^\d+$/ } readdir $list };
    refuse('refused', 'its interpreter has threads at its start') if @tasks != 1;
    my @stat = do { open my $file, '<', '/proc/self/stat'; (<$file> =~ /.*\) (.*)/s)[0] =~ /\S+/g };
    # The fields of proc(5) from the third on.
    my @places = map { $stat[ $_ - 3 ] } 26, 27, 45, 46, 47, 0, 28;
    my $tid_address = "\0" x $is{word};
    number('prctl', $is{get_tid_address}, $tid_address, 0, 0, 0) == 0 or refuse('refused', "the kernel does not say where it notes a thread's number");
    my @clone = ($is{clone_flags}, 0, 0, 0, 0);
    $clone[ $is{clone_ctid} ] = unpack 'J', $tid_address;
    number('prctl', $is{set_dumpable}, 0, 0, 0, 0);
    syswrite STDOUT, join "\0", 'ready', $^X, @INC, map { $INC{$_} // () } @loaded;

    my $room = $is{message_max};
    my $text = "\0" x $room;

    sub receive {
        my $control = "\0" x ($is{word} * 8);
        my $vector = pack 'PJ', $text, $room;
        my $message = pack 'J L x4 P J P J l x4', 0, 0, $vector, 1, $control, length $control, 0;
        my $len = number('recvmsg', 1, $message, $is{cloexec_message});
        # The worker has ended, or has no more use for this process.
        number('exit_group', 0) if $len <= 0;
        my (undef, undef, undef, @descriptors) = unpack 'J l l l3', $control;
        return (substr($text, 0, $len), @descriptors);
    }

    # Takes on all that a process is given besides its program; returns what failed, if something did.
    sub become {
        my ($run, @descriptors) = @_;
        number('prctl', $is{set_dumpable}, 1, 0, 0, 0);
        number('setsid') >= 0 or return 'setsid';
        for my $limit (@{ $run->{limits} }) {
            my ($resource, $bounds) = ($limit->[0], pack 'QQ', @$limit[1, 2]);
            number('prlimit64', 0, $resource, $bounds, 0) == 0 or return 'prlimit';
        }
        chdir $run->{directory} or return 'chdir';
        number('prctl', $is{set_pdeathsig}, 9, 0, 0, 0) == 0 && getppid == $is{worker} or return 'prctl';
        $run->{program} =~ /["\n]/ and return 'name';
        number('faccessat', $is{here}, $run->{program}, 1) == 0 or return 'access';
        $program = number('openat', $is{here}, $run->{program}, $is{read_cloexec}, 0);
        $program >= 0 or return 'open';
        # What ps and the worker read.
        my ($words, $environment) = map { join '', map { "$_\0" } @$_ } @$run{qw(words environment)};
        $kept = $words . $environment;
        my $start = unpack 'J', pack 'P', $kept;
        my $middle = $start + length $words;
        $places[5] = number('brk', 0);
        my $map = pack 'Q11 Q L L', @places, $start, $middle, $middle, $start + length $kept, 0, 0, 0xffff_ffff;
        number('prctl', $is{set_mm}, $is{set_mm_map}, $map, length $map, 0) == 0 or return 'PR_SET_MM_MAP';
        # The descriptor that perl reads its program from is the first that was free.
        my $text = "BEGIN { Custos::Warm::begin() }\n#line 1 \"$run->{program}\"\n";
        my $file = number('memfd_create', my $name = 'custos', $is{memfd_cloexec});
        $file >= 0 or return 'memfd_create';
        number('write', $file, $text, length $text) == length $text && number('lseek', $file, 0, 0) == 0 or return 'write';
        number('dup3', $file, $is{program}, $is{cloexec}) >= 0 or return 'dup3';
        syswrite(STDOUT, "started\0$run->{serial}") or number('exit_group', 127);
        number('dup3', $descriptors[$_], $_, 0) for 0 .. 2;
        # The plugin's file keeps its place beyond those three and the one that is read.
        number('dup3', $program, $is{program} + 1, $is{cloexec}) if $program != $is{program} + 1;
        $program = $is{program} + 1;
        number('close_range', $program + 1, 0xffff_ffff, 0);
        return;
    }

    # The file of the plugin takes the place of this one.
    sub begin {
        number('dup3', $program, $is{program}, $is{cloexec});
        number('close', $program);
    }

    while (1) {
        my ($text, @descriptors) = receive();
        my $pid = number('clone', @clone);
        if ($pid != 0) {
            syswrite STDOUT, join "\0", 'cold', (split /\0/, $text)[0], "fork: $!" if $pid < 0;
            number('close', $_) for @descriptors;
            next;
        }
        my ($serial, $name, $directory, $head, $words, $limits, @rest) = split /\0/, $text, -1;
        my @words = splice @rest, 0, $words;
        my @limits = map { [ map { 0 + $_ } splice @rest, 0, 3 ] } 1 .. $limits;
        my ($plugin, @arguments) = @words[ $head .. $#words ];
        my %run = (serial => $serial, directory => $directory, program => $plugin, words => \@words, limits => \@limits, environment => \@rest);
        if (my $failed = become(\%run, @descriptors)) {
            syswrite STDOUT, join "\0", 'cold', $serial, "$failed: $!";
            number('exit_group', 127);
        }
        %ENV = map { /\A([^=]*)=(.*)\z/s } @rest;
        @ARGV = @arguments;
        $0 = $plugin;
        number('prctl', $is{set_name}, $name, 0, 0, 0);
        my $source = '';
        my $part = "\0" x $is{read_bytes};
        while ((my $len = number('read', $program, $part, length $part)) > 0) {
            $source .= substr $part, 0, $len;
        }
        number('lseek', $program, 0, 0);
        cold($plugin, @arguments) if $source =~ /INC\b/;
        $^T = time;
        ($@, $?, $!) = ('', 0, 0);
        last;
    }
}
