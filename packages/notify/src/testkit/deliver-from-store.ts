import { Secret } from '@hsmfleet/contract';
import { openStore } from '@hsmfleet/store';
import { startDelivery } from '../delivery.ts';

/*
 * A process of its own that delivers what waits in a real store, to be killed: node deliver-from-store.ts STORE URL FILE.
 * Says on standard output what delivery logs, and "looked" for each look into the queue.
 */
const [, , location = '', url = '', path = ''] = process.argv;
const store = await openStore(location);
startDelivery({
  sinks: {
    webhook: [{ name: 'hook', url, secret: new Secret('a key of a spec'), timeout: 30, interval: 0, give_up_after: 24 }],
    smtp: [], file: [{ name: 'file', path, interval: 0, give_up_after: 24 }],
  },
  queue: {
    async pending(now, limit) {
      const waiting = await store.pendingNotifications(now, limit);
      process.stdout.write('looked\n');
      return waiting;
    },
    settle: (ids, result) => store.settleNotification(ids, result),
  },
  log: (level, text) => { process.stdout.write(`${level}: ${text}\n`); },
  pollMs: 100,
});
