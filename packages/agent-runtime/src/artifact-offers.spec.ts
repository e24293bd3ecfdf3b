import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { FrameDecoder, type Artifact, type ArtifactInput, type Frame, type HostFacts } from '@hsmfleet/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArtifactOffers } from './artifact-offers.ts';
import { chooseArtifact } from './choose-artifact.ts';
import { FrameWriter } from './frame-writer.ts';

const RUN = 'run-00000001';
let folder: string;
let frames: Frame[];
let offers: ArtifactOffers;
let wake: () => void;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hsmfleet-offers-'));
  frames = [];
  wake = () => undefined;
  offers = makeOffers();
});
afterEach(() => { rmSync(folder, { recursive: true }); });

function makeOffers(): ArtifactOffers {
  const stream = new PassThrough();
  const decoder = new FrameDecoder();
  stream.on('data', (chunk: Buffer) => {
    frames.push(...decoder.push(chunk).map((frame) => (frame.kind === 'binary' ? { ...frame, bytes: Buffer.from(frame.bytes) } : frame)));
    wake();
  });
  return new ArtifactOffers(join(folder, 'state'), new FrameWriter(stream, () => undefined));
}

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const artifact = (bytes: Buffer | string): Artifact => ({
  name: 'lib', version: '1-1', architecture: 'amd64', format: 'deb', sha256: sha(bytes), size: Buffer.byteLength(bytes), buildHost: 'h', builtAt: '2026-01-01T00:00:00.000Z',
  inputsSha256: sha('in'), log: '', file: 'lib_1-1_amd64.deb',
});

function offer(bytes: Buffer | string, name = 'lib.deb'): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  offers.add(RUN, artifact(bytes), path);
  return path;
}

/** What was sent once `enough` holds: bytes joined, and JSON frames. */
async function sent(enough: () => boolean): Promise<{ bytes: Buffer; json: unknown[] }> {
  while (!enough()) await new Promise<void>((resolve) => { wake = resolve; });
  return {
    bytes: Buffer.concat(frames.flatMap((frame) => (frame.kind === 'binary' ? [frame.bytes] : []))),
    json: frames.flatMap((frame) => (frame.kind === 'json' ? [frame.value] : [])),
  };
}
const failed = () => sent(() => frames.some((frame) => frame.kind === 'json' && (frame.value as { type: string }).type === 'blob_failed'));

describe('a package that was told of', () => {
  it('is sent in pieces, after those asked for before', async () => {
    const large = Buffer.alloc(700_000, 'package');
    offer(large);
    offer('small', 'small.deb');
    offers.send(RUN, sha(large));
    offers.send(RUN, sha('small'));
    const { bytes, json } = await sent(() => frames.filter(({ kind }) => kind === 'binary').length === 4);
    expect(json).toEqual([{ type: 'blob', sha256: sha(large), size: 700_000 }, { type: 'blob', sha256: sha('small'), size: 5 }]);
    expect(sha(bytes)).toBe(sha(Buffer.concat([large, Buffer.from('small')])));
  });

  it('is told of once in a run, and known to a later process of the run', async () => {
    const path = offer('package');
    expect(offers.add(RUN, artifact('package'), path)).toBe(false);
    expect(offers.add('run-00000002', artifact('package'), path)).toBe(true);
    offers = makeOffers();
    offers.send(RUN, sha('package'));
    expect((await sent(() => frames.length === 2)).bytes.toString()).toBe('package');
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['was replaced by a link', (path) => { rmSync(path); symlinkSync('/etc/passwd', path); }, /ELOOP/],
    ['is gone', (path) => { rmSync(path); }, /ENOENT/],
    ['has another size', (path) => { writeFileSync(path, 'longer package'); }, /is not the file any more that was told of/],
    ['has other bytes', (path) => { writeFileSync(path, 'PACKAGE'); }, /has changed since it was told of/],
  ])('is refused when its file %s', async (_, change, reason) => {
    change(offer('package'));
    offers.send(RUN, sha('package'));
    const { json } = await failed();
    expect(json.at(-1)).toMatchObject({ type: 'blob_failed', sha256: sha('package'), reason: expect.stringMatching(reason) as unknown });
  });
});

describe('what was not told of', () => {
  it.each([['in this run', 'run-00000002'], ['because no run is served', undefined]])('is refused: not %s', async (_, run) => {
    offer('package');
    offers.send(run, sha('package'));
    expect((await failed()).json).toEqual([{ type: 'blob_failed', sha256: sha('package'), reason: 'this run has told of no package with this hash' }]);
  });
});

describe('the package that fits a host', () => {
  const candidate = (format: 'deb' | 'rpm' | 'arch', architecture: string) => ({ format, architecture, version: '1-1', inputsSha256: sha('in'), blob: { sha256: sha(format + architecture), size: 1, name: 'f' } });
  const input: ArtifactInput = {
    kind: 'artifact', name: 'lib', position: { file: 'p.yml', line: 3, column: 5 },
    candidates: [candidate('deb', 'all'), candidate('deb', 'amd64'), candidate('rpm', 'x86_64'), candidate('arch', 'any')],
  };
  const facts = (pkg_mgr: string, architecture: string) => ({ pkg_mgr, architecture }) as HostFacts;

  it.each([['apt', 'x86_64', 'deb amd64'], ['apt', 'aarch64', 'deb all'], ['dnf', 'x86_64', 'rpm x86_64'], ['pacman', 'aarch64', 'arch any']])('on %s and %s is %s', (manager, machine, expected) => {
    const { format, architecture } = chooseArtifact(input, facts(manager, machine));
    expect(`${format} ${architecture}`).toBe(expected);
  });

  it('may be none: with its place in the playbook', () => {
    expect(() => chooseArtifact(input, facts('dnf', 'aarch64'))).toThrow(expect.objectContaining({
      code: 'ARTIFACT_MISSING', message: 'no artefact "lib" fits this host (dnf, aarch64)', position: input.position,
      hint: 'there is 1-1 as deb for all, 1-1 as deb for amd64, 1-1 as rpm for x86_64, 1-1 as arch for any: build it on a host like this one',
    }) as Error);
    expect(() => chooseArtifact({ ...input, candidates: [], problem: { message: 'there is no artefact "lib"', hint: 'build it' } }, facts('apt', 'x86_64'))).toThrow('there is no artefact "lib"');
  });
});
