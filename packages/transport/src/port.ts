import type { Readable, Writable } from 'node:stream';
import type { Secret } from '@hsmfleet/contract';

/** Where and how to reach one host. */
export interface HostTarget {
  /** Inventory name. */
  name: string;
  /** `ansible_host`; the name when absent. */
  address?: string;
  port?: number;
  user?: string;
  /** `ansible_ssh_private_key_file`. */
  identityFile?: string;
  /** `ansible_ssh_common_args` and `ansible_ssh_extra_args`, split into words: -F FILE, -o Key=Value, -J HOST, … */
  sshArgs?: readonly string[];
  /** `ansible_connection`: `ssh` takes ssh2, and OpenSSH where ssh2 cannot do what is needed. */
  connection?: 'ssh' | 'ssh2' | 'openssh' | 'local';
  /** `ansible_password`: for password logins and the first question of keyboard-interactive ones. */
  password?: Secret;
  become?: Become;
  /** Milliseconds, 10 000 by default. */
  connectTimeoutMs?: number;
}

export interface Become {
  /** `root` by default. */
  user: string;
  /** Given on sudo's standard input, never argv. Absent: `sudo -n`. */
  password?: Secret;
}

/** One exec channel. stdout and stderr must be read, or the program blocks. */
export interface Channel {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /**
   * Resolves when the program ended or the connection was lost (`lost`). Never rejects. Output may still be on its
   * way then: read both streams to their end.
   */
  exit: Promise<{ code?: number; signal?: string; lost?: boolean }>;
}

/** A live connection to one host. */
export interface Connection {
  /**
   * Starts a command line in the login user's shell. The caller quotes. With `become` it runs in /bin/sh as the target's
   * `become.user`, and the promise resolves once sudo let us in.
   * @throws HsmfleetError CONNECTION_LOST, SUDO
   */
  exec(command: string, options?: { become?: boolean }): Promise<Channel>;
  /** Idempotent. */
  close(): void;
  /** Resolves when the connection is gone, for whatever reason. */
  closed: Promise<void>;
  /** What a person should know of how the host was reached, one sentence each. */
  notes?: readonly string[];
}

/** What the transports ask a person, when there is one. */
export interface Prompts {
  /** Asks for a passphrase or password without echo; undefined when nobody can be asked. */
  secret(question: string): Promise<Secret | undefined>;
}

/** A way to reach hosts. Every implementation passes the testkit. */
export interface Transport {
  /**
   * @throws HsmfleetError UNREACHABLE, AUTHENTICATION, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED,
   *   KEY_UNREADABLE; each with `host`, what was tried, and a hint
   */
  connect(target: HostTarget): Promise<Connection>;
}
