import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Top folder of the workspace. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** One room: a package or an app. */
export interface Room {
  name: string;
  /** Relative to the workspace, for example packages/nss. */
  folder: string;
  description: string;
  tags: string[];
  /** Names of its Nx targets. */
  targets: string[];
  dependencies: string[];
  sources: Source[];
}

/** One TypeScript file of a room. */
export interface Source {
  /** Relative to the workspace. */
  path: string;
  text: string;
  /** What it imports, as written: `@hsmfleet/nss`, `node:fs`, `./x.ts`. */
  imports: string[];
  /** Specs and testkits may import more. */
  test: boolean;
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|[^.\w])import\s*\(\s*['"]([^'"]+)['"]\s*\)|(?:^|[^.\w])require\s*\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

/** Every room with every source file, read from disk: no build tool's opinion is asked. */
export function readRooms(): Room[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent))
      .filter((name) => statSync(join(ROOT, parent, name)).isDirectory())
      .map((name) => readRoom(join(parent, name))),
  );
}

function readRoom(folder: string): Room {
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as {
    name: string;
    description?: string;
    dependencies?: Record<string, string>;
    nx?: { tags?: string[]; targets?: Record<string, unknown> };
  };
  return {
    name: manifest.name,
    folder,
    description: manifest.description ?? '',
    tags: manifest.nx?.tags ?? [],
    targets: Object.keys(manifest.nx?.targets ?? {}),
    dependencies: Object.keys(manifest.dependencies ?? {}),
    sources: listSources(join(ROOT, folder, 'src')),
  };
}

function listSources(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|tsx|cts|mts|cjs|mjs)$/.test(name))
    .map((name) => {
      const file = join(folder, name);
      const text = readFileSync(file, 'utf8');
      const path = relative(ROOT, file);
      return {
        path,
        text,
        imports: [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? ''),
        test: /\.spec\.ts$|testkit|\.must-not-typecheck\.ts$/.test(path),
      };
    });
}
