/** Where a link is looked at: before the host answers, or on the host by the agent. */
export type LinkPlace = 'reach' | 'host';

/** A link of the chain from the control host to a served page. */
export interface Link {
  /** Stable: part of the JSON report. */
  id: string;
  /** What holds when it is whole. */
  title: string;
  place: LinkPlace;
}

/** Every link, in the order in which each needs those before it. */
export const LINKS = [
  { id: 'name', title: 'the name resolves', place: 'reach' },
  { id: 'ssh-port', title: 'sshd answers', place: 'reach' },
  { id: 'host-key', title: 'the host key is known', place: 'reach' },
  { id: 'login', title: 'the login is accepted', place: 'reach' },
  { id: 'sudo', title: 'sudo lets us in', place: 'reach' },
  { id: 'agent', title: 'the agent is installed and free', place: 'reach' },
  { id: 'runtime', title: 'a Node runs it', place: 'reach' },
  { id: 'reader', title: 'the token has a reader', place: 'host' },
  { id: 'pcscd', title: 'pcscd answers', place: 'host' },
  { id: 'permission', title: "the web server's user may reach the token", place: 'host' },
  { id: 'module', title: 'the PKCS#11 module loads', place: 'host' },
  { id: 'read-only', title: 'the module is proven read-only', place: 'host' },
  { id: 'token', title: 'the token and its key are there', place: 'host' },
  { id: 'certificate', title: "the certificate is valid and the key's", place: 'host' },
  { id: 'nss-database', title: 'the NSS database is whole', place: 'host' },
  { id: 'nickname', title: 'the nickname names a certificate', place: 'host' },
  { id: 'pin-file', title: 'the PIN file is right', place: 'host' },
  { id: 'apache-config', title: 'the Apache configuration is right', place: 'host' },
  { id: 'port', title: 'Apache listens', place: 'host' },
  { id: 'tls', title: "the served key is the token's", place: 'host' },
] as const satisfies readonly Link[];

/** Id of a link of the chain. */
export type LinkId = (typeof LINKS)[number]['id'];

/** What the control host itself needs; these do not depend on each other. */
export const CONTROL_LINKS = [
  { id: 'node', title: 'Node is new enough' },
  { id: 'ssh-client', title: 'the OpenSSH client is there' },
  { id: 'ssh-keys', title: 'there is a key to log in with' },
  { id: 'known-hosts', title: 'known_hosts can be read' },
  { id: 'agent-bundle', title: 'the agent is there to be sent' },
  { id: 'store', title: 'the history database opens' },
  { id: 'vault-passwords', title: 'the sources of vault passwords can be read' },
  { id: 'hosts-file', title: 'the hosts files can be read' },
] as const;

/** Id of something that the control host needs. */
export type ControlLinkId = (typeof CONTROL_LINKS)[number]['id'];
