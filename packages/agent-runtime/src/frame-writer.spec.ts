import { PassThrough, Writable } from 'node:stream';
import { FrameDecoder, type AgentFrame } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { FrameWriter } from './frame-writer.ts';

const frame = (text: string): AgentFrame => ({ type: 'error', error: { code: 'INTERNAL', message: text } });

test('a reader that is too slow makes the run wait, until it has caught up', async () => {
  const stream = new PassThrough({ highWaterMark: 1024 });
  const writer = new FrameWriter(stream, () => undefined);
  await writer.ready();
  writer.send(frame('x'.repeat(5 * 1024 * 1024)));
  let waited = false;
  const ready = writer.ready().then(() => { waited = true; });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(waited).toBe(false);
  const decoder = new FrameDecoder();
  const frames: unknown[] = [];
  stream.on('data', (chunk: Buffer) => frames.push(...decoder.push(chunk)));
  await ready;
  expect(waited).toBe(true);
});

test('a reader that is gone is noticed once, and lets whoever waits go on', async () => {
  let gone = 0;
  const stream = new Writable({ write: (_chunk, _encoding, callback) => { setTimeout(() => callback(new Error('EPIPE')), 5); } });
  const writer = new FrameWriter(stream, () => { gone += 1; });
  writer.send(frame('x'.repeat(5 * 1024 * 1024)));
  await writer.ready();
  writer.send(frame('dropped'));
  await writer.flush();
  expect(gone).toBe(1);
});
