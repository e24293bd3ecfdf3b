import type { ReadHost } from '@hsmfleet/resource';

/** Where pcscd listens. */
export const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';

const PROGRAMS = ['/usr/sbin/pcscd', '/usr/bin/pcscd', '/sbin/pcscd'];

/** `absent`: no pcscd. `open`: pcscd asks nobody. `polkit`: pcscd asks polkit, and polkit is there. */
export type PcscdKind = 'absent' | 'open' | 'polkit' | 'polkit_missing';

/** Whether pcscd asks polkit is decided when it is built: the library's name is in the program. */
export async function inspectPcscd(host: ReadHost): Promise<PcscdKind> {
  for (const path of PROGRAMS) {
    const program = await host.readFile(path);
    if (program === undefined) continue;
    if (!program.includes('libpolkit-gobject-1')) return 'open';
    return (await host.stat('/usr/bin/pkaction')) === undefined ? 'polkit_missing' : 'polkit';
  }
  return 'absent';
}
