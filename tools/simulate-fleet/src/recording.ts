import { readFileSync } from 'node:fs';
import type { RunEvent } from '@hsmfleet/contract';

/** Sequence numbers from here on are the control host's own; agents count from 0. */
const CONTROL_SEQ_BASE = 1_000_000_000;
/** Stands for the moment of the answer in recorded texts. */
const NOW = '\u0000now\u0000';
const HOST = '\u0000host\u0000';

/** What an agent of one host told in one play, ready to be told by any other host in any other run. */
export interface Recording {
  agent: string;
  node: string;
  /** Index of the play that was recorded. */
  play: number;
  status: 'ok' | 'failed' | 'refused' | 'stopped';
  events: number;
  /** JSON texts of the events, in order, as the host would send them. */
  tell(run: string, host: string, at: string): string[];
}

/**
 * Reads what `hsmfleet … --json` printed of a run on one host.
 * @throws Error when it is of no host, of several, or of a play that did not end
 */
export function readRecording(file: string): Recording {
  const told = readFileSync(file, 'utf8').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as RunEvent);
  const started = told.find((event) => event.type === 'host_started');
  const recorded = told.filter(({ host, seq }) => host !== '' && seq < CONTROL_SEQ_BASE);
  const end = recorded.find((event) => event.type === 'host_finished');
  const hosts = new Set(recorded.map(({ host }) => host));
  if (started === undefined || end === undefined || hosts.size !== 1) throw new Error(`${file} is no recording of one play on one host`);
  const bodies = recorded.map((event) => textParts(event, end.host));
  return {
    agent: started.agent, node: started.node, play: end.play, status: end.status, events: bodies.length,
    tell: (run, host, at) => bodies.map((parts, seq) => `{"seq":${String(seq)},"at":"${at}","run":"${run}","host":"${host}",${parts.map((part) => (part === HOST ? host : part === NOW ? at : part)).join('')}`),
  };
}

/** An event's own fields as JSON text, cut where the host's name and the moment stand. */
function textParts(event: RunEvent, host: string): string[] {
  const body: Partial<RunEvent> = { ...event };
  delete body.seq;
  delete body.at;
  delete body.run;
  delete body.host;
  const text = JSON.stringify(body).slice(1).replaceAll(host, '\uE000').replaceAll(/"at":"[^"]*"/g, '"at":"\uE001"');
  return text.split(/([\uE000\uE001])/).map((part) => (part === '\uE000' ? HOST : part === '\uE001' ? NOW : part));
}
