# Sourced by scripts that make network namespaces and mounts, from the workspace's folder, with `self` as their own path. `as_root "$@"` runs the script again as root when it is not,
# and gives back to the caller what root made in the tree.
as_root() {
  [ "$(id -u)" != 0 ] || return 0
  if ! sudo -n true 2>/dev/null; then
    echo "error: this needs root or passwordless sudo (test hosts are network namespaces with their own roots)" >&2
    exit 1
  fi
  local code=0
  sudo -n env "PATH=$PATH" "TERM=${TERM:-dumb}" "CI=${CI:-}" \
    "HSMFLEET_TEST_MOD_NSS_DIR=${HSMFLEET_TEST_MOD_NSS_DIR:-}" "HSMFLEET_TEST_PKCS11_MODULE=${HSMFLEET_TEST_PKCS11_MODULE:-}" \
    "$self" "$@" || code=$?
  # never past a mount: a test host that is still up must keep its owners
  sudo -n find . -xdev -not -path './node_modules/*' -user root -exec chown -h "$(id -u):$(id -g)" {} +
  exit "$code"
}
