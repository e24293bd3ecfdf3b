# The overlay layers that all hosts of one kind share. Sourced by test-fleet.
#
#   upper (per host, tmpfs)  >  content (files every host has)  >  mask (whiteouts)  >  base (/ or a cached root)
#
# A directory of `content` over a whiteout in `mask` hides what the base has there.
# shellcheck shell=bash

base_of() { case $1 in host*) echo / ;; *) echo "$ROOTS/$1" ;; esac; }

# layer_dir LAYER BASE PATH : the directory PATH in the layer, its parents with the modes of the base
layer_dir() {
  local p='' part; local -a parts
  IFS=/ read -ra parts <<<"${3#/}"
  for part in "${parts[@]}"; do
    p=$p/$part
    [ -d "$1$p" ] && continue
    mkdir "$1$p"
    if [ -d "$2$p" ]; then chown --reference="$2$p" "$1$p"; chmod --reference="$2$p" "$1$p"; else chmod 755 "$1$p"; fi
  done
}
mask() {               # mask MASK_LAYER BASE PATH : the base's PATH does not exist for the hosts
  local p=$3
  [ -e "$2$p" ] || [ -L "$2$p" ] || return 0
  while [ "$p" != / ]; do if [ -c "$1$p" ]; then return 0; fi; p=$(dirname "$p"); done     # hidden already
  [ ! -d "$1$3" ] || rm -rf "${1:?}$3"
  layer_dir "$1" "$2" "$(dirname "$3")"
  mknod "$1$3" c 0 0
}

make_layers() {        # make_layers KIND
  local kind=$1 base l=$RW/layers/$1 m c p; base=$(base_of "$1"); base=${base%/}
  [ -e "$l/done" ] && return
  rm -rf "$l"; m=$l/mask; c=$l/content; mkdir -p "$m" "$c"; chmod 755 "$m" "$c"

  # what must not be seen
  mask "$m" "$base" /root
  mask "$m" "$base" /var/lib/softhsm/tokens
  mask "$m" "$base" /etc/softhsm
  mask "$m" "$base" /usr/sbin/policy-rc.d
  if [ "$base" = '' ]; then
    # the folder at the top that holds the repository goes as a whole, unless it is one that every system has
    p=${REPO#/}; p=/${p%%/*}
    case $p in /bin|/boot|/dev|/etc|/home|/lib*|/media|/mnt|/opt|/proc|/root|/run|/sbin|/srv|/sys|/tmp|/usr|/var) ;;
      *) mask "$m" "$base" "$p" ;; esac
    for p in "$REPO" "$FLEET_DIR" "$ROOTS" /var/lib/hsmfleet /etc/hsmfleet /etc/apache2 /var/www /var/log/apache2 ${FLEET_HIDE:-}; do
      mask "$m" "$base" "$(readlink -m "$p")"
    done
    if [ "$kind" = host-nonode ]; then for p in $(node_programs); do mask "$m" "$base" "$p"; done; fi
    pristine_apache "$c"
  fi

  # what every host has
  layer_dir "$c" "$base" /root; chmod 700 "$c/root"
  layer_dir "$c" "$base" /etc/ssh
  install -m 644 "$CLIENT_KEY.pub" "$c/etc/ssh/fleet_authorized_keys"
  cat > "$c/etc/ssh/fleet_sshd_config" <<-X
	Port 22
	HostKey /etc/ssh/fleet_host_ed25519
	HostKey /etc/ssh/fleet_host_ecdsa
	HostKey /etc/ssh/fleet_host_rsa
	AuthorizedKeysFile /etc/ssh/fleet_authorized_keys
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	UsePAM yes
	PrintMotd no
	PrintLastLog no
	UseDNS no
	AcceptEnv LANG LC_*
	Subsystem sftp /usr/lib/openssh/sftp-server
	X
  : > "$c/etc/resolv.conf"
  make_users "$c" "$base"
  # SoftHSM: its configuration and tokens are for root and www-data (id 33 on every Debian)
  mkdir -p "$c/etc/softhsm"; chmod 755 "$c/etc/softhsm"
  printf '%s\n' 'directories.tokendir = /var/lib/softhsm/tokens/' 'objectstore.backend = file' 'log.level = ERROR' \
    'slots.removable = false' > "$c/etc/softhsm/softhsm2.conf"
  chmod 644 "$c/etc/softhsm/softhsm2.conf"
  layer_dir "$c" "$base" /var/lib/softhsm/tokens
  chmod 755 "$c/var/lib/softhsm"; chown 33:33 "$c/var/lib/softhsm/tokens"; chmod 2770 "$c/var/lib/softhsm/tokens"
  touch "$l/done"
}

# Two users beside root, with the same SSH key: ops (sudo without a password) and opspw (sudo asks for "fleet sudo")
make_users() {
  local c=$1 base=$2 f
  for f in passwd shadow group; do cp -p "$base/etc/$f" "$c/etc/$f"; done
  printf 'ops:x:7701:7701::/home/ops:/bin/bash\nopspw:x:7702:7702::/home/opspw:/bin/bash\n' >> "$c/etc/passwd"
  printf 'ops:x:7701:\nopspw:x:7702:\n' >> "$c/etc/group"
  printf 'ops:*:19000:0:99999:7:::\nopspw:%s:19000:0:99999:7:::\n' "$(openssl passwd -6 -salt fleet 'fleet sudo')" >> "$c/etc/shadow"
  layer_dir "$c" "$base" /etc/sudoers.d
  printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\nopspw ALL=(ALL:ALL) ALL\n' > "$c/etc/sudoers.d/test-fleet"
  chmod 440 "$c/etc/sudoers.d/test-fleet"
  layer_dir "$c" "$base" /home/ops; layer_dir "$c" "$base" /home/opspw
  chown 7701:7701 "$c/home/ops"; chown 7702:7702 "$c/home/opspw"
}

node_programs() {      # every node, npm, … on this machine, and what the links point to
  local d n f
  for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /opt/*/bin /usr/local/*/bin /usr/local/lib/*/bin /snap/bin; do
    for n in node nodejs npm npx corepack; do
      f=$d/$n
      if [ -e "$f" ] || [ -L "$f" ]; then
        echo "$(readlink -f "$d")/$n"
        case $n in node*) readlink -f "$f" || true ;; esac
      fi
    done
  done | sort -u
}

# Debian's default Apache configuration, whatever was done to this machine's own: the files come from the
# package (or from /etc where dpkg says that they are unchanged), the links are those its postinst makes.
pristine_apache() {
  local c=$1 sums tmp v f
  layer_dir "$c" '' /etc/apache2; layer_dir "$c" '' /var/log/apache2; layer_dir "$c" '' /var/www/html
  chown root:adm "$c/var/log/apache2"; chmod 750 "$c/var/log/apache2"
  sums=$(dpkg-query -W -f '${Conffiles}\n' apache2 | awk '$1 ~ "^/etc/apache2/" {print $2 "  " $1}')
  if md5sum --quiet -c <<<"$sums" >/dev/null 2>&1; then
    awk '{print $2}' <<<"$sums" | cpio -pdm --quiet "$c" 2>/dev/null || awk '{print $2}' <<<"$sums" | tar -C / -c -T - 2>/dev/null | tar -C "$c" -x
  else
    v=$(dpkg-query -W -f '${Version}' apache2); tmp=$FLEET_DIR/apache2-$v
    if [ ! -d "$tmp" ]; then
      rm -rf "$tmp.new"; mkdir -p "$tmp.new"; chmod 755 "$tmp.new"
      (cd "$tmp.new" && apt-get download "apache2=$v" >/dev/null 2>&1 && dpkg-deb -x apache2_*.deb .) ||
        die "this machine's /etc/apache2 was changed and the package apache2=$v cannot be downloaded (apt-get update?)"
      mv "$tmp.new" "$tmp"
    fi
    cp -a "$tmp/etc/apache2/." "$c/etc/apache2/"
  fi
  mkdir -p "$c"/etc/apache2/{mods,conf,sites}-enabled
  for f in authz_host auth_basic access_compat authn_file authz_user alias dir autoindex env mime negotiation \
           setenvif filter deflate status reqtimeout authn_core authz_core mpm_event; do
    ln -sf "../mods-available/$f.load" "$c/etc/apache2/mods-enabled/$f.load"
    if [ -e "$c/etc/apache2/mods-available/$f.conf" ]; then ln -sf "../mods-available/$f.conf" "$c/etc/apache2/mods-enabled/$f.conf"; fi
  done
  for f in charset localized-error-pages other-vhosts-access-log security serve-cgi-bin; do
    ln -sf "../conf-available/$f.conf" "$c/etc/apache2/conf-enabled/$f.conf"
  done
  ln -sf ../sites-available/000-default.conf "$c/etc/apache2/sites-enabled/000-default.conf"
  find "$c/etc/apache2" -type d -exec chmod 755 {} +
  cp /usr/share/apache2/default-site/index.html "$c/var/www/html/index.html"
}
