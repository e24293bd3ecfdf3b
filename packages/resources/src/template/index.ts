import { HsmfleetError, Secret } from '@hsmfleet/contract';
import { defineResource } from '@hsmfleet/resource';
import { inspectContent, planContent, textContent, type ContentFacts } from '../file/file-content.ts';
import { TemplateParams } from './schema.ts';

export const resource = defineResource<TemplateParams, ContentFacts>({
  name: 'template',
  summary: 'A file rendered from a Jinja template of the control host.',
  params: TemplateParams,
  files: { src: 'template' },
  examples: [
    { title: 'A configuration file', yaml: 'template:\n  src: templates/fleet.conf.j2\n  dest: /etc/apache2/conf-available/fleet.conf\n  mode: "0644"\n' },
  ],

  async inspect(host, params, inputs) {
    const { src } = inputs;
    if (src === undefined) throw new HsmfleetError('INTERNAL', 'the template did not travel with the plan');
    const text = (await src.read()).toString('utf8');
    const { content, sha256 } = textContent(src.secret ? new Secret(text, `the template ${src.name}`) : text);
    return inspectContent(host, params, src.name, content, sha256);
  },

  plan: planContent,
});
