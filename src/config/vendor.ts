import type { Micros } from '../domain/money.ts';
import { avatars, type LiveAvatarIds } from './avatars.ts';
import { amount, baseUrl, matching, oneOf, seconds, wholeNumber } from './fields.ts';
import { isEmbedded, type SettingsReader } from './settings-reader.ts';

export type VendorConfig = SimulatorConfig | LiveAvatarConfig | HeyGenConfig;

/** The simulated vendor, and its own limits; null where it has none. */
export interface SimulatorConfig {
  readonly kind: 'simulator';
  /** Whose API it is spoken to by, and whose SDK is answered. */
  readonly api: 'liveavatar' | 'heygen';
  /** 0: any free one. */
  readonly port: number;
  readonly maxConcurrency: number | null;
  readonly credits: Micros | null;
  readonly maxSessionSeconds: number | null;
}

export interface LiveAvatarConfig {
  readonly kind: 'liveavatar';
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly mode: 'FULL' | 'LITE';
  readonly avatars: ReadonlyMap<string, LiveAvatarIds>;
}

export interface HeyGenConfig {
  readonly kind: 'heygen';
  readonly apiKey: string;
  readonly baseUrl: string;
}

const LIVEAVATAR_API = 'https://api.liveavatar.com';
const HEYGEN_API = 'https://api.heygen.com';

const KINDS = ['liveavatar', 'heygen', 'simulator'] as const satisfies VendorConfig['kind'][];
/** The names under which records and prices are kept. */
export const VENDORS: readonly string[] = KINDS;

const vendorField = oneOf(KINDS);
const apiKey = matching(/^[\x21-\x7e]+$/, 'must be one word');

export function readVendor(settings: SettingsReader): VendorConfig {
  const reason = 'with DATABASE_URL: liveavatar or heygen, or simulator to try without one';
  const kind = isEmbedded(settings)
    ? settings.read('VENDOR', vendorField, 'simulator')
    : settings.require('VENDOR', vendorField, reason, null);
  switch (kind) {
    case 'liveavatar':
      return readLiveAvatar(settings);
    case 'heygen':
      return readHeyGen(settings);
    default:
      return readSimulator(settings);
  }
}

function readSimulator(settings: SettingsReader): SimulatorConfig {
  return {
    kind: 'simulator',
    api: settings.read('SIMULATOR_API', oneOf(['liveavatar', 'heygen']), 'liveavatar'),
    port: settings.read('SIMULATOR_PORT', wholeNumber(0, 65_535), 0),
    maxConcurrency: settings.read('SIMULATOR_MAX_CONCURRENCY', wholeNumber(0, 1_000_000), null),
    credits: settings.read('SIMULATOR_CREDITS', amount, null),
    maxSessionSeconds: settings.read('SIMULATOR_MAX_SESSION_SECONDS', seconds, null),
  };
}

function readLiveAvatar(settings: SettingsReader): LiveAvatarConfig {
  const reason = 'with VENDOR=liveavatar';
  return {
    kind: 'liveavatar',
    apiKey: settings.require('LIVEAVATAR_API_KEY', apiKey, reason, ''),
    baseUrl: settings.read('LIVEAVATAR_BASE_URL', baseUrl, LIVEAVATAR_API),
    mode: settings.read('LIVEAVATAR_MODE', oneOf(['FULL', 'LITE']), 'FULL'),
    avatars: settings.require('LIVEAVATAR_AVATARS', avatars, reason, new Map<string, LiveAvatarIds>()),
  };
}

function readHeyGen(settings: SettingsReader): HeyGenConfig {
  return {
    kind: 'heygen',
    apiKey: settings.require('HEYGEN_API_KEY', apiKey, 'with VENDOR=heygen', ''),
    baseUrl: settings.read('HEYGEN_BASE_URL', baseUrl, HEYGEN_API),
  };
}
