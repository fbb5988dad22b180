# Joins three networks. $1, $2 and $3: processes in the machine's, Azure's and
# the proxy's; the rest: Azure's addresses.
set -eu
machine=$1 azure=$2 proxy=$3
shift 3
in_machine() { nsenter --target "$machine" --net "$@"; }
in_azure() { nsenter --target "$azure" --net "$@"; }
in_proxy() { nsenter --target "$proxy" --net "$@"; }

ip link add private netns "$machine" type veth peer name private netns "$azure"
ip link add public netns "$machine" type veth peer name public netns "$azure"
ip link add proxy netns "$machine" type veth peer name machine netns "$proxy"
ip link add wan netns "$proxy" type veth peer name wan netns "$azure"

for link in lo private public proxy; do in_machine ip link set "$link" up; done
for link in lo private public wan; do in_azure ip link set "$link" up; done
for link in lo machine wan; do in_proxy ip link set "$link" up; done

in_machine ip address add 10.1.0.10/32 dev private
in_machine ip address add 10.1.1.10/32 dev public
in_machine ip address add 10.1.2.10/32 dev proxy
in_proxy ip address add 10.2.0.16/32 dev machine
in_proxy ip address add 10.2.1.16/32 dev wan
for address; do in_azure ip address add "$address/32" dev lo; done

in_machine ip route add 10.1.0.32/27 dev private src 10.1.0.10
in_machine ip route add 168.63.129.16 dev private src 10.1.0.10
in_machine ip route add 10.2.0.16 dev proxy src 10.1.2.10
in_machine ip route add default dev public src 10.1.1.10
in_proxy ip route add 10.1.2.10 dev machine
in_proxy ip route add default dev wan src 10.2.1.16
in_azure ip route add 10.1.0.10 dev private
in_azure ip route add 10.1.1.10 dev public
in_azure ip route add 10.2.1.16 dev wan
in_azure sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'
