import type { ReadHost } from '@hsmfleet/resource';

const DEVICES = '/sys/bus/usb/devices';
/** Class of an interface that speaks CCID. */
const SMART_CARD = '0b';
/** SmartCard-HSM tokens that need not say so: Identiv, Nitrokey HSM, and others of the same kind. */
const KNOWN: ReadonlySet<string> = new Set(['04e6:5816', '04e6:5817', '04e6:5810', '04e6:5116', '04e6:5410', '20a0:4230', '2f76:0906']);

/** Tokens and readers that the kernel sees on USB: vendor:product and name. Nothing is sent to them. */
export async function listReaders(host: ReadHost): Promise<string[]> {
  const names = (await host.list(DEVICES).catch(() => undefined)) ?? [];
  const text = async (path: string): Promise<string> => ((await host.readText(`${DEVICES}/${path}`, 4_096).catch(() => undefined)) ?? '').trim();
  const found: string[] = [];
  for (const device of names.filter((name) => !name.includes(':'))) {
    const id = `${await text(`${device}/idVendor`)}:${await text(`${device}/idProduct`)}`;
    const interfaces = names.filter((name) => name.startsWith(`${device}:`));
    const classes = await Promise.all(interfaces.map((name) => text(`${name}/bInterfaceClass`)));
    if (KNOWN.has(id) || classes.includes(SMART_CARD)) found.push(`${id} ${await text(`${device}/product`)}`.trim());
  }
  return found;
}
