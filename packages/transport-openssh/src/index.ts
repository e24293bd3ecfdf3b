export { askSshConfig } from './ask-ssh-config.ts';
export { createOpenSshTransport, type OpenSshTransportOptions } from './openssh-transport.ts';
export { askHostKey } from './ask-host-key.ts';
