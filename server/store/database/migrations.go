package database

import "slices"

// migration is one step of the schema. Its statements serve both databases: {{id}} stands for an
// auto-increment key and {{bytes}} for a binary column. A step that was released is never edited,
// and its id, in which an older binary reads the version that it needs, is never changed.
type migration struct {
	id         string // NUMBER_VERSION_NAME, VERSION being Vivarium's
	river      int    // the version that River's own schema is brought to first; 0 for no change
	statements []string
	// What one database needs and the other does not, or not in the same words, after statements.
	sqlite, postgres []string
}

// migrations in the order in which they run. The numbers 0005, 0007 and 0017 stand for nothing: no
// step was ever released under them, and they stay free.
var migrations = slices.Concat(firstMigrations, githubMigrations)

var firstMigrations = []migration{
	{
		id:    "0001_0.1.0_builds_logs_statuses",
		river: 8,
		statements: []string{
			`CREATE TABLE builds (
				id {{id}},
				repo_id bigint NOT NULL,
				repo text NOT NULL,
				default_branch text NOT NULL,
				private boolean NOT NULL,
				ref text NOT NULL,
				sha text NOT NULL,
				author text NOT NULL,
				message text NOT NULL,
				"trigger" text NOT NULL,
				rerun_of bigint NOT NULL,
				attempt bigint NOT NULL,
				losses bigint NOT NULL,
				state text NOT NULL,
				cause text NOT NULL,
				summary text NOT NULL,
				image text NOT NULL,
				queued_at bigint NOT NULL,
				started_at bigint NOT NULL,
				ended_at bigint NOT NULL,
				not_before bigint NOT NULL,
				job_id bigint NOT NULL,
				owner text NOT NULL,
				lease_until bigint NOT NULL,
				cancel_requested boolean NOT NULL,
				log_seq bigint NOT NULL,
				compacted boolean NOT NULL
			)`,
			`CREATE INDEX builds_state ON builds (state, id)`,
			`CREATE INDEX builds_repo ON builds (repo, id)`,
			`CREATE INDEX builds_sha ON builds (sha, id)`,
			`CREATE INDEX builds_uncompacted ON builds (id) WHERE NOT compacted`,
			`CREATE TABLE deliveries (
				guid text PRIMARY KEY,
				body_hash text NOT NULL UNIQUE,
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				received_at bigint NOT NULL
			)`,
			`CREATE INDEX deliveries_build ON deliveries (build_id)`,
			`CREATE TABLE steps (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				attempt bigint NOT NULL,
				name text NOT NULL,
				state text NOT NULL,
				cause text NOT NULL,
				command text NOT NULL,
				exit_code bigint,
				signal text NOT NULL,
				started_at bigint NOT NULL,
				ended_at bigint NOT NULL,
				cpu bigint NOT NULL,
				peak_memory bigint NOT NULL,
				note text NOT NULL,
				after_seq bigint NOT NULL,
				last_seq bigint NOT NULL,
				PRIMARY KEY (build_id, attempt, name)
			)`,
			`CREATE TABLE log_chunks (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				seq bigint NOT NULL,
				attempt bigint NOT NULL,
				step text NOT NULL,
				stream text NOT NULL,
				at bigint NOT NULL,
				data {{bytes}},
				omitted bigint NOT NULL,
				PRIMARY KEY (build_id, seq)
			)`,
			`CREATE TABLE log_blocks (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				first_seq bigint NOT NULL,
				last_seq bigint NOT NULL,
				data {{bytes}} NOT NULL,
				PRIMARY KEY (build_id, first_seq)
			)`,
			`CREATE TABLE status_targets (
				id {{id}},
				repo text NOT NULL,
				sha text NOT NULL,
				version bigint NOT NULL,
				claim text NOT NULL,
				claimed_until bigint NOT NULL,
				not_before bigint NOT NULL,
				unsure boolean NOT NULL,
				UNIQUE (repo, sha)
			)`,
			`CREATE TABLE statuses (
				id {{id}},
				target_id bigint NOT NULL REFERENCES status_targets (id) ON DELETE CASCADE,
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				state text NOT NULL,
				description text NOT NULL,
				context text NOT NULL,
				queued_at bigint NOT NULL,
				sent_at bigint NOT NULL,
				attempts bigint NOT NULL,
				last_error text NOT NULL,
				failed_at bigint NOT NULL,
				superseded boolean NOT NULL
			)`,
			`CREATE INDEX statuses_target ON statuses (target_id, id)`,
			`CREATE INDEX statuses_build ON statuses (build_id, id)`,
			`CREATE INDEX statuses_open ON statuses (target_id) WHERE sent_at = 0 AND failed_at = 0 AND NOT superseded`,
			`CREATE INDEX statuses_failed ON statuses (failed_at) WHERE failed_at > 0`,
		},
	},
	{
		id:         "0002_0.1.0_step_limits",
		statements: []string{`ALTER TABLE steps ADD COLUMN limits text NOT NULL DEFAULT ''`},
	},
	{
		id: "0003_0.1.0_registry_audit",
		statements: []string{
			`CREATE TABLE repositories (
				id {{id}},
				kind text NOT NULL,
				name text NOT NULL,
				name_key text NOT NULL UNIQUE,
				parent_id bigint NOT NULL,
				github_id bigint NOT NULL,
				secret_name text NOT NULL,
				generation bigint NOT NULL,
				old_until bigint NOT NULL,
				disabled boolean NOT NULL,
				added_at bigint NOT NULL,
				delivery_at bigint NOT NULL
			)`,
			`CREATE INDEX repositories_github ON repositories (github_id) WHERE github_id > 0`,
			`CREATE INDEX repositories_parent ON repositories (parent_id)`,
			`CREATE TABLE refusals (
				name text PRIMARY KEY,
				times bigint NOT NULL,
				first_at bigint NOT NULL,
				last_at bigint NOT NULL
			)`,
			`CREATE INDEX refusals_last ON refusals (last_at)`,
			`CREATE TABLE audit (
				id {{id}},
				at bigint NOT NULL,
				who text NOT NULL,
				address text NOT NULL,
				what text NOT NULL,
				object text NOT NULL
			)`,
		},
	},
	{
		id: "0004_0.1.0_turns",
		statements: []string{
			`CREATE TABLE turns (
				repo_key text PRIMARY KEY,
				waiting boolean NOT NULL,
				served bigint NOT NULL
			)`,
			`CREATE INDEX turns_next ON turns (served, repo_key) WHERE waiting`,
			`CREATE INDEX builds_turn ON builds (lower(repo), id) WHERE state = 'queued'`,
			`CREATE INDEX builds_turn_branch ON builds (lower(repo), ` +
				`(CASE WHEN ref = 'refs/heads/' || default_branch THEN 0 ELSE 1 END), id)
				WHERE state = 'queued'`,
			`INSERT INTO turns (repo_key, waiting, served) SELECT lower(repo), TRUE, 0 FROM builds WHERE state = 'queued' ` +
				`GROUP BY lower(repo)`,
		},
	},
	{
		id: "0006_0.1.0_limits_of_repositories",
		statements: []string{
			`ALTER TABLE repositories ADD COLUMN running_limit bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE repositories ADD COLUMN each_limit bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE repositories ADD COLUMN minutes_limit bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE repositories ADD COLUMN log_limit bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE repositories ADD COLUMN queue_limit bigint NOT NULL DEFAULT 0`,
			`CREATE INDEX repositories_capped ON repositories (id) WHERE running_limit > 0 OR each_limit > 0`,
			`ALTER TABLE builds ADD COLUMN entry_id bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN spent bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN log_bytes bigint NOT NULL DEFAULT 0`,
			`UPDATE builds SET entry_id = coalesce((SELECT id FROM repositories WHERE name_key = lower(builds.repo)), 0)`,
			`UPDATE builds SET log_bytes = coalesce((SELECT sum(length(data)) FROM log_blocks WHERE build_id = builds.id), ` +
				`0) WHERE compacted`,
			`CREATE INDEX builds_entry ON builds (entry_id, ended_at, spent, log_bytes)`,
			`CREATE INDEX builds_entry_queued ON builds (entry_id) WHERE state = 'queued'`,
			`CREATE INDEX builds_started ON builds (started_at)`,
			`ALTER TABLE turns ADD COLUMN entry_id bigint NOT NULL DEFAULT 0`,
			`UPDATE turns SET entry_id = coalesce((SELECT id FROM repositories WHERE name_key = repo_key), 0)`,
		},
	},
	{
		id: "0008_0.1.0_tokens",
		statements: []string{
			`CREATE TABLE tokens (
				id {{id}},
				hash text NOT NULL UNIQUE,
				pattern text NOT NULL,
				made_at bigint NOT NULL,
				used_at bigint NOT NULL
			)`,
			`CREATE UNIQUE INDEX tokens_operator ON tokens (pattern) WHERE pattern = ''`,
			`CREATE TABLE sessions (
				hash text PRIMARY KEY,
				token_id bigint NOT NULL,
				expires_at bigint NOT NULL
			)`,
			`CREATE INDEX sessions_token ON sessions (token_id)`,
			`CREATE INDEX sessions_expiry ON sessions (expires_at)`,
			`CREATE INDEX builds_public ON builds (lower(repo)) WHERE NOT private`,
		},
	},
	{
		id: "0009_0.1.0_branches",
		statements: []string{
			`CREATE INDEX builds_branch ON builds (lower(repo), ref, id, queued_at, private) WHERE "trigger" = 'push'`,
		},
	},
	{
		id:         "0010_0.1.0_public_builds_of_entries",
		statements: []string{`CREATE INDEX builds_entry_public ON builds (entry_id) WHERE NOT private`},
	},
	{
		id:         "0011_0.1.0_public_builds",
		statements: []string{`CREATE INDEX builds_newest_public ON builds (id) WHERE NOT private`},
	},
	{
		id: "0012_0.1.0_builds_by_name",
		statements: []string{
			`DROP INDEX builds_repo`,
			// upper and not lower: SQLite would take such an index for the verdicts, too, in the place of builds_branch.
			`CREATE INDEX builds_repo ON builds (upper(repo), id)`,
		},
	},
	{
		id: "0013_0.1.0_patience",
		statements: []string{
			`ALTER TABLE builds ADD COLUMN wait_cause text NOT NULL DEFAULT ''`,
			`ALTER TABLE builds ADD COLUMN wait_why text NOT NULL DEFAULT ''`,
			`ALTER TABLE builds ADD COLUMN wait_since bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN wait_tries bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN wait_told text NOT NULL DEFAULT ''`,
			`ALTER TABLE builds ADD COLUMN turn_served bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN shared_losses bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN lost_since bigint NOT NULL DEFAULT 0`,
			// By ended_at and not by state: SQLite would take builds_state for the state, and read the whole queue.
			`CREATE INDEX builds_waiting ON builds (wait_since) WHERE ended_at = 0 AND wait_cause <> ''`,
			`CREATE INDEX builds_suspect ON builds (id) WHERE ended_at = 0 AND shared_losses > 1`,
			`CREATE TABLE outages (
				cause text PRIMARY KEY,
				why text NOT NULL,
				since bigint NOT NULL,
				tries bigint NOT NULL,
				next_at bigint NOT NULL
			)`,
			`CREATE TABLE servers (
				place text PRIMARY KEY,
				owner text NOT NULL
			)`,
			`CREATE TABLE deaths (
				id {{id}},
				owner text NOT NULL,
				build_id bigint NOT NULL,
				at bigint NOT NULL
			)`,
			`CREATE INDEX deaths_at ON deaths (at)`,
		},
	},
	{
		id: "0014_0.1.0_statuses_that_heal",
		statements: []string{
			`ALTER TABLE status_targets DROP COLUMN unsure`,
			`ALTER TABLE status_targets ADD COLUMN late_until bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE status_targets ADD COLUMN late_id bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE statuses ADD COLUMN code bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE statuses ADD COLUMN tried_at bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE statuses ADD COLUMN failing_since bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE statuses ADD COLUMN plain boolean NOT NULL DEFAULT FALSE`,
			`UPDATE statuses SET code = 401 WHERE last_error LIKE 'status refused (HTTP 401)%'`,
			`UPDATE statuses SET code = 403 WHERE last_error LIKE 'status refused (HTTP 403)%'`,
			`UPDATE statuses SET code = 404 WHERE last_error LIKE 'status refused (HTTP 404)%'`,
			`UPDATE statuses SET code = 422 WHERE last_error LIKE 'status refused (HTTP 422)%'`,
			`UPDATE statuses SET tried_at = failed_at WHERE failed_at > 0`,
		},
	},
	{
		id: "0015_0.1.0_order_of_pushes",
		statements: []string{
			`ALTER TABLE builds ADD COLUMN before_sha text NOT NULL DEFAULT ''`,
			`ALTER TABLE builds ADD COLUMN pushed_at bigint NOT NULL DEFAULT 0`,
			`UPDATE builds SET pushed_at = queued_at WHERE "trigger" = 'push'`,
			`DROP INDEX builds_branch`,
			`CREATE INDEX builds_branch ON builds (lower(repo), ref, pushed_at, id, queued_at, private) WHERE "trigger" = ` +
				`'push'`,
			`CREATE TABLE deliveries_of_repositories (
				repo_key text NOT NULL,
				guid text NOT NULL,
				body_hash text NOT NULL,
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				received_at bigint NOT NULL,
				PRIMARY KEY (repo_key, guid),
				UNIQUE (repo_key, body_hash)
			)`,
			`INSERT INTO deliveries_of_repositories SELECT lower(b.repo), d.guid, d.body_hash, d.build_id, d.received_at
				FROM deliveries d JOIN builds b ON b.id = d.build_id`,
			`DROP TABLE deliveries`,
			`ALTER TABLE deliveries_of_repositories RENAME TO deliveries`,
			`CREATE INDEX deliveries_build ON deliveries (build_id)`,
		},
	},
	{
		id: "0016_0.1.0_pulse",
		statements: []string{
			// What is written to see whether the database can be written to.
			`CREATE TABLE pulse (id bigint PRIMARY KEY, at bigint NOT NULL)`,
			// Repositories that were never served wait in the order of their pushes.
			`UPDATE turns SET served = coalesce((SELECT min(id) FROM builds WHERE lower(repo) = repo_key ` +
				`AND state = 'queued'), 0)
				- 4611686018427387904 WHERE served = 0`,
		},
	},
	{
		id:         "0018_0.1.0_step_findings",
		statements: []string{`ALTER TABLE steps ADD COLUMN findings text NOT NULL DEFAULT ''`},
	},
	{
		id: "0019_0.1.0_contexts_of_statuses",
		statements: []string{
			`ALTER TABLE status_targets ADD COLUMN context text NOT NULL DEFAULT ''`,
			`ALTER TABLE statuses ADD COLUMN kind text NOT NULL DEFAULT 'status'`,
			`ALTER TABLE statuses RENAME COLUMN description TO payload`,
		},
		postgres: []string{
			`ALTER TABLE status_targets DROP CONSTRAINT status_targets_repo_sha_key`,
			`ALTER TABLE status_targets ADD UNIQUE (repo, sha, context)`,
		},
		sqlite: withNewTargets,
	},
	{
		id: "0020_0.1.0_results_of_tests",
		statements: []string{
			// How many lines of the log end before a chunk or block; below 0: not known.
			`ALTER TABLE log_chunks ADD COLUMN line bigint NOT NULL DEFAULT -1`,
			`ALTER TABLE log_blocks ADD COLUMN line bigint NOT NULL DEFAULT -1`,
			`CREATE INDEX log_blocks_line ON log_blocks (build_id, line)`,
			`ALTER TABLE builds ADD COLUMN log_lines bigint NOT NULL DEFAULT 0`,
			// Of what these have logged so far, nobody counted the lines.
			`UPDATE builds SET log_lines = -4611686018427387904 WHERE ended_at = 0 AND log_seq > 0`,
			`ALTER TABLE steps ADD COLUMN results text NOT NULL DEFAULT ''`,
			`CREATE TABLE test_runs (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				attempt bigint NOT NULL,
				passed bigint NOT NULL,
				failed bigint NOT NULL,
				error bigint NOT NULL,
				skipped bigint NOT NULL,
				expected_failure bigint NOT NULL,
				unexpected_success bigint NOT NULL,
				left_out bigint NOT NULL,
				PRIMARY KEY (build_id, attempt)
			)`,
			`CREATE TABLE test_failures (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				attempt bigint NOT NULL,
				seq bigint NOT NULL,
				test text NOT NULL,
				sub text NOT NULL,
				outcome text NOT NULL,
				took bigint NOT NULL,
				reason text NOT NULL,
				path text NOT NULL,
				line bigint NOT NULL,
				log_line bigint NOT NULL,
				again text NOT NULL,
				after text NOT NULL,
				details {{bytes}},
				PRIMARY KEY (build_id, attempt, seq)
			)`,
			`CREATE INDEX test_failures_test ON test_failures (test, build_id)`,
			`CREATE TABLE test_blocks (
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				attempt bigint NOT NULL,
				first_seq bigint NOT NULL,
				last_seq bigint NOT NULL,
				data {{bytes}} NOT NULL,
				PRIMARY KEY (build_id, attempt, first_seq)
			)`,
		},
	},
	{
		id: "0022_0.1.0_environments",
		statements: []string{
			`CREATE TABLE environments (
				build_id bigint PRIMARY KEY REFERENCES builds (id) ON DELETE CASCADE,
				green_id bigint NOT NULL,
				tree text NOT NULL,
				image text NOT NULL,
				image_id text NOT NULL,
				python text NOT NULL,
				plan text NOT NULL,
				packages text NOT NULL
			)`,
			// What passed, by its having no cause and not by state: SQLite would take builds_state for that.
			`CREATE INDEX builds_green ON builds (lower(repo), ref, id) WHERE ended_at > 0 AND cause = ''`,
		},
	},
	{
		id: "0023_0.1.0_ended_builds_of_branches",
		statements: []string{
			// One for both: what passed of a branch, and all that ended. SQLite would take the second for the first.
			`DROP INDEX builds_green`,
			`CREATE INDEX builds_ended ON builds (lower(repo), ref, id, cause) WHERE ended_at > 0`,
		},
	},
	{
		id:         "0024_0.1.0_fixed_by_the_operator",
		statements: []string{`ALTER TABLE repositories ADD COLUMN fixed text NOT NULL DEFAULT ''`},
	},
}
