# SSH keys and prepared SoftHSM tokens, one per host, kept between runs. Sourced by test-fleet.
# shellcheck shell=bash

PIN=648219
SO_PIN=3537363231383830
TOKEN_VERSION=2        # raise it when the contents change: older tokens are made again

make_keys() {          # make_keys N : client key, host keys (once), known_hosts
  local i h t
  mkdir -p "$KEYS"; chmod 700 "$KEYS"
  [ -s "$CLIENT_KEY.pub" ] || { rm -f "$CLIENT_KEY"; ssh-keygen -q -t ed25519 -N '' -C test-fleet -f "$CLIENT_KEY"; }
  local -a need=()
  for i in $(seq 1 "$1"); do
    h=$(name_of "$i"); [ -e "$KEYS/$h.done" ] || need+=("$h")
  done
  [ ${#need[@]} -eq 0 ] || in_parallel make_host_keys "${need[@]}" || die "making host keys failed"
  [ ${#need[@]} -gt 0 ] || [ "$(cat "$FLEET_DIR/known_hosts.net" 2>/dev/null)" != "$NET" ] || [ ! -e "$FLEET_DIR/known_hosts" ] || return 0
  for h in "$KEYS"/*.done; do
    h=${h##*/}; h=${h%.done}; i=$((10#${h#web}))
    for t in ed25519 ecdsa rsa; do echo "$h,$(addr_of "$i") $(cut -d' ' -f1,2 "$KEYS/$h.$t.pub")"; done
  done > "$FLEET_DIR/known_hosts.new"
  echo "$NET" > "$FLEET_DIR/known_hosts.net"
  mv "$FLEET_DIR/known_hosts.new" "$FLEET_DIR/known_hosts"
}

make_host_keys() {
  local t
  for t in ed25519 ecdsa rsa; do
    rm -f "$KEYS/$1.$t" "$KEYS/$1.$t.pub"; ssh-keygen -q -t $t -N '' -C "$1" -f "$KEYS/$1.$t"
  done
  touch "$KEYS/$1.done"
}

make_tokens() {        # make_tokens N : the tokens of web01..webNN, each with its own keys
  local i h; local -a need=()
  mkdir -p "$TOKENS"; chmod 700 "$TOKENS"
  for i in $(seq 1 "$1"); do
    h=$(name_of "$i"); [ "$(cat "$TOKENS/$h/version" 2>/dev/null)" = "$TOKEN_VERSION" ] || need+=("$h")
  done
  [ ${#need[@]} -eq 0 ] && return
  note "preparing ${#need[@]} tokens…"
  in_parallel make_token "${need[@]}" || die "preparing the tokens failed"
}

# make_token HOST : keys from openssl (quicker than inside the token), imported, each with its certificate.
# Kept: what the host's upper layer starts with (token and host keys, owners and modes as they must be there),
# and the certificates (PEM); not the private keys.
make_token() {
  local h=$1 d=$TOKENS/.build-$1 u t label k id name; label=$(label_of "$1"); u=$d/upper; t=$u/var/lib/softhsm/tokens
  rm -rf "$d" "${TOKENS:?}/$h"
  mkdir -p "$u/etc/ssh" "$t"; chmod 755 "$u" "$u/etc" "$u/etc/ssh" "$u/var" "$u/var/lib" "$u/var/lib/softhsm"
  for k in ed25519 ecdsa rsa; do install -m 600 "$KEYS/$h.$k" "$u/etc/ssh/fleet_host_$k"; done
  printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$t" > "$d/conf"
  export SOFTHSM2_CONF=$d/conf
  softhsm2-util --init-token --free --label "$label" --so-pin $SO_PIN --pin $PIN >/dev/null
  for k in 01:rsa1024 02:rsa2048 03:ec256; do
    id=${k%:*} name=${k#*:}
    case $name in
      rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${name#rsa}" -out "$d/key" 2>/dev/null ||
            openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:${name#rsa}" -out "$d/key" 2>/dev/null ;;
      ec*)  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$d/key" ;;
    esac
    openssl req -x509 -new -key "$d/key" -days 3650 -sha256 -subj "/CN=$h.fleet.test" \
      -addext "subjectAltName=DNS:$h.fleet.test,DNS:$h" -addext "basicConstraints=critical,CA:FALSE" \
      -addext "extendedKeyUsage=serverAuth" -out "$d/$name.pem"
    openssl x509 -in "$d/$name.pem" -outform DER -out "$d/der"
    softhsm2-util --import "$d/key" --token "$label" --label "$name" --id "$id" --pin $PIN >/dev/null
    pkcs11-tool --module "$SOFTHSM" --token-label "$label" --login --pin $PIN \
      --write-object "$d/der" --type cert --label "$name" --id "$id" >/dev/null 2>&1
  done
  rm -f "$d/key" "$d/der" "$d/conf"
  chown -R 33:33 "$t"; chmod -R ug+rwX,o= "$t"; chmod g+s "$t"      # www-data is id 33 on every Debian
  echo "$TOKEN_VERSION" > "$d/version"
  mv "$d" "$TOKENS/$h"
}
