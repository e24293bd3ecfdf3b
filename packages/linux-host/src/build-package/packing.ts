import type { StagedFile } from './staging.ts';

/** What every packer gets. */
export interface PackInput {
  /** Scratch folder. */
  packing: string;
  staging: string;
  files: readonly StagedFile[];
  /** Seconds since 1970. */
  epoch: number;
}

/** What a packer made. */
export interface Packed {
  /** Absolute path, in the work folder. */
  path: string;
  /** As the package file is to be called. */
  file: string;
  architecture: string;
  /** In the package manager's words. */
  depends: readonly string[];
}
