import { HsmfleetError, type CustodyProof, type EventBody, type ModuleRow, type PreparedToken, type TokenRow } from '@hsmfleet/contract';
import { proveToken } from '@hsmfleet/custody/prove-token';
import type { Custody, ModuleTarget, WriteHost } from '@hsmfleet/resource';
import type { CustodyClaims } from './custody-claims.ts';

/** The manifests of a plan, held against the tokens that tasks of this host use. */
export class CustodyCheck implements Custody {
  readonly #prepared: readonly PreparedToken[];
  readonly #claims: CustodyClaims;
  readonly #emit: (body: EventBody) => void;
  /** By what the token looked like: a token that was exchanged is looked at anew. */
  readonly #known = new Map<string, Promise<CustodyProof>>();

  constructor(prepared: readonly PreparedToken[], claims: CustodyClaims, emit: (body: EventBody) => void) {
    this.#prepared = prepared;
    this.#claims = claims;
    this.#emit = emit;
  }

  async prove(module: ModuleRow, token: TokenRow): Promise<void> {
    const looks = JSON.stringify([
      module.path, token.label, token.serial, token.keys.map(({ id, fingerprint }) => [id, fingerprint]), token.certificates.map(({ id, sha256 }) => [id, sha256]),
    ]);
    let proof = this.#known.get(looks);
    if (proof === undefined) {
      proof = this.#judge(module, token);
      this.#known.set(looks, proof);
    }
    const judged = await proof;
    if (judged.verdict !== 'proven') throw refuse(judged);
  }

  async #judge(module: ModuleRow, token: TokenRow): Promise<CustodyProof> {
    let proof = proveToken(this.#prepared, module.path, token, new Date().toISOString());
    if (proof.verdict === 'proven' && proof.manifest !== null) {
      const answer = await this.#claims.claim(proof.manifest);
      if (!answer.go) proof = { ...proof, verdict: 'elsewhere', differences: [answer.reason] };
    }
    this.#emit({ type: 'custody', proof });
    return proof;
  }
}

/**
 * The host with its custody: resources see it, and no PIN reaches a token that is not proven, whatever the tasks are and
 * in whatever order they come.
 */
export function withCustody(host: WriteHost, custody: Custody): WriteHost {
  async function proveLogin(target: ModuleTarget, label: string, serial?: string): Promise<void> {
    const module = await host.pkcs11.observe(target);
    // a token that is not there is the step's own failure
    const tokens = module.tokens.filter((token) => token.label === label && (serial === undefined || token.serial === serial));
    for (const token of tokens) await custody.prove(module, token);
  }
  return {
    ...host,
    custody,
    async execute(step, context) {
      if (step.kind === 'prove_pin') await proveLogin(step.module, step.tokenLabel, step.tokenSerial);
      if (step.kind === 'web_change') for (const { module, tokenLabel } of step.pins) await proveLogin(module, tokenLabel);
      return host.execute(step, context);
    },
  };
}

function refuse({ token, module, verdict, file, preparedBy, preparedAt, differences }: CustodyProof): HsmfleetError {
  const seen = `token "${token}" (${module})`;
  const details = { verdict, manifest: file, differences };
  if (verdict === 'unknown') {
    return new HsmfleetError('CUSTODY', `${seen} is none of those that were prepared: ${differences.join('; ')}`, {
      hint: 'is the right device in this host? if it is, give its manifest with --manifest; no PIN was given to it',
      details,
    });
  }
  if (verdict === 'elsewhere') {
    return new HsmfleetError('CUSTODY', `${seen} is the one of ${file ?? ''}, but ${differences.join('; ')}`, {
      hint: 'one of the two is a copy, or the device was moved during the run: look at both',
      details,
    });
  }
  return new HsmfleetError('CUSTODY', `${seen} is not as ${preparedBy ?? ''} prepared it at ${preparedAt ?? ''} (${file ?? ''}): ${differences.join('; ')}`, {
    hint: 'if it was changed on purpose, make a new manifest on the station; else do not use the device; no PIN was given to it',
    details,
  });
}
