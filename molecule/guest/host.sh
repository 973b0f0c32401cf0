# SPDX-License-Identifier: GPL-3.0-or-later
# No registry is reached from here: the image of the services is made of what the guest has.
systemctl enable --now --quiet docker
folder=$(mktemp -d)
mkdir -m 755 "$folder/bin"
mkdir -m 1777 "$folder/tmp"
cp /usr/bin/busybox "$folder/bin"
for name in sh sleep date httpd wget cat true; do ln -s busybox "$folder/bin/$name"; done
echo keeper > "$folder/index.html"
chmod 755 "$folder"
tar -C "$folder" -c . | docker import - kronos/busybox:1
rm -r "$folder"
