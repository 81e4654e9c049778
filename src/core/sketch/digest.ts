import { MergingDigest } from './mergingDigest.ts';
import { TDigestEngine } from './tdigestEngine.ts';
import type { Digest, DigestSettings } from './types.ts';

/** A new, empty digest of the engine that the settings name. */
export function createDigest(settings: DigestSettings): Digest {
  switch (settings.engine) {
    case 'merging':
      return new MergingDigest(settings.delta);
    case 'tdigest':
      return new TDigestEngine(settings.delta);
  }
}
