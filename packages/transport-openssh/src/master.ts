import { spawn, type ChildProcess } from 'node:child_process';

/** How much of what ssh says is kept. */
const SAID_LIMIT = 200_000;

/**
 * Ends ssh when the program that started it is gone, however that came: its end closes standard input. Words come as
 * arguments, never as part of the script.
 */
const KEEPER = 'exec 3<&0; "$@" </dev/null 3<&- & p=$!; { read -r _ <&3; kill "$p"; } 2>/dev/null >/dev/null & w=$!; exec 3<&-; wait "$p"; s=$?; kill "$w" 2>/dev/null; exit "$s"';

/** An ssh that holds a connection open for others. */
export interface Master {
  /** Resolves when it is logged in; rejects with nothing but an Error when it ended before. */
  ready: Promise<void>;
  closed: Promise<void>;
  /** What it said so far: its own words, and what the host said before the login. */
  said(): string;
  stop(): void;
}

/** @param words the ssh and its arguments */
export function startMaster(words: readonly string[], env: NodeJS.ProcessEnv): Master {
  // a session of its own: a Ctrl-C in the operator's terminal must not reach it
  const child: ChildProcess = spawn('/bin/sh', ['-c', KEEPER, 'sh', ...words], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
  let said = '';
  let stopped = false;
  child.stderr?.on('data', (chunk: Buffer) => { if (said.length < SAID_LIMIT) said += chunk.toString('utf8'); });
  child.stdin?.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => { resolve(); });
    child.once('error', (error) => { said += error.message; resolve(); });
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => { resolve(); });
    void closed.then(() => { reject(new Error('ssh ended')); });
  });
  ready.catch(() => undefined);
  return {
    ready,
    closed,
    said: () => said,
    stop() {
      if (stopped) return;
      stopped = true;
      child.stdin?.end();
      const timer = setTimeout(() => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // it is gone
        }
      }, 2000);
      timer.unref();
      void closed.then(() => { clearTimeout(timer); });
    },
  };
}
