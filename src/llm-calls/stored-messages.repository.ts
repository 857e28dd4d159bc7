import { Injectable } from '@nestjs/common';
import { type EntityManager, MoreThan } from 'typeorm';
import { queryRows } from '../database/rows.js';
import { LlmCallMessages } from './entities/llm-call-messages.entity.js';
import type { CallName } from './llm-calls.types.js';

/** A row as it is stored. */
export interface StoredMessages extends CallName {
  /** Encrypted; null where the messages were too large. */
  readonly content: Buffer | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

@Injectable()
export class StoredMessagesRepository {
  async insert(manager: EntityManager, messages: StoredMessages): Promise<void> {
    await manager
      .getRepository(LlmCallMessages)
      .insert({ ...messages, isTooLarge: messages.content === null });
  }

  /** What has expired is not found, whether or not it has been deleted. */
  async find(manager: EntityManager, call: CallName, now: Date): Promise<StoredMessages | null> {
    const { teamId, jobId, callId } = call;
    return manager
      .getRepository(LlmCallMessages)
      .findOneBy({ teamId, jobId, callId, expiresAt: MoreThan(now) });
  }

  /** What another process deletes right now is left to it. @returns how many went */
  async deleteExpired(manager: EntityManager, now: Date, limit: number): Promise<number> {
    const rows = await queryRows(
      manager,
      `DELETE FROM llm_call_messages gone
        USING (SELECT call_id, team_id FROM llm_call_messages WHERE expires_at <= $1
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) expired
        WHERE gone.call_id = expired.call_id AND gone.team_id = expired.team_id
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }
}
