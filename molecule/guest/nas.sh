# SPDX-License-Identifier: GPL-3.0-or-later
# What the neighbour is: router of the VLAN, somebody far behind it, and a file server that forgets its clients quickly.
ip link add link eth0 name eth0.30 type vlan id 30
ip address add 10.30.0.1/24 dev eth0.30
ip link set eth0.30 up
ip address add 203.0.113.99/32 dev lo
mkdir -p /srv/web /srv/films/library
echo far away > /srv/web/index.html
systemd-run --quiet --unit=web busybox httpd -f -p 8000 -h /srv/web
printf '[nfsd]\ngrace-time=10\nlease-time=10\n' > /etc/nfs.conf.d/lab.conf
echo '/srv/films 10.98.0.0/24(rw,no_root_squash,no_subtree_check,sync)' > /etc/exports
systemctl start nfs-server
