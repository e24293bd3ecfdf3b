export { createLocalTransport } from './local-transport.ts';
