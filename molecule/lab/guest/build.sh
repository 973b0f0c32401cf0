#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds kernel, initrd and root image of a guest from Debian's packages: build.sh OUT SUITE MIRROR
set -eu
out=$1 suite=$2 mirror=$3
here=$(dirname "$(readlink -f "$0")")
packages=systemd,systemd-sysv,dbus,udev,kmod,openssh-server,sudo,python3,python3-apt,iproute2,nftables
packages=$packages,procps,iputils-ping,iputils-arping,tcpdump,netbase,tzdata,less,ca-certificates,e2fsprogs,curl
packages=$packages,nfs-kernel-server,nfs-common,samba,cifs-utils,ifupdown,netplan.io,docker.io,iptables
packages=$packages,python3-docker,python3-jmespath,python3-cryptography,systemd-timesyncd
packages=$packages,logrotate,busybox-static,cpio,xz-utils,zstd,wireguard-tools,qrencode
[ "$suite" = bookworm ] || packages=$packages,docker-cli,docker-compose
rm -rf "$out"
mkdir -p "$out"
# what a test never reads is left out: it would only make the image slow to build and to boot
mmdebstrap --variant=minbase --skip=cleanup/apt --include="$packages" \
  --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="$here/kernel-hook"' "$1"' \
  --customize-hook="$here/guest-hook"' "$1"' \
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$out/root" "$mirror"
mv "$out/root/boot/kronos-vmlinuz" "$out/vmlinuz"
mv "$out/root/boot/kronos-initrd" "$out/initrd"
# no mount and no loop device: mke2fs copies the folder into the file, and adds the journal afterwards, which is faster
truncate -s 3G "$out/root.img"
mke2fs -q -t ext4 -O ^has_journal -L root -d "$out/root" "$out/root.img"
tune2fs -j "$out/root.img" >/dev/null
rm -rf "$out/root"
