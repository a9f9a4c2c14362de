-- Notifies every node of each threshold that a user crosses, when and only when the crossing commits.
CREATE FUNCTION publish_quota_alerts() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('quota_alerts', json_build_object(
    'userId', alert.user_id,
    'period', alert.period,
    'limit', alert.quota_limit,
    'thresholdPercent', alert.threshold_percent
  )::text)
  FROM alerts AS alert
  ORDER BY alert.user_id, alert.threshold_percent, alert.quota_limit;
  RETURN NULL;
END
$$;

CREATE TRIGGER quota_alerts_events
  AFTER INSERT ON quota_alerts REFERENCING NEW TABLE AS alerts
  FOR EACH STATEMENT EXECUTE FUNCTION publish_quota_alerts();
