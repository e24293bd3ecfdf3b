import { userInfo } from 'node:os';
import { describeTransport } from '@hsmfleet/transport/testkit';
import { createLocalTransport } from './local-transport.ts';

const target = { name: 'control', connection: 'local' as const };

describeTransport('transport-local', () =>
  Promise.resolve({
    transport: createLocalTransport(),
    target,
    // only root may become somebody without being asked
    ...(userInfo().uid === 0 ? { become: { target: { ...target, become: { user: 'nobody' } }, user: 'nobody' } } : {}),
  }),
);
