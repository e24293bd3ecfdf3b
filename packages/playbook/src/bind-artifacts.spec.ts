import { describe, expect, it } from 'vitest';
import { bindArtifacts, findArtifact, type KnownArtifact } from './bind-artifacts.ts';
import { compile, mistakesOf, tasksOf, tasksOfPlan } from './test-playbook.ts';

const known = (version: string, more: Partial<KnownArtifact> = {}): KnownArtifact => ({
  name: 'libp11', version, architecture: 'amd64', format: 'deb', sha256: version.replaceAll(/[^0-9]/g, '').padEnd(64, 'a'), size: 3, inputsSha256: 'f'.repeat(64),
  file: `libp11_${version}_amd64.deb`, path: '/blobs/x', ...more,
});
const PLAY = '- hosts: web\n  tasks:\n';
const INSTALL = `${PLAY}    - package:\n        artifact: libp11\n`;

describe('finding a package by name', () => {
  it('takes the one told of last of each format and architecture', () => {
    const found = findArtifact('libp11', undefined, [
      known('2.11-1'), known('2.12-1'), known('2.12-1', { architecture: 'arm64' }), known('2.12-1', { format: 'rpm', architecture: 'x86_64' }), known('9-1', { name: 'other' }),
    ]);
    expect(found.candidates.map(({ format, architecture, version }) => [format, architecture, version])).toEqual([['deb', 'amd64', '2.11-1'], ['deb', 'arm64', '2.12-1'], ['rpm', 'x86_64', '2.12-1']]);
    expect(found.candidates[0]?.blob).toEqual({ sha256: known('2.11-1').sha256, size: 3, name: 'libp11_2.11-1_amd64.deb' });
  });

  it.each(['2.12', '2.12-1', '1:2.12-1'])('takes version %s with or without epoch and revision', (version) => {
    expect(findArtifact('libp11', version, [known('2.11-1'), known('1:2.12-1')]).candidates.map((each) => each.version)).toEqual(['1:2.12-1']);
  });

  it('takes no version that only begins so', () => {
    expect(findArtifact('libp11', '2.1', [known('2.12-1')]).problem).toEqual({ message: 'there is no artefact "libp11" in version 2.1', hint: 'there is 2.12-1' });
  });

  it.each<[string, KnownArtifact[], string, string]>([
    ['none was built', [], 'there is no artefact "libp11"', 'none was built yet: a task with source_package builds one'],
    ['only others were built', [known('1', { name: 'libp12' }), known('1', { name: 'zlib' })], 'there is no artefact "libp11"', 'did you mean "libp12"? there is libp12, zlib; hsmfleet artifacts tells more'],
    ['its file is gone', [known('2-1', { path: undefined })], 'the file of the artefact "libp11" 2-1 is not here', 'run the playbook that builds it again: what is built is only fetched'],
  ])('says so when %s', (_, artifacts, message, hint) => {
    expect(findArtifact('libp11', undefined, artifacts)).toEqual({ candidates: [], problem: { message, hint } });
  });
});

describe('a task that installs a package by name', () => {
  it('is a mistake, with its place, when there is none and no task builds it', async () => {
    const [mistake, ...more] = await mistakesOf(INSTALL, {}, { artifacts: () => [known('1', { name: 'libp12' })] });
    expect(more).toEqual([]);
    expect(mistake).toMatchObject({
      code: 'ARTIFACT_MISSING', message: 'there is no artefact "libp11"', position: { line: 4, column: 19 }, excerpt: '        artifact: libp11',
      hint: 'did you mean "libp12"? there is libp12; hsmfleet artifacts tells more',
    });
    expect(await mistakesOf(`${PLAY}    - package: {artifact: libp12, version: "2"}\n`, {}, { artifacts: () => [known('1-1', { name: 'libp12' })] }))
      .toMatchObject([{ message: 'there is no artefact "libp12" in version 2', hint: 'there is 1-1' }]);
  });

  it.each(['libp11', '"{{ given }}"'])('waits for the task that builds it (%s)', async (name) => {
    const build = `- hosts: db\n  vars: {given: libp11}\n  tasks:\n    - source_package: {name: ${name}}\n`;
    expect(await mistakesOf(build + INSTALL, {}, { artifacts: () => [] })).toEqual([]);
    expect(await mistakesOf(build.replaceAll('libp11', 'zlib').replace('"{{ given }}"', 'zlib') + INSTALL, {}, { artifacts: () => [] })).toHaveLength(1);
  });

  it('must know which before the run', async () => {
    expect(await mistakesOf(`${PLAY}    - package: {artifact: "{{ ansible_facts.os_family }}"}\n`)).toMatchObject([{ message: 'which artefact package.artifact names must be known before the run starts' }]);
    expect(await mistakesOf(`${PLAY}    - package: {artifact: libp11, version: "{{ ansible_facts.os_family }}"}\n`)).toMatchObject([{ message: 'which version of the artefact "libp11" is wanted must be known before the run starts' }]);
  });

  it('gets what there is right before its plan is sent', async () => {
    const compiled = await compile(`${PLAY}    - package: {artifact: "{{ p }}", version: "{{ v }}"}\n  vars: {p: libp11, v: 2.12}\n`);
    const plan = compiled.plays[0]?.plans.get('a');
    if (plan === undefined) throw new Error('no plan');
    expect(tasksOfPlan(plan)[0]?.inputs?.artifact).toMatchObject({ kind: 'artifact', name: 'libp11', version: '2.12', candidates: [] });
    const bound = await bindArtifacts(plan, () => [known('2.12-1')]);
    expect(tasksOfPlan(bound)[0]?.inputs?.artifact).toMatchObject({ candidates: [{ version: '2.12-1' }] });
    expect(tasksOfPlan(bound)[0]?.inputs?.artifact).not.toHaveProperty('problem');
    expect(tasksOfPlan(plan)[0]?.inputs?.artifact).toMatchObject({ candidates: [] });
    expect(tasksOfPlan(await bindArtifacts({ ...plan, check: true }, () => []))[0]?.inputs?.artifact).toMatchObject({ problem: { hint: 'none was built yet: a task with source_package builds one; check mode builds nothing, so build it first' } });
  });

  it('is the only kind of task for which the store is asked', async () => {
    const [task] = await tasksOf(`${PLAY}    - debug: {msg: hello}\n`);
    const plan = { tasks: [task], handlers: [] } as never;
    expect(await bindArtifacts(plan, () => { throw new Error('asked'); })).toBe(plan);
  });
});
