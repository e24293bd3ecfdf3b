import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate that signed itself, made by openssl; `file` is its PEM file. */
export interface MadeCertificate {
  key: string;
  cert: string;
  file: string;
  remove(): void;
}

/** @param name a subject alternative name: `IP:127.0.0.1` */
export function makeCertificate(name: string): MadeCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'hsmfleet-notify-tls-'));
  const [key, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=test', '-addext', `subjectAltName=${name}`, '-keyout', key, '-out', file,
  ], { stdio: 'pipe' });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file, remove: () => { rmSync(folder, { recursive: true }); } };
}
