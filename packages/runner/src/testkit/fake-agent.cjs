/*
 * Stands in for the agent in the runner's specs. A double and not the real one, since these specs are about what the
 * runner does when an agent crashes, babbles, hangs or is cut off, which the real agent does not do on demand.
 * What to do is in the plan: vars.fake. Speaks the frames of packages/contract/src/frame.ts.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- it runs as agent.js outside of any package: CommonJS */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const state = process.argv[process.argv.indexOf('--state') + 1];
const started = Date.now();
let run;
let connected = true;

function send(value) {
  if (!connected) return;
  const payload = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(5);
  header.writeUInt32BE(payload.length, 0);
  process.stdout.write(Buffer.concat([header, payload]));
}
function sendBytes(payload) {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(payload.length, 0);
  header[4] = 1;
  process.stdout.write(Buffer.concat([header, payload]));
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const journal = () => path.join(state, 'runs', run.run, 'journal.ndjson');

function tell(body) {
  const event = { seq: run.seq++, at: new Date().toISOString(), run: run.run, host: run.host, ...body };
  fs.appendFileSync(journal(), `${JSON.stringify(event)}\n`);
  send({ type: 'event', event });
}
function task(id, outcome, more = {}) {
  tell({ type: 'task_finished', task: id, name: id, resource: 'debug', handler: false, outcome, ignored: false, durationMs: 1, changes: [], warnings: [], diffs: [], ...more });
}
function done(play, status) {
  fs.appendFileSync(journal(), `${JSON.stringify({ done: play, status })}\n`);
  send({ type: 'done', play, status });
}

const sha256 = (text) => require('node:crypto').createHash('sha256').update(text).digest('hex');
const offers = () => path.join(path.dirname(journal()), 'offers.json');
/** Tells of packages, as vars.fake.artifacts names them: { text, how }. */
function offer(artifacts) {
  fs.writeFileSync(offers(), JSON.stringify(artifacts));
  for (const { text, name = 'lib' } of artifacts) {
    tell({ type: 'artifact', artifact: {
      name, version: '1-1', architecture: 'amd64', format: 'deb', sha256: sha256(text), size: text.length, buildHost: run.host,
      builtAt: '2026-01-01T00:00:00.000Z', inputsSha256: sha256('in'), log: 'made\n', file: 'lib_1-1_amd64.deb',
    } });
  }
}
async function giveArtifact(wanted) {
  const { text, how } = JSON.parse(fs.readFileSync(offers(), 'utf8')).find((one) => sha256(one.text) === wanted);
  const met = path.join(state, `met-${wanted}`);
  if (how === 'refuse') return send({ type: 'blob_failed', sha256: wanted, reason: 'it was deleted' });
  if (how === 'silent') return undefined;
  if (how === 'other') return send({ type: 'blob', sha256: sha256('other'), size: 5 });
  if (how === 'dies' && !fs.existsSync(met)) {
    fs.writeFileSync(met, '');
    await pause(200);
    send({ type: 'blob', sha256: wanted, size: text.length });
    sendBytes(Buffer.from(text.slice(1)));
    return setTimeout(() => process.exit(5), 50);
  }
  send({ type: 'blob', sha256: wanted, size: text.length });
  sendBytes(Buffer.from(how === 'wrong' ? text.toUpperCase() : text));
}

const waiting = {};
async function runPlan(plan) {
  run = { run: plan.run, host: plan.host, seq: run?.seq ?? 0, cancelled: false };
  fs.mkdirSync(path.dirname(journal()), { recursive: true });
  const { fake = {} } = plan.vars;
  const play = plan.play.index;
  const blobs = [...plan.tasks].flatMap((one) => Object.values(one.inputs ?? {})).map((input) => input.blob.sha256);
  if (fake.busy) return send({ type: 'busy', run: 'another-run', user: 'bob', since: '2026-01-01T00:00:00.000Z' });
  if (fake.error) return send({ type: 'error', error: fake.error });
  if (fake.raw) return process.stdout.write(fake.raw);
  if (fake.event) send({ type: 'event', event: { seq: 0, at: '', run: plan.run, host: plan.host, type: 'warning', message: '', ...fake.event } });
  if (fake.say) tell({ type: 'warning', message: fake.say });
  if (fake.artifacts) offer(fake.artifacts);
  if (blobs.length > 0) {
    send({ type: 'need_blobs', sha256: fake.wants ?? blobs });
    const bytes = await new Promise((resolve) => { waiting.blobs = { left: blobs.length, bytes: [], resolve }; });
    task('blobs', 'changed', { message: require('node:crypto').createHash('sha256').update(bytes).digest('hex') });
  }
  if (fake.pin) {
    send({ type: 'pin_request', request: 1, pin: fake.pin, token: `token-${plan.host}` });
    const reply = await new Promise((resolve) => { waiting.pin = resolve; });
    if (reply.decision === 'go') {
      fs.appendFileSync(path.join(state, 'logins'), `${plan.host}\n`);
      if (fake.dieAfterGo) process.exit(9);
      await pause(20);
      send({ type: 'pin_result', request: 1, outcome: fake.outcome });
      task('login', fake.outcome === 'correct' ? 'ok' : 'failed', fake.outcome === 'correct' ? {} : { error: { code: 'PIN_INCORRECT', message: 'wrong' } });
    } else task('login', 'refused', { error: { code: 'PIN_REFUSED', message: reply.reason } });
    return done(play, reply.decision === 'go' && fake.outcome === 'correct' ? 'ok' : reply.decision === 'go' ? 'failed' : 'refused');
  }
  for (let n = 0; n < (fake.tasks ?? 1); n += 1) {
    if (run.cancelled) return done(play, 'stopped');
    task(`${play}.t${n}`, 'ok');
    if (fake.crashAfter === n) {
      process.stderr.write(`boom ${fake.secret ?? ''}\n`);
      process.exit(3);
    }
    await pause(fake.pause ?? 0);
  }
  if (fake.fail) task(`${play}.fail`, 'failed', { error: { code: 'TASK_FAILED', message: 'told to' } });
  tell({ type: 'host_finished', play, status: fake.fail ? 'failed' : 'ok' });
  done(play, fake.fail ? 'failed' : 'ok');
}

async function attach({ run: id, afterSeq }) {
  run = { run: id };
  if (!fs.existsSync(journal())) return send({ type: 'error', error: { code: 'AGENT', message: `no such run ${id}` } });
  for (let told = 0; ; await pause(20)) {
    const lines = fs.readFileSync(journal(), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    for (; told < lines.length; told += 1) {
      const line = lines[told];
      if (line.done !== undefined) return send({ type: 'done', play: line.done, status: line.status });
      // one event too many, as an agent may send around the cut
      if (line.seq >= afterSeq) send({ type: 'event', event: line });
    }
  }
}

let buffer = Buffer.alloc(0);
function receive(frame, bytes) {
  if (bytes !== undefined) {
    waiting.blobs.bytes.push(Buffer.from(bytes));
    waiting.blobs.size -= bytes.length;
    if (waiting.blobs.size === 0) waiting.blobs.left -= 1;
    if (waiting.blobs.left === 0) waiting.blobs.resolve(Buffer.concat(waiting.blobs.bytes));
  } else if (frame.type === 'plan') void runPlan(frame.plan);
  else if (frame.type === 'blob') waiting.blobs.size = frame.size;
  else if (frame.type === 'fetch_blob') void giveArtifact(frame.sha256);
  else if (frame.type === 'attach') void attach(frame);
  else if (frame.type === 'pin_reply') waiting.pin(frame);
  else if (frame.type === 'cancel') run.cancelled = true;
  else if (frame.type === 'bye') process.exit(0);
}
process.stdin.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  while (buffer.length >= 5 && buffer.length >= 5 + buffer.readUInt32BE(0)) {
    const payload = buffer.subarray(5, 5 + buffer.readUInt32BE(0));
    const binary = buffer[4] === 1;
    buffer = buffer.subarray(5 + payload.length);
    if (binary) receive(undefined, payload);
    else receive(JSON.parse(payload.toString()));
  }
});
process.stdin.on('end', () => { connected = false; });
process.stdin.on('error', () => { connected = false; });
process.stdout.on('error', () => { connected = false; });
fs.appendFileSync(path.join(state, 'starts'), `${started}\n`);
send({ type: 'hello', protocol: Number(process.env.FAKE_PROTOCOL ?? 2), agent: '0.0.0-fake', node: process.version, platform: 'linux-x64-glibc', capabilities: [] });
