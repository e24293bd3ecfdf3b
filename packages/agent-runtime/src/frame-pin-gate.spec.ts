import { createHmac } from 'node:crypto';
import { Secret, type AgentFrame } from '@hsmfleet/contract';
import { expect, test } from 'vitest';
import { FramePinGate } from './frame-pin-gate.ts';

function gate(): { pins: FramePinGate; sent: AgentFrame[] } {
  const sent: AgentFrame[] = [];
  return { pins: new FramePinGate('run-00000001', (frame) => sent.push(frame)), sent };
}
const pin = new Secret('648219');

test('asks with a keyed hash, never the PIN, and reports once', async () => {
  const { pins, sent } = gate();
  const asked = pins.ask(pin, 'web token');
  expect(sent).toEqual([{ type: 'pin_request', request: 1, token: 'web token', pin: createHmac('sha256', 'run-00000001').update('648219').digest('hex') }]);
  pins.answer(1, true, undefined);
  const permit = await asked;
  if (!permit.go) throw new Error('refused');
  permit.report('correct');
  permit.report('incorrect');
  expect(sent.slice(1)).toEqual([{ type: 'pin_result', request: 1, outcome: 'correct' }]);
});

test('a refusal carries the reason', async () => {
  const { pins } = gate();
  const asked = pins.ask(pin, 't');
  pins.answer(1, false, 'the canary found it wrong');
  expect(await asked).toEqual({ go: false, reason: 'the canary found it wrong' });
});

test('a PIN that was wrong once is refused from then on without asking; another PIN is not', async () => {
  const { pins, sent } = gate();
  const asked = pins.ask(pin, 't');
  pins.answer(1, true, undefined);
  const permit = await asked;
  if (permit.go) permit.report('incorrect');
  expect((await pins.ask(new Secret('648219'), 'another token')).go).toBe(false);
  expect(sent.filter((frame) => frame.type === 'pin_request')).toHaveLength(1);
  void pins.ask(new Secret('111111'), 't');
  expect(sent.filter((frame) => frame.type === 'pin_request')).toHaveLength(2);
});

test('without a control host every answer is no: to what was asked and to what will be', async () => {
  const { pins, sent } = gate();
  const asked = pins.ask(pin, 't');
  pins.close();
  expect((await asked).go).toBe(false);
  expect((await pins.ask(pin, 't')).go).toBe(false);
  expect(sent).toHaveLength(1);
});
