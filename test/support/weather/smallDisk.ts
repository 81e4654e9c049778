/** A disk that a test can fill: a small tmpfs where mounting is allowed, as it is for root. */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../../../src/demo/kafka/runTool.ts';

export class SmallDisk {
  /** Where data goes. */
  readonly folder: string;
  readonly #mount: string;

  private constructor(mount: string) {
    this.#mount = mount;
    this.folder = join(mount, 'data');
    mkdirSync(this.folder);
  }

  /** Null where mounting is not allowed. */
  static async open(megabytes: number): Promise<SmallDisk | null> {
    const mount = mkdtempSync(join(tmpdir(), 'tidemark-disk-'));
    const mounted = await runTool('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', mount], 10_000);
    if (mounted.isOk) return new SmallDisk(mount);
    rmSync(mount, { recursive: true });
    return null;
  }

  /** Takes all that is left. */
  fill(): void {
    for (let pieces = 0; ; pieces += 1) {
      const { bavail, bsize } = statfsSync(this.#mount);
      if (bavail === 0) return;
      writeFileSync(join(this.#mount, `ballast-${pieces}`), Buffer.alloc(Math.min(bavail * bsize, 1024 * 1024)));
    }
  }

  /** Gives it back. */
  free(): void {
    for (let pieces = 0; ; pieces += 1) {
      try {
        rmSync(join(this.#mount, `ballast-${pieces}`));
      } catch {
        return;
      }
    }
  }

  async close(): Promise<void> {
    await runTool('umount', ['-l', this.#mount], 10_000);
    rmSync(this.#mount, { recursive: true, force: true });
  }
}
