import type { Deferred } from '@hsmfleet/contract';
import { Secret } from '@hsmfleet/contract';
import type { BlockNode, BodyNode, Expression, ForNode, FromImportNode, IfNode, ImportNode, IncludeNode, KeywordArgsNode, SetNode, Statement, SymbolNode, TemplateTag } from './ast.ts';
import { Evaluator } from './evaluate.ts';
import { elementsOf } from './filters/collections.ts';
import { isNamespace } from './globals.ts';
import { defined, OperationFailure, typeName, Undefined, type Callable, type Mapping, type Operand } from './operand.ts';
import { parsed } from './place.ts';
import { toText } from './represent.ts';
import { parseText } from './syntax.ts';
import { reveal } from './taint.ts';
import { nodesOf } from './walk.ts';

/** A block of a template, and who renders it. */
interface BlockDefinition {
  body: BodyNode;
  renderer: Renderer;
}

/** Text put out so far, and the origin of a secret that went into it. */
interface Output {
  text: string;
  origin: string | undefined;
}

/** Evaluates statements into text. */
export class Renderer extends Evaluator {
  #out: Output = { text: '', origin: undefined };
  /** Definitions of each block, that of the template which extends the others first. */
  #blocks = new Map<string, BlockDefinition[]>();
  /** The template that this one extends, once its tag was met. */
  #parent: Deferred | undefined;

  /** Renders a whole template: what it extends is put around its blocks. */
  template(body: BodyNode): string | Secret {
    for (const node of nodesOf(body)) {
      if (node.typename !== 'Block') continue;
      const definitions = this.#blocks.get(node.name.value) ?? [];
      this.#blocks.set(node.name.value, [...definitions, { body: node.body, renderer: this }]);
    }
    const text = this.render(body);
    if (this.#parent === undefined) return text;
    const { renderer, node } = this.#open(this.#parent, [...this.frames]);
    renderer.#blocks = this.#blocks;
    return renderer.template(node);
  }

  render(body: BodyNode): string | Secret {
    return this.#captured(() => {
      this.#body(body);
    });
  }

  protected override block(node: Expression): Operand {
    if (node.typename === 'Capture') return this.render(node.body);
    if (node.typename === 'Caller') return this.#macro(node.args.children, node.body);
    return super.block(node);
  }

  #captured(write: () => void): string | Secret {
    const before = this.#out;
    this.#out = { text: '', origin: undefined };
    try {
      write();
      const { text, origin } = this.#out;
      return origin === undefined ? text : new Secret(text, origin);
    } finally {
      this.#out = before;
    }
  }

  #body(body: BodyNode): void {
    for (const child of body.children) this.#statement(child);
  }

  #statement(node: Statement): void {
    switch (node.typename) {
      case 'Output':
        for (const child of node.children) {
          if (child.typename === 'TemplateData') this.#out.text += child.value;
          else this.#write(defined(this.evaluate(child)), child);
        }
        return;
      case 'If': this.#if(node); return;
      case 'For': this.#for(node); return;
      case 'Set': this.#set(node); return;
      case 'With':
        this.#within(() => {
          const values = node.pairs.map(({ key, value }) => [key.value, this.evaluate(value)] as const);
          for (const [name, value] of values) this.#frame.set(name, value);
          this.#body(node.body);
        });
        return;
      case 'Include': this.#include(node); return;
      case 'Import': this.#frame.set(node.target.value, this.#exports(node)); return;
      case 'FromImport': {
        const exported = this.#exports(node);
        for (const each of node.names.children) {
          const [name, alias] = each.typename === 'Pair' ? [(each.key as SymbolNode).value, (each.value as SymbolNode).value] : [each.value, each.value];
          const missing = new Undefined(this.around.problem('UNDEFINED_VARIABLE', `the template that is imported does not define "${name}"`, node));
          this.#frame.set(alias, Object.hasOwn(exported, name) ? (exported[name] as Operand) : missing);
        }
        return;
      }
      case 'Extends': this.#parent = this.#find(node); return;
      case 'Block': this.#block(node); return;
      case 'Macro': this.#frame.set(node.name.value, this.#macro(node.args.children, node.body)); return;
      default: this.#body(node);
    }
  }

  /** The template that a tag names. */
  #find(node: TemplateTag & { ignoreMissing?: boolean }): Deferred | undefined {
    const wanted = reveal(this.evaluate(node.template)).value;
    const names = [wanted].flat().map((name) => {
      if (typeof name !== 'string') throw this.around.problem('TEMPLATE_INVALID', `the name of a template is a text, not ${typeName(name)}`, node);
      return name;
    });
    for (const name of names) {
      const found = this.around.template(name);
      if (found !== undefined) return found;
    }
    if (node.ignoreMissing === true) return undefined;
    throw this.around.problem('FILE_MISSING', `there is no template "${names.join('" or "')}" to ${node.typename.replace('FromImport', 'import').toLowerCase()}`, node,
      'names are relative to the template, and to the folders of templates; they must stand in the text, since all are read before the run');
  }

  #open(template: Deferred, frames: Map<string, Operand>[], alone = false): { renderer: Renderer; node: BodyNode } {
    const { text, position } = template;
    // as Jinja does, the last line break of a template that others use goes
    const body = text.replace(/\r?\n$/, '');
    const node = parsed(body, position, () => parseText(body, { trimBlocks: true, lstripBlocks: false }));
    const around = this.around.within(template, body);
    const renderer = new Renderer(alone ? { ...around, resolve: () => undefined } : around);
    renderer.frames = [...frames, new Map()];
    return { renderer, node };
  }

  #include(node: IncludeNode): void {
    const found = this.#find(node);
    if (found === undefined) return;
    const { renderer, node: body } = this.#open(found, node.withContext === false ? [] : this.frames, node.withContext === false);
    this.#write(renderer.template(body), node.template);
  }

  /** What an imported template defines: its macros and what it sets. */
  #exports(node: ImportNode | FromImportNode): Mapping {
    const found = this.#find(node);
    if (found === undefined) return {};
    const alone = node.withContext !== true;
    const { renderer, node: body } = this.#open(found, alone ? [] : this.frames, alone);
    renderer.template(body);
    return Object.fromEntries(renderer.#frame);
  }

  #block({ name: { value: name } }: BlockNode): void {
    if (this.#parent !== undefined) return;
    const definitions = this.#blocks.get(name) ?? [];
    const write = (index: number): void => {
      const definition = definitions[index];
      if (definition === undefined) throw new OperationFailure(`there is no block "${name}" further up`);
      const { renderer, body } = definition;
      const outer = renderer.frames;
      renderer.frames = [...(renderer === this ? outer : [...this.frames, ...outer.slice(-1)]), new Map<string, Operand>([['super', () => this.#captured(() => {
        write(index + 1);
      })]])];
      try {
        this.#write(renderer.render(body), body as unknown as Expression);
      } finally {
        renderer.frames = outer;
      }
    };
    write(0);
  }

  get #frame(): Map<string, Operand> {
    return this.frames.at(-1) as Map<string, Operand>;
  }

  #write(value: Operand, at: Expression): void {
    this.guard(at, () => {
      const { value: known, origin } = reveal(value);
      this.#out.text += toText(known);
      this.#out.origin ??= origin;
    });
  }

  #if(node: IfNode): void {
    if (this.isTrue(node.cond)) this.#body(node.body);
    else if (node.else_?.typename === 'If') this.#if(node.else_);
    else if (node.else_ !== null) this.#body(node.else_);
  }

  #for(node: ForNode): void {
    // "for x in list if condition" is parsed as a conditional expression without else
    const filtered = node.arr.typename === 'InlineIf' && node.arr.else_ === null ? node.arr : undefined;
    const source = defined(this.evaluate(filtered === undefined ? node.arr : filtered.body));
    let items = this.guard(node.arr, () => elementsOf(source));
    if (filtered !== undefined) {
      items = items.filter((item) => this.#within(() => {
        this.#bind(node, item);
        return this.isTrue(filtered.cond);
      }));
    }
    if (items.length === 0 && node.else_ !== null) this.#body(node.else_);
    items.forEach((item, index) => {
      this.#within(() => {
        this.#bind(node, item);
        this.#frame.set('loop', loopVariable(items, index));
        this.#body(node.body);
      });
    });
  }

  #within<T>(run: () => T): T {
    this.frames.push(new Map());
    try {
      return run();
    } finally {
      this.frames.pop();
    }
  }

  #bind(node: ForNode, item: Operand): void {
    if (node.name.typename === 'Symbol') {
      this.#frame.set(node.name.value, item);
      return;
    }
    const names = node.name.children;
    if (!Array.isArray(item) || item.length !== names.length) {
      throw this.around.problem('TEMPLATE_INVALID', `an element does not have ${String(names.length)} parts`, node.name, 'use x.items() to walk a mapping');
    }
    names.forEach((name, index) => this.#frame.set(name.value, item[index] as Operand));
  }

  #set(node: SetNode): void {
    const value = node.value === null ? this.render((node.body as { body: BodyNode }).body) : this.evaluate(node.value);
    const values = node.targets.length === 1 ? [value] : (value as Operand[]);
    node.targets.forEach((target, index) => {
      if (target.typename === 'Symbol') {
        this.#frame.set(target.value, values[index] ?? null);
        return;
      }
      const owner = target.typename === 'LookupVal' ? this.evaluate(target.target) : null;
      if (target.typename !== 'LookupVal' || target.val.typename !== 'Literal' || !isNamespace(owner)) {
        throw this.around.problem('TEMPLATE_INVALID', 'only names and attributes of a namespace() can be set', target);
      }
      owner[String(target.val.value)] = values[index] ?? null;
    });
  }

  #macro(params: (Expression | KeywordArgsNode)[], body: BodyNode): Callable {
    const names = params.flatMap((param) => (param.typename === 'Symbol' ? [param.value] : []));
    const takesMore = nodesOf(body).some((node) => node.typename === 'Symbol' && ['varargs', 'kwargs', 'caller'].includes(node.value));
    const optional = params.flatMap((param) => (param.typename === 'KeywordArgs' || param.typename === 'Dict' ? param.children : []));
    const all = [...names, ...optional.map((pair) => (pair.key as { value: string }).value)];
    const closure = [...this.frames];
    return (args, named) => {
      const callers = this.frames;
      this.frames = [...closure, new Map()];
      try {
        for (const pair of optional) this.#frame.set((pair.key as { value: string }).value, this.evaluate(pair.value));
        args.slice(0, all.length).forEach((arg, index) => this.#frame.set(all[index] as string, arg));
        if (args.length > all.length && !takesMore) throw new OperationFailure('the macro is called with too many arguments');
        if (takesMore) this.#frame.set('varargs', args.slice(all.length)).set('kwargs', Object.fromEntries(Object.entries(named).filter(([name]) => name !== 'caller' && !all.includes(name))));
        for (const [name, value] of Object.entries(named)) this.#frame.set(name, value);
        return this.render(body);
      } finally {
        this.frames = callers;
      }
    };
  }
}

function loopVariable(items: Operand[], at: number): Mapping {
  const length = items.length;
  return {
    index: at + 1, index0: at, revindex: length - at, revindex0: length - at - 1, first: at === 0, last: at === length - 1, length,
    ...(at > 0 ? { previtem: items[at - 1] as Operand } : {}),
    ...(at < length - 1 ? { nextitem: items[at + 1] as Operand } : {}),
    cycle: (args: Operand[]) => args[at % args.length] ?? null,
  };
}
