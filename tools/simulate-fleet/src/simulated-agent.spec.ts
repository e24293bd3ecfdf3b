import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { encodeJsonFrame, FrameDecoder, PROTOCOL, type AgentFrame, type ControlFrame, type Plan } from '@hsmfleet/contract';
import { agentFrameProblem } from '@hsmfleet/contract/wire-validator';
import { expect, test } from 'vitest';
import { readRecording } from './recording.ts';
import { emptyTally, Journals, speakAsAgent, type Behaviour } from './simulated-agent.ts';

const recording = readRecording(fileURLToPath(new URL('../recordings/inventory.ndjson', import.meta.url)));

function plan(run: string, host: string): Plan {
  return {
    protocol: PROTOCOL, run, user: 'anna@desk', play: { index: 0, name: 'inventory' }, host, check: false, diff: false, gatherFacts: true,
    tasks: [], handlers: [], vars: {}, secrets: {}, onDisconnect: 'finish',
  };
}

/** What an agent answers to frames, until it ends. */
async function talk(behaviour: Behaviour, ...frames: ControlFrame[]): Promise<AgentFrame[]> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => { speakAsAgent(input, output, resolve, behaviour); });
  for (const frame of [...frames, { type: 'bye' } as const]) input.write(encodeJsonFrame(frame));
  await ended;
  return new FrameDecoder().push(Buffer.concat(chunks)).map((frame) => (frame as { value: AgentFrame }).value);
}

test('answers as an agent of the host that is asked, in frames of the contract', async () => {
  const behaviour: Behaviour = { recording, journals: new Journals(10), tally: emptyTally(), latencyMs: 0 };
  const frames = await talk(behaviour, { type: 'plan', plan: plan('run-0001', 'sim000042') });
  for (const frame of frames) expect(agentFrameProblem(frame)).toBeUndefined();
  expect(frames.map(({ type }) => type)).toEqual(['hello', ...Array.from({ length: recording.events }, () => 'event'), 'done']);
  const events = frames.flatMap((frame) => (frame.type === 'event' ? [frame.event] : []));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  expect(new Set(events.map(({ run, host }) => `${run} ${host}`))).toEqual(new Set(['run-0001 sim000042']));
  expect(events.find(({ type }) => type === 'inventory')).toMatchObject({ report: { host: 'sim000042' } });
  expect(JSON.stringify(frames)).not.toContain('web01');
});

test('runs a play of a run once; later it only tells of it', async () => {
  const behaviour: Behaviour = { recording, journals: new Journals(10), tally: emptyTally(), latencyMs: 20 };
  const first = talk(behaviour, { type: 'plan', plan: plan('run-0001', 'sim1') });
  const again = talk(behaviour, { type: 'plan', plan: plan('run-0001', 'sim1') });
  expect((await again).length).toBe((await first).length);
  await talk(behaviour, { type: 'plan', plan: plan('run-0002', 'sim1') });
  expect(behaviour.tally).toMatchObject({ conversations: 3, executed: 2, replayed: 1 });
});
