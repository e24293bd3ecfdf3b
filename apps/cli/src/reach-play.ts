import { fileURLToPath } from 'node:url';

/** A play without tasks on all hosts: for what hosts files say of reaching them. It lies beside the sources and the built program alike. */
export const REACH_PLAY = fileURLToPath(new URL('../plays/reach.yml', import.meta.url));
