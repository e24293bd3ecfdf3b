import { suggestion, type MapEntry } from '@hsmfleet/yaml-source';
import type { BatchPause } from './model.ts';
import type { NodeReader } from './node-reader.ts';

const PAUSE_KEYS = ['seconds', 'minutes', 'prompt', 'after'] as const;

/** `serial_pause: {minutes: 5, prompt: …, after: first}` of a play. */
export function readBatchPause(entry: MapEntry, reader: NodeReader): BatchPause | undefined {
  const pause: BatchPause = { after: 'each' };
  for (const { key, keyNode, value } of reader.mapping(entry.value, 'serial_pause')) {
    const given = reader.known(value);
    if (given === undefined) continue;
    if (key === 'seconds' || key === 'minutes') {
      const number = Number(given);
      if (!(number >= 0) || number > 1_000_000) reader.fail(`${key} of serial_pause must be a number from 0 up`, value ?? keyNode);
      else pause.seconds = (pause.seconds ?? 0) + number * (key === 'minutes' ? 60 : 1);
    } else if (key === 'prompt' && typeof given === 'string') pause.prompt = given;
    else if (key === 'after' && (given === 'first' || given === 'each')) pause.after = given;
    else if (key === 'after') reader.fail('after of serial_pause must be first or each', value ?? keyNode);
    else reader.fail(key === 'prompt' ? 'prompt of serial_pause must be text' : `"${key}" is not a key of serial_pause`, keyNode, suggestion(key, PAUSE_KEYS));
  }
  if (pause.seconds !== undefined || pause.prompt !== undefined) return pause;
  return reader.fail('serial_pause says neither how long nor what to ask', entry.value ?? entry.keyNode, 'for example {minutes: 5} or {prompt: "look at the first host; go on?", after: first}');
}

/** `rollback_batch: true` of a play. */
export function readRollback(entry: MapEntry, reader: NodeReader): 'proof' | 'any' | undefined {
  const given = reader.known(entry.value);
  if (given === undefined || given === false || given === 'false' || given === 'no') return undefined;
  if (given === true || given === 'true' || given === 'yes' || given === 'proof') return 'proof';
  if (given === 'any') return 'any';
  return reader.fail('rollback_batch must be true, false or any', entry.value ?? entry.keyNode, 'true: a site that does not serve; any: also any other failure of a host of the batch');
}
