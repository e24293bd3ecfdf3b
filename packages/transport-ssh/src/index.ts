export { createSshTransport, type SshTransportOptions } from './ssh-transport.ts';
export { checkTarget } from './identities.ts';
