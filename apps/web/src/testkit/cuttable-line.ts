import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut, so that pages lose their connection as they do on the road. */
export interface CuttableLine {
  port: number;
  /** What went through it towards the server, as text. */
  sent(): string;
  /** Ends every connection that is open. */
  cut(): void;
  close(): Promise<void>;
}

/** Passes bytes on to a port of this machine, and back. */
export function openCuttableLine(): Promise<CuttableLine & { leadTo(port: number): void }> {
  const open = new Set<Socket>();
  let sent = '';
  let target = 0;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      // a cut is no failure here
      socket.on('error', () => socket.destroy());
    }
    near.on('data', (bytes: Buffer) => (sent += bytes.toString('latin1')));
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const cut = (): void => {
        for (const socket of open) socket.destroy();
      };
      resolve({
        port: (server.address() as AddressInfo).port,
        sent: () => sent,
        cut,
        leadTo: (port) => (target = port),
        close: () => new Promise((closed) => {
          server.close(() => closed());
          cut();
        }),
      });
    });
  });
}
