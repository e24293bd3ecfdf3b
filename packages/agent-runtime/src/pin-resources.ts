/**
 * Resources that may log in to a token, or restart what does. Their tasks are never tried again by themselves, nor done by
 * another host, and their programs get no environment from the playbook: a wrong PIN has to cost one try, and what reads a
 * PIN reads it where it was proven.
 */
const HANDLES_PINS: ReadonlySet<string> = new Set(['apache_module', 'apache_mpm', 'nss_database', 'nss_module', 'pin_file', 'pkcs11_module', 'tls_site']);

/** May a task of this resource try a PIN, or make a web server try one? */
export function handlesPins(resource: string): boolean {
  return HANDLES_PINS.has(resource);
}
