export { createSshTransport } from './ssh-transport.ts';
export type { SshTransportOptions } from './ssh-routes.ts';
export { checkTarget } from './identities.ts';
