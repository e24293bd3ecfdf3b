import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPinAuthority, type PinTicket } from './pin-authority.ts';

const PIN = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

/** Reads what is decided by now; `undecided` for those who still wait. */
async function decisions(tickets: PinTicket[]): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.all(tickets.map((ticket) => Promise.race([ticket.decided.then((d) => (d.decision === 'go' ? 'go' : d.reason)), Promise.resolve().then(() => Promise.resolve()).then(() => 'undecided')])));
}

describe('pin authority', () => {
  it('lets one canary try and then all others', async () => {
    const authority = createPinAuthority();
    const tickets = ['w1', 'w2', 'w3'].map((host) => authority.ask(host, PIN, 'T'));
    expect(await decisions(tickets)).toEqual(['go', 'undecided', 'undecided']);
    tickets[0]?.report('correct');
    expect(await decisions(tickets)).toEqual(['go', 'go', 'go']);
    expect(await decisions([authority.ask('w4', PIN, 'T')])).toEqual(['go']);
  });

  it('freezes a wrong PIN for the whole run and names the canary', async () => {
    const authority = createPinAuthority();
    const tickets = ['w1', 'w2'].map((host) => authority.ask(host, PIN, 'T1'));
    tickets[0]?.report('incorrect');
    const reason = 'the token "T1" on w1 answered that this PIN is wrong: it is not tried again in this run';
    expect(await decisions(tickets)).toEqual(['go', reason]);
    expect(await decisions([authority.ask('w1', PIN, 'T2'), authority.ask('w2', OTHER, 'T2')])).toEqual([reason, 'go']);
  });

  it('freezes a proven PIN when a later token calls it wrong', async () => {
    const authority = createPinAuthority();
    authority.ask('w1', PIN, 'T').report('correct');
    authority.ask('w2', PIN, 'T').report('incorrect');
    const [decision] = await decisions([authority.ask('w3', PIN, 'T')]);
    expect(decision).toContain('on w2');
  });

  it('passes the canary role on when nothing was tried or the canary was lost before', async () => {
    const authority = createPinAuthority();
    const tickets = ['w1', 'w2', 'w3', 'w4'].map((host) => authority.ask(host, PIN, 'T'));
    tickets[1]?.abandon();
    tickets[0]?.report('not_tried');
    expect(await decisions(tickets)).toEqual(['go', 'the host is gone', 'go', 'undecided']);
  });

  it('fails closed when a canary is lost after it was let go', async () => {
    const authority = createPinAuthority();
    const tickets = ['w1', 'w2'].map((host) => authority.ask(host, PIN, 'T'));
    tickets[0]?.abandon();
    expect((await decisions(tickets))[1]).toContain('not known');
    tickets[0]?.report('correct');
    expect((await decisions([authority.ask('w3', PIN, 'T')]))[0]).toContain('not known');
  });

  it('never lets two try an unproven PIN, nor anybody a frozen one, whatever the order of things', async () => {
    const step = fc.record({ host: fc.nat(7), act: fc.constantFrom('ask', 'correct', 'incorrect', 'not_tried', 'abandon') });
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const authority = createPinAuthority();
      const tickets = new Map<number, { ticket: PinTicket; going: boolean }>();
      let proven = false;
      let wrong = false;
      let trying = 0;
      const broken: string[] = [];
      for (const { host, act } of steps) {
        const asked = tickets.get(host);
        if (act === 'ask' && asked === undefined) {
          const entry = { ticket: authority.ask(String(host), PIN, 'T'), going: false };
          tickets.set(host, entry);
          void entry.ticket.decided.then(({ decision }) => {
            if (decision === 'refused') return;
            if (wrong) broken.push(`${String(host)} was let go with a frozen PIN`);
            entry.going = true;
            trying += 1;
            if (!proven && trying > 1) broken.push(`${String(host)} was let go beside the canary`);
          });
        } else if (asked !== undefined && (act === 'abandon' || (asked.going && act !== 'ask'))) {
          tickets.delete(host);
          if (asked.going) {
            trying -= 1;
            // before the authority hears of it, for it answers the others at once
            if (act === 'incorrect' || act === 'abandon') wrong = true;
            else if (act === 'correct') proven = true;
          }
          if (act === 'abandon') asked.ticket.abandon();
          else asked.ticket.report(act as 'correct');
        }
        await Promise.resolve().then(() => undefined);
      }
      expect(broken).toEqual([]);
    }), { numRuns: 200 });
  });

  it('counts only the first report of a ticket', async () => {
    const authority = createPinAuthority();
    const canary = authority.ask('w1', PIN, 'T');
    canary.report('incorrect');
    canary.report('correct');
    expect((await decisions([authority.ask('w2', PIN, 'T')]))[0]).toContain('wrong');
  });
});
