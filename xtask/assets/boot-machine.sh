#!/bin/bash
# Boots a machine of its own: systemd as the first process of its namespaces, on a disk that looks like
# this machine's own and forgets nothing between two boots, with the distribution's Docker Engine as its
# only service. Told the folder of that disk and the name of a control group, in a mount namespace of
# its own.
set -euo pipefail

disk=$1
group=$2
root=$disk/root

# First into the group, which then looks like the root of them all.
if [ "${3:-}" != grouped ]; then
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if [ -e "$hierarchy/cgroup.procs" ]; then
      mkdir -p "$hierarchy/$group"
      if [ -e "$hierarchy/$group/cpuset.cpus" ]; then
        for file in cpuset.cpus cpuset.mems; do cat "$hierarchy/$file" > "$hierarchy/$group/$file"; done
      fi
      echo 0 > "$hierarchy/$group/cgroup.procs"
    fi
  done
  exec unshare --cgroup -- bash "$0" "$disk" "$group" grouped
fi

# Once: the disk.
if [ ! -e "$disk/upper" ]; then
  mkdir "$disk/upper" "$disk/work" "$disk/root" "$disk/docker" "$disk/containerd"
fi
# Every boot: the mounts, which end with it.
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" machine "$root"
mkdir -p "$root/var/lib/docker" "$root/var/lib/containerd"
mount --bind "$disk/docker" "$root/var/lib/docker"
mount --bind "$disk/containerd" "$root/var/lib/containerd"
if [ ! -e "$disk/prepared" ]; then
  # What runs on this machine, what it mounts and what landfall has on it are nothing to the other.
  rm -rf "$root"/var/lib/landfall "$root"/etc/landfall "$root"/etc/docker
  rm -f "$root"/etc/systemd/system/*/* "$root"/etc/rc[0-6].d/S*
  : > "$root/etc/fstab"
  for wanted in docker.service sockets/docker.socket; do
    unit=${wanted#sockets/}
    target=multi-user.target
    if [ "$wanted" != "$unit" ]; then target=sockets.target; fi
    for folder in /usr/lib/systemd/system /lib/systemd/system; do
      if [ -e "$folder/$unit" ]; then
        mkdir -p "$root/etc/systemd/system/$target.wants"
        ln -sf "$folder/$unit" "$root/etc/systemd/system/$target.wants/$unit"
      fi
    done
  done
  touch "$disk/prepared"
fi

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
  # Lines of /proc/self/cgroup: number, controllers, path.
  while IFS=: read -r _ controllers _; do
    case $controllers in
      '' | name=*) continue ;;
    esac
    mkdir "$root/sys/fs/cgroup/$controllers"
    mount -t cgroup -o "$controllers" cgroup "$root/sys/fs/cgroup/$controllers"
  done < /proc/self/cgroup
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs tmp "$root/tmp"
ip link set lo up

cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
# `container` is what systemd asks for whether it runs real hardware.
exec env -i container=landfall PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
