/**
 * Records that hold although nothing of theirs is to come: neither a session that runs, nor a stop that the vendor has not confirmed,
 * nor figures of the vendor's.
 */
export const HELD_WITHOUT_CAUSE = `
  SELECT id, status, end_reason, held_seconds, held_cost
  FROM avatar_usage_records
  WHERE (held_seconds > 0 OR held_cost > 0) AND end_reason IS NOT NULL AND NOT is_stopping AND reconciled_at IS NOT NULL`;
