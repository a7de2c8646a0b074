# fish completion of edgelat, made by `edgelat --completion fish`

function __edgelat_is # COMMAND; none: no command stands there yet
    set -l words (commandline -opc)
    if set -q argv[1]
        set -q words[2]; and test $words[2] = $argv[1]
    else
        not set -q words[2]; or string match -q -- '-*' $words[2]
    end
end

complete -c edgelat -f
complete -c edgelat -n '__edgelat_is' -s V -l version -d 'print the version'
complete -c edgelat -n '__edgelat_is' -l completion -x -a 'bash zsh fish' -d 'print the completion for bash, zsh or fish'
complete -c edgelat -n '__edgelat_is' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is help' -a 'run diagnose probe nearest trace top status routes report whereis traffic check-config decode collect'

complete -c edgelat -n '__edgelat_is' -a run -d 'run the agent in the foreground'
complete -c edgelat -n '__edgelat_is run' -s c -l config -r -F -d 'configuration'
complete -c edgelat -n '__edgelat_is run' -s v -l verbose -d 'debug messages'
complete -c edgelat -n '__edgelat_is run' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a diagnose -d 'find out what is slow, where, and whom to call'
complete -c edgelat -n '__edgelat_is diagnose' -s c -l config -r -F -d 'configuration, of which none is needed'
complete -c edgelat -n '__edgelat_is diagnose' -s t -l time -x -d 'how long to probe, 5 to 30'
complete -c edgelat -n '__edgelat_is diagnose' -s I -l uplink -x -a '(__fish_print_interfaces)' -d 'interface'
complete -c edgelat -n '__edgelat_is diagnose' -l resolver -x -d 'also ask this DNS server, to compare'
complete -c edgelat -n '__edgelat_is diagnose' -l load -d 'then also measure the delay under load: downloads at most 25 MiB in 6 s'
complete -c edgelat -n '__edgelat_is diagnose' -l load-url -x -d 'download this for --load, best a file of a megabyte'
complete -c edgelat -n '__edgelat_is diagnose' -l yes -d 'do not ask before --load'
complete -c edgelat -n '__edgelat_is diagnose' -l json -d 'one JSON object per line: each check, each finding, a summary'
complete -c edgelat -n '__edgelat_is diagnose' -l html -r -F -d 'also write a self-contained page, to attach to a ticket'
complete -c edgelat -n '__edgelat_is diagnose' -l fleet -d 'one line with host name and verdict, for lists of hosts'
complete -c edgelat -n '__edgelat_is diagnose' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is diagnose' -a '(edgelat --completion services 2>/dev/null; __fish_print_hostnames)'

complete -c edgelat -n '__edgelat_is' -a probe -d 'probe hosts now, with percentiles'
complete -c edgelat -n '__edgelat_is probe' -s c -s n -l count -x -d 'probes per host'
complete -c edgelat -n '__edgelat_is probe' -s i -l interval -x -d 'between two probes to a host'
complete -c edgelat -n '__edgelat_is probe' -s W -s w -l wait -x -d 'waiting time: a later answer is late'
complete -c edgelat -n '__edgelat_is probe' -s q -l quiet -d 'only the summary'
complete -c edgelat -n '__edgelat_is probe' -s D -l timestamp -d 'Unix time in each line, as ping does'
complete -c edgelat -n '__edgelat_is probe' -s 4 -l ipv4 -d 'IPv4 only'
complete -c edgelat -n '__edgelat_is probe' -s 6 -l ipv6 -d 'IPv6 only'
complete -c edgelat -n '__edgelat_is probe' -s I -l uplink -x -a '(__fish_print_interfaces)' -d 'interface'
complete -c edgelat -n '__edgelat_is probe' -l json -d 'one JSON object per line for each result, then for each summary'
complete -c edgelat -n '__edgelat_is probe' -s s -l size -x -d 'icmp: payload, 16 to 1400'
complete -c edgelat -n '__edgelat_is probe' -s t -l ttl -x -d 'icmp: time to live or hop limit, 1 to 255'
complete -c edgelat -n '__edgelat_is probe' -l dscp -x -d 'icmp, tcp, https, stun: DSCP, 0 to 63'
complete -c edgelat -n '__edgelat_is probe' -l df -d 'icmp: do not fragment'
complete -c edgelat -n '__edgelat_is probe' -l path -x -d 'https: path to request'
complete -c edgelat -n '__edgelat_is probe' -l server-name -x -d 'https: name for SNI, Host header and certificate check'
complete -c edgelat -n '__edgelat_is probe' -l name -x -d 'dns: name to ask the DNS server for'
complete -c edgelat -n '__edgelat_is probe' -l ca -r -F -d 'https: certificates to trust instead of the system'\''s'
complete -c edgelat -n '__edgelat_is probe' -l media -d 'stun: one burst like a call: 50 packets a second for 15 s'
complete -c edgelat -n '__edgelat_is probe' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is probe; and not __fish_seen_subcommand_from icmp tcp https stun dns' -a 'icmp tcp https stun dns'
complete -c edgelat -n '__edgelat_is probe; and __fish_seen_subcommand_from icmp tcp https stun dns' -a '(__fish_print_hostnames)'

complete -c edgelat -n '__edgelat_is' -a nearest -d 'rank the nearest PoPs, with evidence'
complete -c edgelat -n '__edgelat_is nearest' -s c -l config -r -F -d 'configuration'
complete -c edgelat -n '__edgelat_is nearest' -s l -l location -x -d 'location of this host: "LATITUDE LONGITUDE", a city, or a metro code'
complete -c edgelat -n '__edgelat_is nearest' -s I -l uplink -x -a '(__fish_print_interfaces)' -d 'interface'
complete -c edgelat -n '__edgelat_is nearest' -s t -l time -x -d 'how long to probe, 2 to 300'
complete -c edgelat -n '__edgelat_is nearest' -l json -d 'one JSON object per line for each target'
complete -c edgelat -n '__edgelat_is nearest' -l watch -d 'again after each such time, until Ctrl-C'
complete -c edgelat -n '__edgelat_is nearest' -s v -l verbose -d 'log what is resolved and discovered'
complete -c edgelat -n '__edgelat_is nearest' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a trace -d 'show the path to a host and where it enters Microsoft'\''s network'
complete -c edgelat -n '__edgelat_is trace' -l icmp -d 'by ICMP echo'
complete -c edgelat -n '__edgelat_is trace' -l tcp -d 'by TCP handshakes, port 443, one at a time'
complete -c edgelat -n '__edgelat_is trace' -l udp -d 'by UDP, port 33434'
complete -c edgelat -n '__edgelat_is trace' -s 4 -l ipv4 -d 'IPv4 only'
complete -c edgelat -n '__edgelat_is trace' -s 6 -l ipv6 -d 'IPv6 only'
complete -c edgelat -n '__edgelat_is trace' -s I -l uplink -x -a '(__fish_print_interfaces)' -d 'interface'
complete -c edgelat -n '__edgelat_is trace' -s n -l numeric -d 'do not look up the names of routers'
complete -c edgelat -n '__edgelat_is trace' -l paths -d 'also find equal-cost paths, by 15 more flows of TCP or UDP'
complete -c edgelat -n '__edgelat_is trace' -l mtu -d 'also find the path MTU and whether larger packets vanish'
complete -c edgelat -n '__edgelat_is trace' -l as-database -r -F -d 'AS of each hop from this file in MaxMind'\''s format, such as GeoLite2-ASN.mmdb'
complete -c edgelat -n '__edgelat_is trace' -l as-dns -d 'ask DNS'
complete -c edgelat -n '__edgelat_is trace' -l json -d 'one JSON object per hop, then a summary with the entry'
complete -c edgelat -n '__edgelat_is trace' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is trace' -a '(__fish_print_hostnames)'

complete -c edgelat -n '__edgelat_is' -a top -d 'full-screen live view of the targets'
complete -c edgelat -n '__edgelat_is top' -s c -l config -r -F -d 'configuration'
complete -c edgelat -n '__edgelat_is top' -s l -l local -d 'measure from this process, even beside a running agent'
complete -c edgelat -n '__edgelat_is top' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a status -d 'state of the running agent, and its problems'
complete -c edgelat -n '__edgelat_is status' -s c -l config -r -F -d 'the agent'\''s configuration, for its status_socket'
complete -c edgelat -n '__edgelat_is status' -l json -d 'one JSON object'
complete -c edgelat -n '__edgelat_is status' -l watch -d 'again every 5 s, until Ctrl-C'
complete -c edgelat -n '__edgelat_is status' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a routes -d 'BGP sessions and watched prefixes of the BMP station'
complete -c edgelat -n '__edgelat_is routes' -s c -l config -r -F -d 'the agent'\''s configuration, for its status_socket'
complete -c edgelat -n '__edgelat_is routes' -l json -d 'one JSON object'
complete -c edgelat -n '__edgelat_is routes' -l watch -d 'again every 5 s, until Ctrl-C'
complete -c edgelat -n '__edgelat_is routes' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a report -d 'HTML report of the agent'\''s measurements'
complete -c edgelat -n '__edgelat_is report' -s s -l since -x -d 'period up to now: 90m, 24h, 7d'
complete -c edgelat -n '__edgelat_is report' -s o -l output -r -F -d 'output file'
complete -c edgelat -n '__edgelat_is report' -s c -l config -r -F -d 'configuration of the agent, for its state folder and limits'
complete -c edgelat -n '__edgelat_is report' -l state -x -a '(__fish_complete_directories)' -d 'state folder, in place of the configured one'
complete -c edgelat -n '__edgelat_is report' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is report' -F

complete -c edgelat -n '__edgelat_is' -a whereis -d 'name the PoP of a header, host name, code or address'
complete -c edgelat -n '__edgelat_is whereis' -l json -d 'one JSON object per text'
complete -c edgelat -n '__edgelat_is whereis' -s h -l help -d 'print this help'

complete -c edgelat -n '__edgelat_is' -a traffic -d 'count traffic through this gateway with nftables'
complete -c edgelat -n '__edgelat_is traffic' -l dry-run -d 'setup, remove: print what would be loaded'
complete -c edgelat -n '__edgelat_is traffic' -l socket -r -F -d 'serve: the socket to answer at'
complete -c edgelat -n '__edgelat_is traffic' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is traffic' -a 'setup remove show serve'

complete -c edgelat -n '__edgelat_is' -a check-config -d 'check the configuration and the data files'
complete -c edgelat -n '__edgelat_is check-config' -s c -l config -r -F -d 'configuration'
complete -c edgelat -n '__edgelat_is check-config' -s k -l keys -d 'list every key and its default'
complete -c edgelat -n '__edgelat_is check-config' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is check-config' -F

complete -c edgelat -n '__edgelat_is' -a decode -d 'print spooled batches as OTLP/JSON'
complete -c edgelat -n '__edgelat_is decode' -s h -l help -d 'print this help'
complete -c edgelat -n '__edgelat_is decode' -F

complete -c edgelat -n '__edgelat_is' -a collect -d 'a small OTLP/HTTP receiver for trials and tests'
complete -c edgelat -n '__edgelat_is collect' -s l -l listen -x -d 'where to listen: an address or a name'
complete -c edgelat -n '__edgelat_is collect' -s d -l dir -x -a '(__fish_complete_directories)' -d 'keep every accepted batch as a file in DIR'
complete -c edgelat -n '__edgelat_is collect' -s q -l quiet -d 'print nothing'
complete -c edgelat -n '__edgelat_is collect' -s i -l in-place -d 'one table, rewritten in place on a terminal'
complete -c edgelat -n '__edgelat_is collect' -s s -l stop -x -d 'accept nothing, and order the agents to stop probing'
complete -c edgelat -n '__edgelat_is collect' -s h -l help -d 'print this help'
