import type { Attributes, PackageSource, Step } from '@hsmfleet/resource';
import { formatMode } from '@hsmfleet/resource';

/** One line for people about one step. Holds no contents, so no secret. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'write_file':
      return `write ${step.path}${attributesText(step)}`;
    case 'make_directory':
      return `make directory ${step.path}${attributesText(step)}`;
    case 'set_attributes':
      return `set ${step.path}${attributesText(step)}${step.recursive === true ? ' and all below' : ''}`;
    case 'make_link':
      return `link ${step.path} -> ${step.target}`;
    case 'remove':
      return `remove ${step.path}`;
    case 'run':
    case 'web_change':
    case 'measure_site':
      return step.why;
    case 'service':
      return `${step.action} ${step.unit}`;
    case 'prove_pin':
      return `prove the PIN on token ${step.tokenLabel} with one login`;
    case 'build_package':
      return `build ${step.name} ${step.version}-${step.revision} from ${sourceText(step.source)} (${step.format} package)`;
  }
}

function sourceText(source: PackageSource): string {
  return source.from === 'blob' ? source.name : source.from === 'url' ? source.url : source.path;
}

function attributesText({ mode, owner, group }: Attributes): string {
  const words = [
    ...(mode === undefined ? [] : [`mode ${formatMode(mode)}`]),
    ...(owner === undefined ? [] : [`owner ${owner}`]),
    ...(group === undefined ? [] : [`group ${group}`]),
  ];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}
