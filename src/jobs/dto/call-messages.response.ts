import { ApiProperty } from '@nestjs/swagger';
import type { CallMessages } from '../../llm-calls/llm-calls.types.js';

export class CallMessagesResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  call_id!: string;

  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d11' })
  job_id!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'What the call asked: messages and parameters',
    example: {
      messages: [{ role: 'user', content: 'Is this clause usual?' }],
      parameters: { temperature: 0.2 },
    },
  })
  request!: object;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What the model answered, as far as it came; null if nothing did',
    example: {
      choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
    },
  })
  answer!: object | null;

  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-24T09:30:00.000Z' })
  created_at!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    description: 'When they are deleted',
    example: '2026-12-24T09:30:00.000Z',
  })
  expires_at!: string;
}

export function toCallMessagesResponse(messages: CallMessages): CallMessagesResponse {
  return {
    call_id: messages.callId,
    job_id: messages.jobId,
    request: messages.request,
    answer: messages.answer,
    created_at: messages.createdAt.toISOString(),
    expires_at: messages.expiresAt.toISOString(),
  };
}
