package database

// withNewTargets make SQLite's table of targets anew, which is how it changes what is unique. The
// statuses come along: to drop the targets that they refer to would delete them. Both tables keep
// how far their ids have come, so that none is given twice.
var withNewTargets = []string{
	`CREATE TABLE new_targets (
		id {{id}},
		repo text NOT NULL,
		sha text NOT NULL,
		context text NOT NULL DEFAULT '',
		version bigint NOT NULL,
		claim text NOT NULL,
		claimed_until bigint NOT NULL,
		not_before bigint NOT NULL,
		late_until bigint NOT NULL DEFAULT 0,
		late_id bigint NOT NULL DEFAULT 0,
		UNIQUE (repo, sha, context)
	)`,
	`CREATE TABLE new_statuses (
		id {{id}},
		target_id bigint NOT NULL REFERENCES new_targets (id) ON DELETE CASCADE,
		build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
		kind text NOT NULL DEFAULT 'status',
		state text NOT NULL,
		payload text NOT NULL,
		context text NOT NULL,
		queued_at bigint NOT NULL,
		sent_at bigint NOT NULL,
		attempts bigint NOT NULL,
		last_error text NOT NULL,
		failed_at bigint NOT NULL,
		superseded boolean NOT NULL,
		code bigint NOT NULL DEFAULT 0,
		tried_at bigint NOT NULL DEFAULT 0,
		failing_since bigint NOT NULL DEFAULT 0,
		plain boolean NOT NULL DEFAULT FALSE
	)`,
	`INSERT INTO sqlite_sequence (name, seq) SELECT 'new_' || replace(name, 'status_', ''), seq FROM sqlite_sequence
		WHERE name IN ('status_targets', 'statuses')`,
	`INSERT INTO new_targets
			(id, repo, sha, context, version, claim, claimed_until, not_before, late_until, late_id)
		SELECT id, repo, sha, context, version, claim, claimed_until, not_before, late_until, late_id
		FROM status_targets`,
	`INSERT INTO new_statuses
			(id, target_id, build_id, kind, state, payload, context, queued_at, sent_at, attempts, last_error,
			failed_at, superseded, code, tried_at, failing_since, plain)
		SELECT id, target_id, build_id, kind, state, payload, context, queued_at, sent_at, attempts, last_error,
			failed_at, superseded, code, tried_at, failing_since, plain
		FROM statuses`,
	`DROP TABLE statuses`,
	`DROP TABLE status_targets`,
	`ALTER TABLE new_targets RENAME TO status_targets`,
	`ALTER TABLE new_statuses RENAME TO statuses`,
	`CREATE INDEX statuses_target ON statuses (target_id, id)`,
	`CREATE INDEX statuses_build ON statuses (build_id, id)`,
	`CREATE INDEX statuses_open ON statuses (target_id) WHERE sent_at = 0 AND failed_at = 0 AND NOT superseded`,
	`CREATE INDEX statuses_failed ON statuses (failed_at) WHERE failed_at > 0`,
}
