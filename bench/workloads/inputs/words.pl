# words - a text tool at work: words are counted, joined and cut in a hash of growing strings, then sorted.
#
# Stresses: scalars that grow by realloc, hash entries of a few sizes, a large list of small arrays.
use strict;
use warnings;

my $rounds = int(400_000 * ($ARGV[0] // 1)) || 1;
my %text;
for my $i (1 .. $rounds) {
    my $word = "word" . ($i * 7919 % 100_003);
    $text{$word} .= "$i,";
    $text{$word} = "" if length $text{$word} > 200;
}
my @by_length = sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } map { [$_, length $text{$_}] } keys %text;
print scalar(@by_length), " ", $by_length[-1][0], "\n";
