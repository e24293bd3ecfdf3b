import { watchFile, unwatchFile } from 'node:fs';
import { defaultLocation, holdStore } from '@hsmfleet/store';
import { runUser } from './run-identity.ts';
import { loadServeConfiguration } from './serve-configuration.ts';
import { createLog } from './serve-log.ts';
import { FleetServer } from './serve-server.ts';
import { VERSION } from './version.ts';

/** How often the file is looked at, milliseconds: a look is one stat, and sees also what a link leads to. */
const LOOK_EVERY_MS = 1_000;

/**
 * Runs the server until SIGTERM or SIGINT; a second one leaves at once.
 * @returns 0; 2 when it had to end because its hold on the store was lost
 * @throws HsmfleetError, HsmfleetErrors when it cannot begin
 */
export async function serve(file: string): Promise<number> {
  const log = createLog((line) => process.stderr.write(line), process.env.JOURNAL_STREAM !== undefined);
  const configuration = await loadServeConfiguration(file);
  const location = configuration.store ?? defaultLocation();
  const hold = await holdStore(location, { user: runUser(), pid: process.pid, since: new Date().toISOString(), file: configuration.file });
  try {
    log('info', 'starting', { version: VERSION, file: configuration.file, schedules: configuration.schedules.length });
    const server = await FleetServer.open(location, configuration, log);
    const reload = (): void => { void server.reload(); };
    const stopped = stopSignal();
    process.on('SIGHUP', reload);
    watchFile(configuration.file, { interval: LOOK_EVERY_MS }, (now, before) => { if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) reload(); });
    await server.start();
    log('info', 'ready');
    const signal = await Promise.race([stopped, hold.lost.then(() => undefined)]);
    if (signal === undefined) log('error', 'the hold on the store was lost: another server may have it by now');
    log('info', 'ending: running checks may finish', { signal, seconds: server.stopAfterMs / 1_000 });
    unwatchFile(configuration.file);
    process.off('SIGHUP', reload);
    await server.stop();
    log('info', 'ended');
    // a service manager starts it again
    return signal === undefined ? 2 : 0;
  } finally {
    await hold.release();
  }
}

/** Resolves at the first signal to end; at the second one the process is gone. */
function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}
