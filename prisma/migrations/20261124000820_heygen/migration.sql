-- Sessions that the vendor names only in its answer to the start: they are opened without a name, and named afterwards.

-- reserved → active for tokens, by their record: one a user, any number of users. Each token opens one session.
--
--   outcome   started; taken by a token that has opened its session already; ended
CREATE FUNCTION open_sessions(
  p_now timestamptz, p_ids uuid[], p_avatar_names text[], p_thresholds integer[]
) RETURNS TABLE (record_id uuid, outcome text)
  LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_ids uuid[];
  v_user_ids text[];
  v_session_ids text[];
  v_avatar_names text[];
BEGIN
  -- no price is entered between its reading and the commit; taken before any quota, as by everybody who needs both
  PERFORM pg_advisory_xact_lock_shared(hashtext('prices'));
  PERFORM lock_records(p_now, p_ids);

  -- Under the lock, an unused token is the only open one of its conversation, any newer one has voided it: so that is the
  -- one which start_sessions finds.
  SELECT array_agg(r.id), array_agg(r.user_id), array_agg(r.session_id), array_agg(call.avatar_name)
  INTO v_ids, v_user_ids, v_session_ids, v_avatar_names
  FROM unnest(p_ids, p_avatar_names) AS call (id, avatar_name)
  JOIN avatar_usage_records AS r ON r.id = call.id
  WHERE r.status = 'reserved' AND r.avatar_session_id IS NULL;

  IF v_ids IS NOT NULL THEN
    RETURN QUERY
    SELECT start.record_id, start.outcome
    FROM start_sessions(
      p_now, v_user_ids, v_session_ids, array_fill(NULL::text, ARRAY[cardinality(v_ids)]), v_avatar_names, p_thresholds
    ) AS start;
  END IF;

  RETURN QUERY
  SELECT r.id, CASE WHEN r.status IN ('reserved', 'active') THEN 'taken' ELSE 'ended' END
  FROM avatar_usage_records AS r
  WHERE r.id = ANY (p_ids) AND r.id <> ALL (coalesce(v_ids, '{}'));
END
$$;

-- Notes how the vendor has named sessions that it has opened. False for one that ended meanwhile: it is noted for a stop.
-- A name is given once.
CREATE FUNCTION name_sessions(p_now timestamptz, p_ids uuid[], p_avatar_session_ids text[]) RETURNS TABLE (
  record_id uuid, running boolean
)
  LANGUAGE sql AS $$
  WITH
  named AS (
    UPDATE avatar_usage_records AS r
    SET avatar_session_id = call.avatar_session_id, updated_at = p_now
    FROM unnest(p_ids, p_avatar_session_ids) AS call (id, avatar_session_id)
    WHERE r.id = call.id AND r.avatar_session_id IS NULL
    RETURNING r.id, r.vendor, r.avatar_session_id, r.status, r.end_reason
  ),
  stops AS (
    INSERT INTO vendor_stops (record_id, vendor, avatar_session_id, reason, next_attempt_at, created_at)
    SELECT id, vendor, avatar_session_id, end_reason, p_now, p_now
    FROM named
    WHERE status <> 'active'
    ON CONFLICT (record_id) DO NOTHING
    RETURNING announce_due(next_attempt_at)
  )
  SELECT named.id, named.status = 'active' FROM named
$$;
