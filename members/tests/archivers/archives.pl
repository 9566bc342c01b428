# Archives of the files in the current folder, made with Perl's modules: archives.pl core|zip FOLDER
use strict;
use warnings;

my ($what, $folder) = @ARGV;
my @files = qw(words records noise runs tiny empty);

sub read_file {
    my ($name) = @_;
    open(my $file, '<:raw', $name) or die "$name: $!";
    local $/;
    return scalar <$file>;
}

if ($what eq 'core') {
    require IO::Compress::Gzip;
    require IO::Compress::Zip;
    for my $level (1 .. 9) {
        my $made = "$folder/gzip -$level";
        unlink $made;
        for my $name (@files) {
            my @options = (-Level => $level, Append => 1, Name => $name, Time => 1);
            IO::Compress::Gzip::gzip($name => $made, @options) or die "gzip: $made";
        }
        my @options = (-Level => $level, Stream => $level % 2, Zip64 => $level > 7);
        IO::Compress::Zip::zip(\@files => "$folder/zip -$level", @options) or die "zip: $level";
    }
    for my $strategy (1 .. 4) {
        IO::Compress::Gzip::gzip('words' => "$folder/gzip strategy $strategy", -Strategy => $strategy) or die 'gzip';
    }
}
else {
    require Archive::Zip;
    for my $level (0 .. 9) {
        my $zip = Archive::Zip->new();
        for my $name (@files) {
            my $member = $zip->addString(read_file($name), $name);
            $member->desiredCompressionMethod(8) if $level;
            $member->desiredCompressionLevel($level);
        }
        $zip->writeToFileNamed("$folder/zip -$level") == 0 or die "zip: $level";
    }
}
