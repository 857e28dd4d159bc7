import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs, their LLM calls and the attempts of each. */
export class Jobs1764000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE jobs (
        job_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        job_type varchar(128) NOT NULL,
        user_id varchar(256),
        status varchar(16) NOT NULL,
        metadata jsonb NOT NULL,
        error_message text,
        credits_held bigint NOT NULL,
        credit_applied boolean NOT NULL,
        credits_charged bigint NOT NULL,
        total_calls integer NOT NULL,
        successful_calls integer NOT NULL,
        failed_calls integer NOT NULL,
        running_calls integer NOT NULL,
        unpriced_calls integer NOT NULL,
        total_tokens bigint NOT NULL,
        total_cost_usd numeric(24,12) NOT NULL,
        total_latency_ms bigint NOT NULL,
        completion jsonb,
        created_at timestamptz(3) NOT NULL,
        started_at timestamptz(3),
        completed_at timestamptz(3),
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT jobs_pkey PRIMARY KEY (job_id, team_id),
        CONSTRAINT jobs_credits_check CHECK (credit_applied = (credits_charged > 0)),
        CONSTRAINT jobs_running_calls_check CHECK (running_calls >= 0),
        CONSTRAINT jobs_calls_check CHECK (total_calls = successful_calls + failed_calls + running_calls),
        CONSTRAINT jobs_ended_check CHECK ((status IN ('pending', 'in_progress')) = (completed_at IS NULL)),
        CONSTRAINT jobs_status_check CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled', 'expired')),
        CONSTRAINT jobs_team_id_fkey FOREIGN KEY (team_id) REFERENCES teams (team_id)
      )
    `);
    await runner.query(
      `CREATE INDEX jobs_team_id_completed_at_idx ON jobs (team_id, completed_at) WHERE completed_at IS NOT NULL`,
    );
    await runner.query(`CREATE INDEX jobs_team_id_job_id_idx ON jobs (team_id, job_id)`);
    await runner.query(`
      CREATE TABLE llm_calls (
        call_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        job_id uuid NOT NULL,
        model_group varchar(128) NOT NULL,
        purpose varchar(256),
        status varchar(16) NOT NULL,
        failure varchar(32),
        process_id uuid NOT NULL,
        deadline_at timestamptz(3) NOT NULL,
        prompt_tokens bigint NOT NULL,
        completion_tokens bigint NOT NULL,
        total_tokens bigint NOT NULL,
        cost_usd numeric(24,12) NOT NULL,
        is_unpriced boolean NOT NULL,
        latency_ms integer,
        created_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        CONSTRAINT llm_calls_pkey PRIMARY KEY (call_id, team_id),
        CONSTRAINT llm_calls_ended_check CHECK ((status = 'in_flight') = (ended_at IS NULL)),
        CONSTRAINT llm_calls_status_check CHECK (status IN ('in_flight', 'succeeded', 'failed', 'interrupted')),
        CONSTRAINT llm_calls_job_fkey FOREIGN KEY (job_id, team_id) REFERENCES jobs (job_id, team_id)
      )
    `);
    await runner.query(
      `CREATE INDEX llm_calls_in_flight_idx ON llm_calls (deadline_at) WHERE status = 'in_flight'`,
    );
    await runner.query(`CREATE INDEX llm_calls_job_idx ON llm_calls (team_id, job_id, call_id)`);
    await runner.query(`
      CREATE TABLE llm_attempts (
        attempt_id uuid NOT NULL,
        team_id varchar(128) NOT NULL,
        call_id uuid NOT NULL,
        number smallint NOT NULL,
        model_name varchar(256) NOT NULL,
        status varchar(16) NOT NULL,
        failure varchar(32),
        upstream_status smallint,
        upstream_error text,
        prompt_tokens bigint,
        completion_tokens bigint,
        total_tokens bigint,
        cost_usd numeric(24,12),
        cost_source varchar(32),
        cost_text varchar(128),
        latency_ms integer,
        started_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        CONSTRAINT llm_attempts_pkey PRIMARY KEY (attempt_id, team_id),
        CONSTRAINT llm_attempts_cost_check CHECK (CASE WHEN status = 'in_flight' THEN cost_source IS NULL AND cost_usd IS NULL ELSE cost_source IS NOT NULL AND (cost_source = 'unpriced') = (cost_usd IS NULL) END),
        CONSTRAINT llm_attempts_ended_check CHECK ((status = 'in_flight') = (ended_at IS NULL)),
        CONSTRAINT llm_attempts_status_check CHECK (status IN ('in_flight', 'succeeded', 'failed', 'timed_out', 'interrupted'))
      )
    `);
    await runner.query(
      `CREATE UNIQUE INDEX llm_attempts_call_key ON llm_attempts (team_id, call_id, number)`,
    );
    await runner.query(`
      CREATE TABLE llm_call_leases (
        process_id uuid NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT llm_call_leases_pkey PRIMARY KEY (process_id)
      )
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE llm_call_leases`);
    await runner.query(`DROP TABLE llm_attempts`);
    await runner.query(`DROP TABLE llm_calls`);
    await runner.query(`DROP TABLE jobs`);
  }
}
