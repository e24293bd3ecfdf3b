# Cached root trees of other Debian releases, made with debootstrap. Sourced by test-fleet.
# shellcheck shell=bash

ROOT_VERSION=1         # raise it when the package list changes: older trees are built again
ROOT_PACKAGES=openssh-server,apache2,libnss3-tools,softhsm2,opensc,p11-kit,p11-kit-modules
ROOT_PACKAGES+=,libengine-pkcs11-openssl,openssl,sudo,ca-certificates,iproute2,procps,curl

apt_mirror() {         # the address of the archive that this machine's apt itself uses
  local uri
  uri=$(apt-get indextargets --format '$(SITE) $(LABEL) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk '$2 == "Debian" && $3 == "Debian" && !uri {uri = $1} END {print uri}')
  [ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
                   awk '!/security/ && !uri {uri = $1} END {print uri}')
  echo "${uri%/}"
}

# debootstrap fetches with wget: hand it what apt knows about proxies and certificates
apt_network_env() {
  local v
  eval "$(apt-config shell HTTP Acquire::http::Proxy HTTPS Acquire::https::Proxy CA Acquire::https::CaInfo)"
  v=${HTTP:-}; [ -z "$v" ] || [ "$v" = DIRECT ] || export http_proxy=$v
  v=${HTTPS:-$v}; [ -z "$v" ] || [ "$v" = DIRECT ] || export https_proxy=$v
  [ -z "${CA:-}" ] || export SSL_CERT_FILE=$CA
}

build_root() {         # build_root RELEASE : nothing to do when the tree is there
  local release=$1 root=$ROOTS/$1 tmp=$ROOTS/.build-$1 mirror packages=$ROOT_PACKAGES
  case $release in bullseye|bookworm) ;; trixie) packages+=,pkcs11-provider ;; *) die "unknown release '$release'" ;; esac
  [ "$(cat "$root/.test-fleet-root" 2>/dev/null)" = "$ROOT_VERSION" ] && return
  mkdir -p "$ROOTS"
  (
    exec 9>&- 8>"$ROOTS/.lock-$release"; flock 8
    [ "$(cat "$root/.test-fleet-root" 2>/dev/null)" = "$ROOT_VERSION" ] && exit 0
    mirror=$(apt_mirror); [ -n "$mirror" ] || die "no Debian archive in apt's configuration (run apt-get update first)"
    apt_network_env
    note "building the $release root (two to four minutes)…"
    rm -rf --one-file-system "$tmp" "$root"       # the leftovers of an interrupted or older build
    # its own mount and pid namespaces, and it dies with this shell: nothing it mounts or starts outlives it
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private \
      debootstrap --variant=minbase --include="$packages" "$release" "$tmp" "$mirror" >"$ROOTS/$release.log" 2>&1 ||
      { tail -5 "$ROOTS/$release.log" >&2; die "debootstrap of $release failed, see $ROOTS/$release.log"; }
    rm -rf "$tmp/var/cache/apt/archives"/*.deb "$tmp/var/lib/apt/lists"/* "$tmp/etc/ssh"/ssh_host_*
    : > "$tmp/etc/apt/sources.list"; : > "$tmp/etc/resolv.conf"     # hosts have no way out
    rm -f "$tmp/etc/machine-id" "$tmp/usr/sbin/policy-rc.d"
    if [ ! -e "$tmp$SOFTHSM" ]; then                # the same path of SoftHSM on every release
      mkdir -p "$tmp$(dirname "$SOFTHSM")"; ln -s ../x86_64-linux-gnu/softhsm/libsofthsm2.so "$tmp$SOFTHSM"
    fi
    [ -e "$tmp$SOFTHSM" ] || die "$release has no $SOFTHSM"
    echo "$ROOT_VERSION" > "$tmp/.test-fleet-root"
    mv "$tmp" "$root"
  )
}
