/** A network that misbehaves: a TCP proxy on the loopback address that delays, throttles, holds back or cuts what passes, in both directions. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../random.ts';

export interface Weather {
  /** Delay of each piece of data, milliseconds each way; with `jitterMs` a random share of it on top. */
  readonly latencyMs?: number;
  readonly jitterMs?: number;
  /** Bytes a second of each connection and direction. */
  readonly bytesPerSecond?: number;
  /** Nothing passes, and nothing is closed: what comes waits until the weather changes. */
  readonly isStalled?: boolean;
}

interface Lane {
  readonly from: Socket;
  readonly to: Socket;
  readonly waiting: { readonly data: Buffer; readonly dueMs: number }[];
  freeAtMs: number;
}

export class BadNetwork {
  /** Bytes that passed, both ways. */
  passedBytes = 0;
  readonly #random: Random;
  readonly #server: Server;
  readonly #lanes = new Set<Lane>();
  #targetPort = 0;
  #weather: Weather = {};
  readonly #timer: NodeJS.Timeout;

  private constructor(random: Random) {
    this.#random = random;
    this.#server = createServer((client) => this.#connect(client));
    this.#timer = setInterval(() => this.#pass(), 5);
  }

  /** Listens; the broker's port is told later, for the broker advertises this one. */
  static async open(random: Random): Promise<BadNetwork> {
    const network = new BadNetwork(random);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  leadTo(port: number): void {
    this.#targetPort = port;
  }

  set(weather: Weather): void {
    this.#weather = weather;
  }

  /** Resets every connection there is. */
  reset(): void {
    for (const { from, to } of [...this.#lanes]) {
      from.resetAndDestroy();
      to.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#server.close();
    this.reset();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    const broker = createConnection({ host: '127.0.0.1', port: this.#targetPort });
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      const lane: Lane = { from, to, waiting: [], freeAtMs: 0 };
      this.#lanes.add(lane);
      from.on('data', (data) => this.#take(lane, data));
      from.on('error', () => {});
      from.on('close', () => {
        this.#lanes.delete(lane);
        to.destroy();
      });
    }
  }

  #take(lane: Lane, data: Buffer): void {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.#weather;
    const nowMs = performance.now();
    const dueMs = nowMs + latencyMs + jitterMs * this.#random.next();
    lane.freeAtMs = Math.max(lane.freeAtMs, dueMs) + (1_000 * data.length) / bytesPerSecond;
    lane.waiting.push({ data, dueMs: lane.freeAtMs });
    // What a slow line has not taken yet must wait with its sender, as on a real one.
    if (lane.waiting.reduce((sum, each) => sum + each.data.length, 0) > 64 * 1024) lane.from.pause();
  }

  #pass(): void {
    if (this.#weather.isStalled === true) return;
    const nowMs = performance.now();
    for (const lane of this.#lanes) {
      for (let first = lane.waiting[0]; first !== undefined && first.dueMs <= nowMs; first = lane.waiting[0]) {
        lane.waiting.shift();
        this.passedBytes += first.data.length;
        if (!lane.to.destroyed) lane.to.write(first.data);
      }
      if (lane.waiting.length === 0 && lane.from.isPaused()) lane.from.resume();
    }
  }
}
