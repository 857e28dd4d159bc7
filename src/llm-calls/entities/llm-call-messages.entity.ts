import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { IDENTIFIER, TIMESTAMP } from '../../database/columns.js';

/** What a call asked and what it was answered, where the operator wants that to be kept. */
@Entity('llm_call_messages')
@Index('llm_call_messages_expires_at_idx', ['expiresAt'])
@Check('llm_call_messages_content_check', `is_too_large = (content IS NULL)`)
export class LlmCallMessages {
  @PrimaryColumn({ type: 'uuid', name: 'call_id', primaryKeyConstraintName: 'llm_call_messages_pkey' })
  callId!: string;

  @PrimaryColumn({ ...IDENTIFIER, name: 'team_id', primaryKeyConstraintName: 'llm_call_messages_pkey' })
  teamId!: string;

  @Column({ type: 'uuid', name: 'job_id' })
  jobId!: string;

  /** Encrypted, see `StoredMessagesService`. */
  @Column({ type: 'bytea', nullable: true })
  content!: Buffer | null;

  @Column({ type: 'boolean', name: 'is_too_large' })
  isTooLarge!: boolean;

  @Column({ ...TIMESTAMP, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...TIMESTAMP, name: 'expires_at' })
  expiresAt!: Date;
}
