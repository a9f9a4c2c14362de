/** `npm run quota`: shows a user's quota, or changes its limits. Open sessions follow at once. */
import { amount, limitMinutes, oneOf } from '../src/config/fields.ts';
import { loadSettings } from '../src/config/load-settings.ts';
import { DATABASE_KEYS, databaseOf, POLICY_KEYS, policyOf } from '../src/config.ts';
import { createComparedClock } from '../src/database/decision-clock.ts';
import { createDecisions } from '../src/database/decisions.ts';
import { hasQuota } from '../src/database/has-quota.ts';
import { createPrisma } from '../src/database/prisma.ts';
import { createQuotaStore } from '../src/database/quota-store.ts';
import { periodAt } from '../src/domain/period.ts';
import { viewQuota } from '../src/domain/quota-view.ts';
import { userId } from './arguments.ts';
import { runCommand } from './command.ts';
import { DATABASE_SETTINGS } from './help.ts';
import { openDatabase } from './open-database.ts';
import { formatQuota, quotaToJson } from './quota-report.ts';
import { printable } from './table.ts';

await runCommand({
  name: 'quota',
  summary: 'Shows the quota of a user for the current month, or changes its limits from this month on.',
  options: {
    user: {
      value: 'ID',
      field: userId,
      description: "The user's ID, the sub claim of the user's tokens.",
      required: true,
    },
    minutes: { value: 'N', field: limitMinutes, description: 'Sets the limit of minutes per month: 0 to 10000000.' },
    cost: {
      value: 'AMOUNT',
      field: amount,
      description: 'Sets the limit of cost per month, in CURRENCY: a decimal such as 80 or 12.50.',
    },
    active: {
      value: 'on|off',
      field: oneOf(['on', 'off']),
      description: 'Allows new tokens or refuses them. Running sessions continue.',
    },
    json: { description: 'Prints JSON instead of a table.' },
  },
  settings: [
    DATABASE_SETTINGS,
    'CURRENCY, BILLING_TIME_ZONE, WARNING_THRESHOLDS, and the default limits, as the service has them',
    'To change limits, also MAX_SESSION_SECONDS, HEARTBEAT_SECONDS, and ACCOUNT_MONTHLY_COST_LIMIT',
  ],
  example: 'npm run -s quota -- --user ann --minutes 120 --cost 80',
  async run({ user, minutes = null, cost = null, active, json }) {
    const settings = loadSettings(process.env, [...DATABASE_KEYS, ...POLICY_KEYS]);
    const policy = policyOf(settings);
    await using database = await openDatabase(databaseOf(settings));
    const clock = () => new Date();
    const { pool } = database;
    const decisions = createDecisions({ pool, policy, clock, decisionClock: createComparedClock({ pool, clock }) });
    const store = createQuotaStore({ pool, policy, clock, decisions });
    const isKnown = await hasQuota(createPrisma(pool), user);
    const isChange = minutes !== null || cost !== null || active !== undefined;
    if (isChange) {
      await store.changeLimits({
        userId: user,
        limitMinutes: minutes,
        limitCost: cost,
        isActive: active === undefined ? null : active === 'on',
      });
    }
    const state = await store.read(user, periodAt(clock(), policy.billingTimeZone));
    const view = viewQuota(state, policy, clock());
    return {
      output: json ? quotaToJson(view, policy.currency) : formatQuota(view, policy),
      ...(!isKnown && { warning: warnOfUnknown(user, isChange) }),
    };
  },
});

function warnOfUnknown(user: string, isChange: boolean): string {
  return isChange
    ? `${printable(user)} had no quota yet, so one was created. If you expected an existing user, check the ID.`
    : `${printable(user)} has no quota yet. These are the defaults.`;
}
