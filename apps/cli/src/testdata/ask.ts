import { askSecret } from '../ask-secret.ts';

/* Asks once and says how it went, without the secret. */
try {
  const secret = await askSecret('token PIN');
  process.stdout.write(`length ${String(secret.reveal().length)}, shown as ${String(secret)}\n`);
} catch (thrown) {
  process.stdout.write(`${(thrown as Error).message}\n`);
}
