import type { Config } from '../config.ts';
import { formatMoney } from '../domain/money.ts';

const POSTGRES_PORT = '5432';

/** What an operator wants to know of a service that has just started. Without any secret. */
export function summarize(config: Config) {
  const { vendor, policy, databaseUrl } = config;
  const hasListPrice = vendor.kind !== 'simulator' && !policy.priceIsSet;
  return {
    vendor: vendor.kind,
    database: databaseUrl === null ? 'embedded' : addressOf(databaseUrl),
    limits: {
      minutes: policy.defaultLimitMinutes,
      cost: formatMoney(policy.defaultLimitCost),
      currency: policy.currency,
      pricePerMinute: hasListPrice ? 'list price' : formatMoney(policy.pricePerMinute),
    },
  };
}

/** Host and port of a connection string. A socket directory stands in its query. */
function addressOf(databaseUrl: string): string {
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const host = searchParams.get('host') || hostname || 'localhost';
  return `${host}:${searchParams.get('port') || port || POSTGRES_PORT}`;
}
