# Network, start, init and stop of hosts. Sourced by test-fleet.
# shellcheck shell=bash

make_bridge() {
  if ! ip link show dev "$BRIDGE" >/dev/null 2>&1; then
    if ip -4 -o addr show | grep -qF " $NET."; then die "network $NET.0/24 is already in use (set FLEET_NET)"; fi
    echo "$BRIDGE" > "$FLEET_DIR/bridge"          # first: `down` removes a bridge only if we made it
    ip link add "$BRIDGE" type bridge
  elif [ "$(cat "$FLEET_DIR/bridge" 2>/dev/null)" != "$BRIDGE" ]; then
    die "a bridge $BRIDGE exists that this script did not make (set FLEET_BRIDGE)"
  fi
  ip addr replace "$NET.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
}

start_hosts() {        # start_hosts N KIND… : links one after the other, then the hosts side by side
  local n=$1 i h; shift; local -a kinds=('' "$@") need=()
  for i in $(seq 1 "$n"); do
    h=$(name_of "$i")
    if [ -d "$STATE/$h" ]; then
      if same "$STATE/$h" init && [ "$(<"$STATE/$h/kind")" = "${kinds[i]}" ]; then continue; fi
      stop_host "$h"
    fi
    link_host "$i" "${kinds[i]}"; need+=("$i")
  done
  [ ${#need[@]} -eq 0 ] || in_parallel start_host "${need[@]}" || die "not all hosts started"
}

link_host() {          # link_host I KIND : state directory, network namespace and link
  local i=$1 h ns st; h=$(name_of "$i"); ns=$(ns_of "$h"); st=$STATE/$h
  # checked before the state directory exists, so that `down` never removes what is not ours
  if [ -e "/run/netns/$ns" ]; then die "a network namespace $ns exists that this script did not make (set FLEET_PREFIX)"; fi
  if ip link show dev "$PFX$h" >/dev/null 2>&1; then die "a network interface $PFX$h exists that this script did not make (set FLEET_PREFIX)"; fi
  mkdir "$st"; echo "$i" > "$st/index"; echo "$2" > "$st/kind"
  ip netns add "$ns"
  ip link add "$PFX$h" type veth peer name eth0 netns "$ns"
  ip link set "$PFX$h" master "$BRIDGE" up
  printf '%s\n' 'link set lo up' "addr add $(addr_of "$i")/24 dev eth0" 'link set eth0 up' | ip -n "$ns" -batch -
}

start_host() {         # start_host I : the host's init in the background; returns when its sshd answers
  local i=$1 h ns st pid init cg; h=$(name_of "$i"); ns=$(ns_of "$h"); st=$STATE/$h; cg=$(cgroup_dir)
  # The subshell records itself, joins the accounting cgroup and gives up the lock; setsid, `ip netns exec` and
  # unshare exec in place, so its pid becomes unshare's. The one child of unshare is PID 1 of the host, and
  # --kill-child ties the life of the whole host to it.
  ( pid=$BASHPID; start_of "$pid" > "$st/pid_start"; echo "$pid" > "$st/pid"
    if [ -n "$cg" ]; then echo "$pid" > "$cg/cgroup.procs" || true; fi 2>/dev/null
    exec 9>&-
    exec setsid ip netns exec "$ns" unshare --mount --uts --ipc --pid --fork --kill-child --propagation private \
      env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      FLEET_REPO="$REPO" FLEET_DIR="$FLEET_DIR" FLEET_ROOTS="$ROOTS" FLEET_BIND="${FLEET_BIND:-}" FLEET_NET="$NET" \
      HSMFLEET_TEST_MOD_NSS_DIR="${HSMFLEET_TEST_MOD_NSS_DIR:-}" \
      HSMFLEET_TEST_PKCS11_MODULE="${HSMFLEET_TEST_PKCS11_MODULE:-}" /bin/bash "$SELF" __init "$h"
  ) </dev/null >"$st/log" 2>&1 &
  pid=$!
  for _ in $(seq 1 300); do
    if (exec 3<>"/dev/tcp/$(addr_of "$i")/22"; read -r -t 2 l <&3; [[ $l == SSH-* ]]) 2>/dev/null; then
      init=$(awk '{print $1}' "/proc/$pid/task/$pid/children")
      start_of "$init" > "$st/init_start"; echo "$init" > "$st/init"
      return
    fi
    if [ -e "$st/pid" ] && ! same "$st" pid; then cat "$st/log" >&2; die "$h died while starting"; fi
    sleep 0.1
  done
  cat "$st/log" >&2; die "$h did not answer on $(addr_of "$i"):22 within 30 s"
}

host_init() {          # runs as PID 1 of the new namespaces; builds the root and becomes the init
  local h=$1 d=$RW/hosts/$1 l kind i r b src dst      # few processes: forking is what a start costs
  r=$d/root; read -r kind < "$STATE/$h/kind"; read -r i < "$STATE/$h/index"; l=$RW/layers/$kind
  rm -rf "$d"; mkdir -p "$d/work" "$r"
  cp -a "$TOKENS/$h/upper" "$d/upper"
  echo "$h" > "$d/upper/etc/hostname"
  printf '127.0.0.1 localhost\n%s.%d %s.fleet.test %s\n' "$NET" $((10 + i)) "$h" "$h" > "$d/upper/etc/hosts"
  printf 'f1ee7000%024d\n' "$i" > "$d/upper/etc/machine-id"
  # lower layers and upper must not contain one another: layers and upper are on their own tmpfs
  mount -t overlay "fleet-$h" -o "lowerdir=$l/content:$l/mask:$(base_of "$kind"),upperdir=$d/upper,workdir=$d/work" "$r"
  cat > "$d/fstab" <<-X
	proc $r/proc proc defaults 0 0
	sysfs $r/sys sysfs ro 0 0
	dev $r/dev tmpfs mode=755,size=1m 0 0
	devpts $r/dev/pts devpts newinstance,ptmxmode=666,mode=620,gid=5,X-mount.mkdir 0 0
	shm $r/dev/shm tmpfs mode=1777,X-mount.mkdir 0 0
	run $r/run tmpfs mode=755 0 0
	lock $r/run/lock tmpfs mode=1777,size=1m,X-mount.mkdir 0 0
	tmp $r/tmp tmpfs mode=1777 0 0
	X
  mount --all --fstab "$d/fstab"
  cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$r/dev/"
  ln -s pts/ptmx /proc/self/fd "$r/dev/" && ln -s fd/0 "$r/dev/stdin" && ln -s fd/1 "$r/dev/stdout" && ln -s fd/2 "$r/dev/stderr"
  mkdir "$r/run/sshd" "$r/run/p11-kit-ro" "$r/.old"
  for b in ${HSMFLEET_TEST_MOD_NSS_DIR:+$HSMFLEET_TEST_MOD_NSS_DIR:/opt/mod_nss} \
           ${HSMFLEET_TEST_PKCS11_MODULE:+$HSMFLEET_TEST_PKCS11_MODULE:/opt/pkcs11-module/${HSMFLEET_TEST_PKCS11_MODULE##*/}} \
           ${FLEET_BIND:-}; do
    src=$(readlink -f "${b%%:*}"); dst=$r/${b#*:}
    if [ -d "$src" ]; then mkdir -p "$dst"; else mkdir -p "$(dirname "$dst")"; touch "$dst"; fi
    mount --bind "$src" "$dst"; mount -o remount,bind,ro "$dst"
  done
  cp "$HERE/lib/init" "$r/run/test-fleet-init"
  hostname "$h"
  cd "$r"; pivot_root . .old
  exec chroot . /bin/sh /run/test-fleet-init "$(label_of "$h")"
}

stop_host() {          # stop_host NAME : kill its init (the namespaces die with it), remove its remains
  local h=$1 st=$STATE/$1 ns f; ns=$(ns_of "$1")
  for f in pid init; do if same "$st" $f; then kill -KILL "$(cat "$st/$f")" 2>/dev/null || true; fi; done
  # anything else still in the host's own network namespace (only after an interrupted `up`)
  for f in $(ip netns pids "$ns" 2>/dev/null || true); do kill -KILL "$f" 2>/dev/null || true; done
  for _ in $(seq 1 100); do same "$st" pid || same "$st" init || break; sleep 0.05; done
  if same "$st" init; then note "warning: $h (pid $(cat "$st/init")) does not die"; return 1; fi
  ip link del "$PFX$h" 2>/dev/null || true
  if [ -e "/run/netns/$ns" ]; then ip netns del "$ns" || true; fi
  rm -rf --one-file-system "${RW:?}/hosts/$h" 2>/dev/null || true
  rm -rf "$st"
}
