import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeMessage } from './message.ts';
import { change, SAMPLE_CHANGES } from './testkit/sample-changes.ts';

describe('a message for people', () => {
  it('looks like this', async () => {
    const { subject, text } = composeMessage(SAMPLE_CHANGES);
    await expect(`${subject}\n\n${text}`).toMatchFileSnapshot('testdata/message.txt');
  });

  it('tells one change in its subject', () => {
    expect(composeMessage([change()]).subject).toBe('hsmfleet [critical]: web01: not met: the PKCS#11 module is proven read-only: module /usr/lib/opensc-pkcs11.so answers C_CreateObject');
  });

  it('has no severity when there is nothing but good news', () => {
    const { subject, severity } = composeMessage([change({ kind: 'resolved' }), change({ kind: 'host_back', control: null, host: 'web02', severity: null, title: 'web02 answers again' })]);
    expect(severity).toBeNull();
    expect(subject).toBe('hsmfleet: 1 resolved, 1 host back');
  });

  it('names a host that its change does not name', () => {
    expect(composeMessage([change({ title: 'the module is writable' })]).text).toContain('\n  web01: the module is writable\n');
    expect(composeMessage([change({ title: 'web01: the module is writable' })]).text).toContain('\n  web01: the module is writable\n');
  });

  it('stays short for a thousand hosts with one finding, and for a thousand findings of one host', () => {
    const hosts = Array.from({ length: 1_000 }, (_, index) => change({ host: `web${String(index)}`, key: String(index), title: `web${String(index)}: the module is writable` }));
    expect(composeMessage(hosts).text).toMatch(/the module is writable \(1000 hosts: web0 web1 .* web19 …\)/);
    expect(composeMessage(hosts).text.split('\n').length).toBeLessThan(6);
    const findings = Array.from({ length: 1_000 }, (_, index) => change({ key: String(index), title: `key ${String(index)} is weak` }));
    const { text, subject } = composeMessage(findings);
    expect(subject).toBe('hsmfleet [critical]: 1000 new findings');
    expect(text).toContain('… 950 more');
    expect(text.split('\n').length).toBeLessThan(60);
  });

  it('shows no more than the beginning of what a host says without end', () => {
    const { subject, text } = composeMessage([change({ title: 'x y '.repeat(100_000) }), change({ title: 'x y '.repeat(100_000), host: 'web02' })]);
    expect(text.length).toBeLessThan(1_000);
    expect(subject.length).toBeLessThan(150);
  });

  it('has the id of its changes, in whatever order, and every change one of its own', () => {
    const message = composeMessage(SAMPLE_CHANGES);
    expect(composeMessage(SAMPLE_CHANGES.toReversed()).id).toBe(message.id);
    expect(composeMessage(SAMPLE_CHANGES.slice(1)).id).not.toBe(message.id);
    expect(new Set(message.changes.map(({ id }) => id)).size).toBe(SAMPLE_CHANGES.length);
    expect(composeMessage([change()]).changes[0]?.id).toBe(composeMessage([change(), change({ host: 'web02', key: 'x' })]).changes[0]?.id);
    // a finding that comes back is another change than the first time
    expect(composeMessage([change({ check: 'later', at: '2026-11-25T14:00:23.000Z' })]).id).not.toBe(composeMessage([change()]).id);
  });

  it('holds no character that could forge a header or deceive a reader, whatever hosts say', () => {
    const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\r\nBcc: x@evil.example', '\u001b[2J', '\u202e', '\u0000', '\ud800', '\u2028', 'x'.repeat(1_000)));
    fc.assert(fc.property(fc.array(fc.record({ title: hostile, host: fc.option(hostile), control: fc.option(hostile), check: hostile, schedule: fc.option(hostile) }), { minLength: 1, maxLength: 5 }), (parts) => {
      const { subject, text } = composeMessage(parts.map((part) => change(part)));
      expect(subject).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
      expect(subject.length).toBeLessThanOrEqual(150);
      expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
    }), { numRuns: 50 });
  });
});
