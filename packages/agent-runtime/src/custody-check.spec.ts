import type { AgentFrame, EventBody, ModuleRow, PreparedToken, TokenRow } from '@hsmfleet/contract';
import { Secret } from '@hsmfleet/contract';
import type { ExecuteContext, Step, WriteHost } from '@hsmfleet/resource';
import { expect, test } from 'vitest';
import { CustodyCheck, withCustody } from './custody-check.ts';
import { FrameCustodyClaims, type ClaimAnswer } from './custody-claims.ts';

const hash = (digit: string): string => digit.repeat(64);
const token = { label: 'Web', serial: 'S1', identity: hash('9'), keys: [{ id: '01', label: 'k', class: 'pair', type: 'ec', bits: 256, curve: 'prime256v1', fingerprint: hash('a'), sensitive: null, extractable: null }], certificates: [] } as unknown as TokenRow;
const stranger = { ...token, label: 'Other', serial: 'S2', keys: [] } as TokenRow;
const module = { path: '/p11.so', tokens: [token, stranger] } as unknown as ModuleRow;
const prepared: PreparedToken = { manifest: hash('1'), file: 'web.json', label: 'Web', serial: 'S1', preparedBy: 'op', preparedAt: '2026-03-01', keys: [{ id: '01', fingerprint: hash('a') }], certificates: [] };

function check(answer: ClaimAnswer = { go: true }): { custody: CustodyCheck; events: EventBody[]; claimed: string[] } {
  const events: EventBody[] = [];
  const claimed: string[] = [];
  const claims = { claim: (manifest: string) => { claimed.push(manifest); return Promise.resolve(answer); } };
  return { custody: new CustodyCheck([prepared], claims, (body) => events.push(body)), events, claimed };
}

test('a prepared token is proven and claimed once, and told once', async () => {
  const { custody, events, claimed } = check();
  await custody.prove(module, token);
  await custody.prove(module, token);
  expect(claimed).toEqual([hash('1')]);
  expect(events).toEqual([{ type: 'custody', proof: expect.objectContaining({ verdict: 'proven', token: 'Web', file: 'web.json' }) as unknown }]);
});

test('a token that was exchanged meanwhile is looked at anew', async () => {
  const { custody, events } = check();
  await custody.prove(module, token);
  const exchanged = { ...token, keys: [{ ...(token.keys[0] as TokenRow['keys'][number]), fingerprint: hash('b') }] };
  await expect(custody.prove(module, exchanged)).rejects.toMatchObject({ code: 'CUSTODY', message: expect.stringContaining('key 01 "k"') as string });
  expect(events.map((event) => event.type === 'custody' && event.proof.verdict)).toEqual(['proven', 'differs']);
});

test('strangers are refused, and so is a token that another host has', async () => {
  await expect(check().custody.prove(module, stranger)).rejects.toMatchObject({ code: 'CUSTODY', message: expect.stringMatching(/token "Other" \(\/p11.so\) is none of those that were prepared: it has serial S2, keys none; prepared were web.json/) as string });
  const { custody, events } = check({ go: false, reason: 'web01 has it as well, in this run' });
  await expect(custody.prove(module, token)).rejects.toMatchObject({ message: 'token "Web" (/p11.so) is the one of web.json, but web01 has it as well, in this run' });
  expect(events).toMatchObject([{ proof: { verdict: 'elsewhere' } }]);
});

test('no PIN reaches a token that is not proven, whatever step carries it', async () => {
  const executed: string[] = [];
  const host = {
    pkcs11: { observe: () => Promise.resolve(module) },
    execute: (step: Step) => { executed.push(step.kind); return Promise.resolve({ step, startedAt: '', durationMs: 0 }); },
  } as unknown as WriteHost;
  const { custody } = check();
  const guarded = withCustody(host, custody);
  const context = {} as ExecuteContext;
  const pin = new Secret('648219');
  const login = (tokenLabel: string): Step => ({ kind: 'prove_pin', module: { path: '/p11.so' }, tokenLabel, pin });
  const change = (tokenLabel: string): Step => ({ kind: 'web_change', changes: [], apply: 'restart', start: true, proofs: [], why: '', pins: [{ file: '/pin', module: { path: '/p11.so' }, tokenLabel, pin }] });
  await guarded.execute(login('Web'), context);
  await guarded.execute(change('Web'), context);
  await expect(guarded.execute(login('Other'), context)).rejects.toMatchObject({ code: 'CUSTODY' });
  await expect(guarded.execute(change('Other'), context)).rejects.toMatchObject({ code: 'CUSTODY' });
  // what is not there is the step's own failure
  await guarded.execute(login('Absent'), context);
  expect(executed).toEqual(['prove_pin', 'web_change', 'prove_pin']);
  expect(guarded.custody).toBe(custody);
});

test('claims are asked in frames, and refused once the control host is gone', async () => {
  const sent: AgentFrame[] = [];
  const claims = new FrameCustodyClaims((frame) => sent.push(frame));
  const [first, second, third] = [claims.claim(hash('1')), claims.claim(hash('2')), claims.claim(hash('3'))];
  expect(sent[1]).toEqual({ type: 'custody_claim', request: 2, manifest: hash('2') });
  claims.answer(2, false, 'web01 has it');
  claims.answer(1, true, undefined);
  claims.answer(9, true, undefined);
  claims.close();
  expect(await Promise.all([first, second, third, claims.claim(hash('4'))])).toEqual([
    { go: true }, { go: false, reason: 'web01 has it' }, ...Array<unknown>(2).fill({ go: false, reason: expect.stringContaining('cannot be asked') as string }),
  ]);
});
