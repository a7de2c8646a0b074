#!/usr/bin/perl
# Writes AS databases in MaxMind's format with the project of others, MaxMind::DB::Writer:
#
#     as_files.pl FOLDER < LINES          "PREFIX AS NAME"
#
# FOLDER/geolite.mmdb, dbip.mmdb, isp.mmdb: autonomous_system_number; ipinfo.mmdb: asn "AS8075";
# ipv4.mmdb: IPv4 only; city.mmdb: a database without AS.
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my ($folder) = @ARGV;
my @lines    = map { chomp; [ split ' ', $_, 3 ] } <STDIN>;

my %types = (
    autonomous_system_number => 'uint32', confidence => 'uint16',
    map { $_ => 'utf8_string' }
      qw(autonomous_system_organization isp organization asn as_name as_domain country country_code
      continent continent_code city)
);

sub number { my ( $as, $name ) = @_; { autonomous_system_number => $as, autonomous_system_organization => $name } }
sub isp { my $r = number(@_); $r->{isp} = $_[1]; $r->{organization} = $_[1]; $r }
sub ipinfo {
    my ( $as, $name ) = @_;
    { asn => "AS$as", as_name => $name, as_domain => 'example.net', country => 'United States', country_code => 'US',
      continent => 'North America', continent_code => 'NA' };
}
sub city { { city => 'London' } }

sub write_file {
    my ( $file, $type, $version, $size, $record ) = @_;
    my $tree = MaxMind::DB::Writer::Tree->new(
        ip_version => $version, record_size => $size, database_type => $type, languages => ['en'],
        description => { en => 'edgelat test' }, map_key_type_callback => sub { $types{ $_[0] } },
        remove_reserved_networks => 0, $version == 6 ? ( alias_ipv6_to_ipv4 => 1 ) : ()
    );
    for my $line (@lines) {
        next if $version == 4 && $line->[0] =~ /:/;
        $tree->insert_network( $line->[0], $record->( $line->[1], $line->[2] ) );
    }
    open my $out, '>:raw', "$folder/$file.mmdb" or die "$folder/$file.mmdb: $!";
    $tree->write_tree($out);
    close $out or die;
}

write_file( 'geolite', 'GeoLite2-ASN',             6, 24, \&number );
write_file( 'dbip',    'DBIP-ASN-Lite (compat=GeoLite2-ASN)', 6, 28, \&number );
write_file( 'isp',     'GeoIP2-ISP',               6, 32, \&isp );
write_file( 'ipinfo',  'ipinfo ipinfo_lite.mmdb',  6, 32, \&ipinfo );
write_file( 'ipv4',    'GeoLite2-ASN',             4, 24, \&number );
write_file( 'city',    'GeoLite2-City',            6, 28, \&city );
