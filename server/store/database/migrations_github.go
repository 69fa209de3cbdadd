package database

// Of pull requests, checks and what no delivery tells of.
var githubMigrations = []migration{
	{
		id: "0025_0.1.0_pull_requests",
		statements: []string{
			`ALTER TABLE builds ADD COLUMN pull bigint NOT NULL DEFAULT 0`,
			`ALTER TABLE builds ADD COLUMN fork boolean NOT NULL DEFAULT FALSE`,
			`ALTER TABLE builds ADD COLUMN approved boolean NOT NULL DEFAULT FALSE`,
			`CREATE INDEX builds_unapproved ON builds (lower(repo), id) WHERE state = 'unapproved'`,
			`CREATE INDEX builds_pulls ON builds (lower(repo), ref, pushed_at) WHERE "trigger" = 'pull_request'`,
		},
	},
	{
		id: "0026_0.1.0_checks",
		statements: []string{
			// The host's number of the check run that a target is; 0: it is none, or not made yet.
			`ALTER TABLE status_targets ADD COLUMN check_id bigint NOT NULL DEFAULT 0`,
			// Whether the GitHub App sees the repository, by what it delivered.
			`ALTER TABLE repositories ADD COLUMN app boolean NOT NULL DEFAULT FALSE`,
		},
	},
	{
		id: "0027_0.1.0_superseded",
		statements: []string{
			`ALTER TABLE builds ADD COLUMN superseded_by bigint NOT NULL DEFAULT 0`,
			`CREATE INDEX builds_unended ON builds (lower(repo), ref) WHERE "trigger" = 'push' AND ended_at = 0`,
			// With the cause, which tells the pushes that were skipped: they are no branch's verdict.
			`DROP INDEX builds_branch`,
			`CREATE INDEX builds_branch ON builds (lower(repo), ref, pushed_at, id, queued_at, private, cause) ` +
				`WHERE "trigger" = 'push'`,
		},
	},
	{
		id: "0028_0.1.0_nothing_missed",
		statements: []string{
			// Requests to the git host of the last hour, which count against its limits.
			`CREATE TABLE spendings (
				id {{id}},
				account text NOT NULL,
				at bigint NOT NULL
			)`,
			`CREATE INDEX spendings_account ON spendings (account, at)`,
			// Where branches were when the git host was last asked.
			`CREATE TABLE heads (
				repo_key text NOT NULL,
				ref text NOT NULL,
				sha text NOT NULL,
				PRIMARY KEY (repo_key, ref)
			)`,
			// When the git host was last asked for something of a repository.
			`CREATE TABLE looks (
				repo_key text NOT NULL,
				what text NOT NULL,
				at bigint NOT NULL,
				PRIMARY KEY (repo_key, what)
			)`,
			`DROP INDEX builds_branch`,
			`CREATE INDEX builds_branch ON builds (lower(repo), ref, pushed_at, id, queued_at, private, cause) ` +
				`WHERE "trigger" IN ('push', 'poll')`,
			`DROP INDEX builds_unended`,
			`CREATE INDEX builds_unended ON builds (lower(repo), ref) WHERE "trigger" IN ('push', 'poll') AND ended_at = 0`,
		},
	},
	{
		id: "0029_0.1.0_notices",
		statements: []string{
			// What branches have come to, as people were told.
			`CREATE TABLE branch_colours (
				repo_key text NOT NULL,
				ref text NOT NULL,
				colour text NOT NULL,
				PRIMARY KEY (repo_key, ref)
			)`,
			`CREATE TABLE notices (
				id {{id}},
				build_id bigint NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
				target text NOT NULL,
				colour text NOT NULL,
				message_key text NOT NULL,
				queued_at bigint NOT NULL,
				next_at bigint NOT NULL,
				attempts bigint NOT NULL,
				sent_at bigint NOT NULL,
				failed_at bigint NOT NULL,
				last_error text NOT NULL
			)`,
			`CREATE INDEX notices_due ON notices (next_at, id) WHERE sent_at = 0 AND failed_at = 0`,
			`CREATE INDEX notices_target ON notices (target, id)`,
			`CREATE INDEX notices_build ON notices (build_id)`,
		},
	},
	{
		id: "0030_0.1.0_filtered_lists",
		// Lists of builds by what they are filtered by, newest first; and the same of public builds alone,
		// so that how long a list takes tells nobody of private ones. Branches and causes have none:
		// databases would look for a branch's last push, or its last green build, by it.
		statements: []string{
			`CREATE INDEX builds_author ON builds (author, id)`,
			`CREATE INDEX builds_author_public ON builds (author, id) WHERE NOT private`,
			`CREATE INDEX builds_state_public ON builds (state, id) WHERE NOT private`,
			`CREATE INDEX builds_queued_at ON builds (queued_at, id)`,
		},
	},
}
