import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { inspectContent, planContent, textContent, type ContentFacts } from '../file/file-content.ts';
import { CopyParams } from './schema.ts';

export const resource = defineResource<CopyParams, ContentFacts>({
  name: 'copy',
  summary: 'A file with the contents of a file of the control host, or with contents written in the playbook.',
  params: CopyParams,
  files: { src: 'blob' },
  secretFiles: ['src'],
  examples: [
    { title: 'A file of the control host', yaml: 'copy:\n  src: files/logo.png\n  dest: /var/www/html/logo.png\n  mode: "0644"\n' },
    { title: 'Contents in the playbook', yaml: 'copy:\n  content: "managed by hsmfleet\\n"\n  dest: /etc/motd\n' },
  ],

  async inspect(host, params, inputs) {
    const { src } = inputs;
    if (src?.secret === true) {
      const text = new Secret((await src.read()).toString('base64'), `the file ${src.name}`);
      return inspectContent(host, params, src.name, { from: 'secret', text, encoding: 'base64' }, src.sha256);
    }
    if (src !== undefined) return inspectContent(host, params, src.name, { from: 'blob', sha256: src.sha256 }, src.sha256);
    if (params.content === undefined) {
      throw new HsmfleetError('PARAMS_INVALID', 'copy has neither src nor content', { hint: 'give one of them' });
    }
    const { content, sha256 } = textContent(contentText(params.content));
    return inspectContent(host, params, undefined, content, sha256);
  },

  plan: planContent,
});

/** Text as it is, other values as JSON, as Ansible does; secret as soon as a part of it is. */
function contentText(value: unknown): string | Secret {
  if (typeof value === 'string' || value instanceof Secret) return value;
  let origin: string | undefined;
  const open = (part: unknown): unknown => {
    if (part instanceof Secret) {
      origin = part.origin;
      return part.reveal();
    }
    if (Array.isArray(part)) return part.map(open);
    if (part !== null && typeof part === 'object') return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, open(item)]));
    return part;
  };
  const text = JSON.stringify(open(value));
  return origin === undefined ? text : new Secret(text, origin);
}
