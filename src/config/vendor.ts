import type { Micros } from '../domain/money.ts';
import type { LiveAvatarIds } from './avatars.ts';
import type { SettingName, Settings } from './settings.ts';

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

/** The settings that {@link vendorOf} needs. */
export const VENDOR_KEYS = [
  'VENDOR',
  'LIVEAVATAR_API_KEY',
  'LIVEAVATAR_AVATARS',
  'LIVEAVATAR_BASE_URL',
  'LIVEAVATAR_MODE',
  'HEYGEN_API_KEY',
  'HEYGEN_BASE_URL',
  'SIMULATOR_API',
  'SIMULATOR_PORT',
  'SIMULATOR_MAX_CONCURRENCY',
  'SIMULATOR_CREDITS',
  'SIMULATOR_MAX_SESSION_SECONDS',
] as const satisfies SettingName[];

export function vendorOf(settings: Pick<Settings, (typeof VENDOR_KEYS)[number]>): VendorConfig {
  switch (settings.VENDOR) {
    case 'liveavatar':
      return {
        kind: 'liveavatar',
        apiKey: settings.LIVEAVATAR_API_KEY,
        baseUrl: settings.LIVEAVATAR_BASE_URL,
        mode: settings.LIVEAVATAR_MODE,
        avatars: settings.LIVEAVATAR_AVATARS,
      };
    case 'heygen':
      return { kind: 'heygen', apiKey: settings.HEYGEN_API_KEY, baseUrl: settings.HEYGEN_BASE_URL };
    default:
      return {
        kind: 'simulator',
        api: settings.SIMULATOR_API,
        port: settings.SIMULATOR_PORT,
        maxConcurrency: settings.SIMULATOR_MAX_CONCURRENCY,
        credits: settings.SIMULATOR_CREDITS,
        maxSessionSeconds: settings.SIMULATOR_MAX_SESSION_SECONDS,
      };
  }
}
