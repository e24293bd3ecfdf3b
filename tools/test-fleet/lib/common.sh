# Settings and small helpers. Sourced by test-fleet.
# shellcheck shell=bash disable=SC2034

REPO=${FLEET_REPO:-$(git -C "$HERE" rev-parse --show-toplevel 2>/dev/null || readlink -f "$HERE/../..")}
FLEET_DIR=${FLEET_DIR:-$REPO/.cache/test-fleet}
NET=${FLEET_NET:-10.77.0}
BRIDGE=${FLEET_BRIDGE:-hfbr0}
PFX=${FLEET_PREFIX:-hf}
ROOTS=${FLEET_ROOTS:-/var/cache/hsmfleet-test/roots}
CG=${FLEET_CGROUP-hsmfleet-$PFX}
PARALLEL=${FLEET_PARALLEL:-4}

KEYS=$FLEET_DIR/keys          # client key and host keys; kept between runs, so that host keys stay the same
TOKENS=$FLEET_DIR/tokens      # one prepared token per host; kept between runs
STATE=$FLEET_DIR/state        # one directory per started host: index, kind, pid, init and their start times
RW=$FLEET_DIR/rw              # tmpfs: the shared layers, and upper/work/root of every host
CLIENT_KEY=$KEYS/client_ed25519
SOFTHSM=/usr/lib/softhsm/libsofthsm2.so

die()  { echo "test-fleet: error: $*" >&2; exit 1; }
note() { echo "test-fleet: $*" >&2; }
trap 'echo "test-fleet: error: ${BASH_SOURCE[0]##*/} line $LINENO: $BASH_COMMAND (status $?)" >&2' ERR; set -E

name_of()  { printf 'web%02d' "$1"; }
addr_of()  { echo "$NET.$((10 + $1))"; }
addr()     { addr_of "$(cat "$STATE/$1/index")"; }
ns_of()    { echo "$PFX-$1"; }
label_of() { echo "fleet-$1"; }

# Start time of a process (field 22 of stat) in REPLY: with the pid it names ONE process, even if pids wrap.
# A zombie counts as gone: nobody may be there to reap it. Builtins only, as this is asked for every host.
proc_start() {
  local line
  { read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086
  set -- ${line##*) }
  [ "$1" != Z ] && REPLY=${20}
}
start_of() { proc_start "$1" && echo "$REPLY"; }
# Is the process recorded in $1/$2 (and $1/$2_start) still the very same one?
same() {
  local p s
  { read -r p < "$1/$2" && read -r s < "$1/$2_start"; } 2>/dev/null || return 1
  proc_start "$p" && [ "$REPLY" = "$s" ]
}
started() { if [ -d "$STATE" ]; then find "$STATE" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort; fi; }

# in_parallel FUNCTION ARG… : FUNCTION once per ARG, $PARALLEL at a time; fails if one of them failed
in_parallel() {
  local fn=$1 arg running=0 bad=0; shift
  for arg; do
    ( "$fn" "$arg" ) &
    running=$((running + 1))
    if [ $running -ge "$PARALLEL" ]; then wait -n || bad=1; running=$((running - 1)); fi
  done
  while [ $running -gt 0 ]; do wait -n || bad=1; running=$((running - 1)); done
  return $bad
}

preflight() {
  [ "$(id -u)" = 0 ] || die "must be root"
  case $FLEET_DIR$ROOTS in *[!A-Za-z0-9/._+-]*) die "FLEET_DIR and FLEET_ROOTS may have only letters, digits and / . _ + -" ;; esac
  local pair missing=''
  for pair in ip:iproute2 unshare:util-linux nsenter:util-linux flock:util-linux ssh-keygen:openssh-client \
              /usr/sbin/sshd:openssh-server softhsm2-util:softhsm2 pkcs11-tool:opensc p11-kit:p11-kit openssl:openssl \
              /usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so:p11-kit-modules apache2:apache2 \
              certutil:libnss3-tools debootstrap:debootstrap sudo:sudo; do
    command -v "${pair%%:*}" >/dev/null || [ -e "${pair%%:*}" ] || missing="$missing ${pair##*:}"
  done
  [ -z "$missing" ] || die "packages are missing: apt-get install$missing"
  [ -e "$SOFTHSM" ] || die "$SOFTHSM is missing (apt-get install softhsm2)"
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || die "this kernel has no overlayfs"
}

# --- CPU accounting: optional, cgroup v1 (cpuacct) or v2 ---------------------------------------
cgroup_dir() {
  [ -n "$CG" ] || return 0
  if [ -d /sys/fs/cgroup/cpuacct ]; then echo "/sys/fs/cgroup/cpuacct/$CG"
  elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo "/sys/fs/cgroup/$CG"; fi
}
make_cgroup()   { local d; d=$(cgroup_dir); [ -z "$d" ] || mkdir -p "$d" 2>/dev/null || true; }
remove_cgroup() {
  local d; d=$(cgroup_dir)
  [ -n "$d" ] && [ -d "$d" ] || return 0
  for _ in 1 2 3 4 5 6 7 8 9 10; do rmdir "$d" 2>/dev/null && break; sleep 0.1; done
}
cmd_cpu() {
  local d; d=$(cgroup_dir)
  if [ -r "$d/cpuacct.usage" ]; then awk '{printf "%.2f\n", $1/1e9}' "$d/cpuacct.usage"
  elif [ -r "$d/cpu.stat" ]; then awk '/^usage_usec/{printf "%.2f\n", $2/1e6}' "$d/cpu.stat"
  else die "no CPU accounting here"; fi
}
