export { createSshTransport } from './ssh-transport.ts';
export type { SshTransportOptions } from './ssh-routes.ts';
export { checkTarget } from './identities.ts';
export { createHostKeySurvey, type AskOtherwise, type HostKeySurvey, type ShownHostKey } from './survey-host-keys.ts';
